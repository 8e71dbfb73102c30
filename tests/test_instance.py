"""The name of a bot in its DATA_DIR: a damaged one keeps it from nothing."""

import random
import re
from pathlib import Path

import pytest

from bot.instance import FILE, instance_of
from tests.faults.damage import KINDS
from tests.faults.stage import ANSWER, QUESTION, bot_in, slack_for


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_name_is_made_anew_and_stays(tmp_path: Path, kind: str) -> None:
    file = tmp_path / FILE
    for seed in range(20):
        named = instance_of(tmp_path)
        assert instance_of(tmp_path) == named
        file.write_bytes(KINDS[kind](random.Random(seed), file.read_bytes()))
        again = instance_of(tmp_path)
        assert re.fullmatch("[0-9a-f]{16}", again)
        assert instance_of(tmp_path) == again


def test_with_a_damaged_name_the_bot_starts_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(b"\x86\x00\xff")
    with slack_for(tmp_path) as slack, bot_in(slack, tmp_path):
        assert ANSWER in slack.reply(slack.command("alice", "it-help", f"/search {QUESTION}")).shown
    assert "instance is damaged and made anew" in caplog.text
