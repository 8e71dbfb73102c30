"""A cell as long as a CSV's may be, of whatever: the bot answers as quickly as ever, that question and all others."""

import time

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from tests.slack.conftest import Put

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


def test_a_question_is_answered_at_once_whatever_the_cell_holds(slack: LocalSlack, bot: Bot, put: Put) -> None:
    slack.reply(slack.command("alice", "dev-faq", "/search rollback"))
    for filling, unit in FILLINGS.items():
        cell = f"Beside the stairs{unit * (LENGTH // len(unit))}on the second floor"
        put("it-help.csv", f'question,answer\nWhere is the plotter?,"{cell}"\n')
        assert bot.services.maintenance.reload("it-help").result(60).error is None, filling
        before = time.process_time()
        assert "Beside the stairs" in answered(slack), filling
        assert time.process_time() - before < 3, filling


def answered(slack: LocalSlack) -> str:
    """What is shown to the question; the whole answer is opened if there is more."""
    answer = slack.reply(slack.command("alice", "it-help", "/search Where is the plotter?"))
    if "read_1" in str(answer.blocks):
        pressed = slack.press("alice", answer, "read_1")
        slack.wait_until(lambda: pressed.views, what="the whole answer")
    return answer.shown
