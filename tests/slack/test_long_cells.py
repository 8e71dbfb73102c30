"""A cell as long as a CSV's may be, of whatever: the bot answers as quickly as ever, that question and all others."""

import time
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from tests.slack.conftest import Start

pytestmark = pytest.mark.usefixtures("lawful")

LENGTH = 31_000
FILLINGS = {
    "spaces": " ",
    "full-width spaces": "\u3000",
    "blank lines": " \n",
    "less-than": "<",
    "rules": "|--",
    "katakana": "アイ",
    "marks": "\u0301\u0323",
    "digits": "1",
    "bullets": "- a\n",
    "boxes": "- [ ] a\n",
    "table rows": "\n|a|b|\n|---|---|",
    "emphasis": "*_~",
    "escapes": "\\*",
}


@pytest.mark.parametrize("filling", FILLINGS)
def test_a_question_is_answered_at_once_whatever_the_cell_holds(
    slack: LocalSlack, start: Start, knowledge: Path, filling: str
) -> None:
    unit = FILLINGS[filling]
    cell = f"Beside the stairs{unit * (LENGTH // len(unit))}on the second floor"
    (knowledge / "it-help.csv").write_text(f'question,answer\nWhere is the plotter?,"{cell}"\n', encoding="utf-8")
    start()
    slack.reply(slack.command("alice", "dev-faq", "/search rollback"))
    before = time.process_time()
    answer = slack.reply(slack.command("alice", "it-help", "/search Where is the plotter?"))
    if "read_1" in str(answer.blocks):
        slack.press("alice", answer, "read_1")
        slack.wait_until(lambda: slack.views("alice"), what="the whole answer")
    assert "Beside the stairs" in answer.shown
    assert time.process_time() - before < 3
