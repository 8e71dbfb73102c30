"""A row whose answer is missing, or a mere placeholder: shown to who asks, as not certain, and never volunteered."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from handlers.channel_rules import AutoReply
from handlers.learning.misses import digest
from tests.slack.conftest import Start, asked_so_far, settle

QUESTION = "How do I connect the projector in the big room?"
FILES = {
    "blank": f"question,answer\n{QUESTION},\nWhere is the printer?,Floor 2\nWho orders paper?,Ask the desk\n",
    "placeholder": f"question,answer\n{QUESTION},TBD\nWhere is the printer?,Floor 2\nWho orders paper?,The desk\n",
    "Japanese placeholder": f"question,answer\n{QUESTION},（調整中）\nWhere is the printer?,Floor 2\n",
    "misspelt header": f"question,anser\n{QUESTION},With the adapter\nWhere is the printer?,Floor 2\n",
    "unknown headers": f"thing,facts\n{QUESTION},With the adapter\nWhere is the printer?,Floor 2\n",
    "half missing, cells left out": f"question,answer,by\n{QUESTION}\nWhere is the printer?,Floor 2,Kim\n",
    "no question": f"Topic area,Content\nRooms,{QUESTION} With the adapter\nPaper,Ask the desk\n",
}


def begun(start: Start, knowledge: Path, file: str, mode: str) -> Bot:
    """Start a bot that volunteers in #it-help from a tenth of certainty on."""
    (knowledge / "it-help.csv").write_text(FILES[file], encoding="utf-8")
    (knowledge / "_shared.csv").unlink()
    rules = {"channels": {"it-help": {"auto_reply": mode, "threshold": 0.1}}}
    return start(ConfigFile.model_validate(rules), admin_users=("UADMIN",))


@pytest.mark.parametrize("mode", ["on", "shadow"])
@pytest.mark.parametrize("file", FILES)
def test_it_is_not_volunteered_and_counts_as_a_miss(
    slack: LocalSlack, start: Start, knowledge: Path, file: str, mode: str
) -> None:
    bot = begun(start, knowledge, file, mode)
    assert bot.services.channels.of(slack.channel("it-help").id).auto_reply is AutoReply(mode)
    asked = slack.say("alice", "it-help", QUESTION)
    settle(slack, bot)
    slack.edit(asked, f"{QUESTION} Please?")
    settle(slack, bot)
    assert slack.bot_messages() == []
    assert [noted.answered for noted in asked_so_far(bot)] == [False, False]
    listed = slack.reply(slack.command("olivia", "it-help", "/kb misses"))
    assert "projector" in listed.shown


@pytest.mark.parametrize("file", ["blank", "placeholder", "Japanese placeholder", "misspelt header"])
def test_who_asks_sees_the_row_as_not_certain(slack: LocalSlack, start: Start, knowledge: Path, file: str) -> None:
    bot = begun(start, knowledge, file, "on")
    answer = slack.reply(slack.mention("alice", "it-help", f"<@{slack.bot}> {QUESTION}"))
    settle(slack, bot)
    assert QUESTION in answer.shown
    assert "Possible match (50%)" in answer.shown
    assert "Strong match" not in answer.shown
    assert [noted.answered for noted in asked_so_far(bot)] == [False]
    listed = slack.reply(slack.command("olivia", "it-help", "/kb misses"))
    assert "projector" in listed.shown


def test_an_answer_that_goes_withdraws_the_reply_when_the_question_is_edited(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    file = knowledge / "it-help.csv"
    file.write_text(FILES["blank"].replace(f"{QUESTION},", f"{QUESTION},With the adapter"), encoding="utf-8")
    bot = start(ConfigFile.model_validate({"channels": {"it-help": {"auto_reply": "on", "threshold": 0.3}}}))
    asked = slack.say("alice", "it-help", QUESTION)
    reply = slack.reply(asked)
    assert "With the adapter" in reply.shown
    file.write_text(FILES["placeholder"], encoding="utf-8")
    bot.services.maintenance.reload("it-help").result()
    slack.edit(asked, f"{QUESTION} Thanks!")
    slack.wait_until(lambda: slack.bot_messages() == [], what="the withdrawal")


def test_a_miss_is_not_closed_by_a_placeholder(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    bot = begun(start, knowledge, "placeholder", "on")
    slack.reply(slack.mention("alice", "it-help", f"<@{slack.bot}> {QUESTION}"))
    settle(slack, bot)
    told = digest(bot.services, 7, slack.channel("it-help").id)
    assert told is not None
    assert "projector" in str(told.payload())
