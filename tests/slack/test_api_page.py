"""docs/api.md, followed from top to bottom: every command in it is run, and answers as the page says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.playground import LocalSlack
from bot.samples import FOLDER as SAMPLES
from tests.slack.conftest import Start

ROOT = Path(__file__).parents[2]
PAGES = ["docs/api.md", "docs/api.ja.md"]
ADDRESS = "127.0.0.1:8321"
BLOCK = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)
END = "-- end of a command --"


def commands(page: str) -> list[tuple[str, Any]]:
    """The commands of a page, each with the answer that follows it; None where none does."""
    blocks = BLOCK.findall((ROOT / page).read_text("utf-8"))
    following = [*blocks[1:], ("", "")]
    return [
        (text, json.loads(after) if kind == "json" else None)
        for (is_, text), (kind, after) in zip(blocks, following, strict=True)
        if is_ == "sh"
    ]


def shape(answer: Any) -> Any:
    """What an answer consists of, without its values; of a row, the columns depend on the file."""
    if isinstance(answer, dict):
        return {key: "row" if key == "record" else shape(value) for key, value in answer.items()}
    return [shape(each) for each in answer[:1]] if isinstance(answer, list) else type(answer).__name__


def run(lines: list[str], folder: Path, address: str) -> list[str]:
    """What each command prints, in one shell, where `kotae` is the one under test."""
    (folder / "kotae").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bot "$@"\n')
    (folder / "kotae").chmod(0o755)
    script = f"\necho '{END}'\n".join(lines).replace(ADDRESS, address)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "DATA_DIR": "data", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(f"{END}\n")


@pytest.mark.sqlite("the commands of the page work with the state database in DATA_DIR")
@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="the page uses curl and bash")
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_works_and_answers_so(
    start: Start, slack: LocalSlack, knowledge: Path, page: str
) -> None:
    for sample in SAMPLES.glob("*.csv"):
        shutil.copy(sample, knowledge)
    bot = start(api_bind="127.0.0.1:0")
    assert bot.api is not None
    told = commands(page)
    assert len(told) == 6
    printed = run([text for text, _ in told], knowledge.parent, bot.api.address)
    for text, expected in zip(printed, [expected for _, expected in told], strict=True):
        if expected is not None:
            assert shape(json.loads(text)) == shape(expected), text
    assert printed[0].startswith("website  sees it-help; made ")
    found, documented = json.loads(printed[1]), told[1][1]
    assert [hit["record"]["id"] for hit in found["hits"]] == ["IT-013"]
    assert set(documented["hits"][0]["record"]) <= set(found["hits"][0]["record"])
    documented["hits"][0]["record"] = found["hits"][0]["record"]
    assert found | {"seconds": 0} == documented | {"seconds": 0}
    assert json.loads(printed[2]) == told[2][1]
    assert json.loads(printed[4])["error"]["code"] == told[4][1]["error"]["code"]
    misses = slack.reply(slack.command("olivia", "it-help", "/kb misses")).shown
    assert ("no router at home" if page == PAGES[0] else "自宅にルーターがない") in misses


def test_both_pages_have_the_same_commands() -> None:
    english, japanese = ([re.sub(r'"reason": ".*"', "", text) for text, _ in commands(page)] for page in PAGES)
    assert english == japanese
