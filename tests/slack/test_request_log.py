"""One line in the log for each question: how it went and how long it took, never what was asked, nor by whom."""

import logging
import re

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from handlers.channel_rules import AutoReply
from tests.slack.conftest import Start, settle

WIFI = "How do I connect to the office Wi-Fi?"
TIMES = r" waited_ms=\d+ took_ms=\d+( search_ms=\d+)?"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about requests, with their times left out."""
    told = [record.getMessage() for record in caplog.records if record.name == "handlers.route"]
    assert all(re.search(TIMES, line) for line in told)
    return [re.sub(TIMES, "", line) for line in told]


@pytest.fixture(autouse=True)
def informed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "handlers.route")


def test_each_question_has_a_line_with_its_outcome(
    slack: LocalSlack, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    for line in (f"/search {WIFI}", "/search qqqq zzzz", "/search"):
        slack.reply(slack.command("alice", "it-help", line))
    slack.reply(slack.command("alice", "it-help", "/kb audit"))
    slack.reply(slack.command("olivia", "it-help", "/kb audit"))
    slack.mention("alice", "it-help", WIFI)
    slack.dm("alice", WIFI)
    settle(slack, bot)
    assert lines(caplog)[:5] == [
        "handler=search.slash origin=search outcome=answered",
        "handler=search.slash origin=search outcome=nothing",
        "handler=search.slash outcome=done",
        "handler=commands.command outcome=refused",
        "handler=commands.command outcome=done",
    ]
    assert sorted(lines(caplog)[5:]) == [
        "handler=search.direct origin=dm outcome=answered",
        "handler=search.mention origin=mention outcome=answered",
    ]
    for secret in ("Wi-Fi", "qqqq", slack.person("alice").id):
        assert secret not in caplog.text


def test_messages_have_a_line_where_they_are_searched_and_nowhere_else(
    slack: LocalSlack, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    bot = start(ConfigFile(auto_reply=AutoReply.ON, threshold=0.5))
    slack.say("alice", "it-help", WIFI)
    slack.say("alice", "it-help", "ok")
    slack.quiet(0.1)
    settle(slack, bot)
    assert "handler=auto_reply.posted origin=auto_reply outcome=answered" in lines(caplog)


def test_a_question_that_fails_says_so(slack: LocalSlack, bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    slack.faults.error("chat.postMessage", "not_in_channel", times=None)
    slack.mention("alice", "it-help", WIFI)
    settle(slack, bot)
    assert "handler=search.mention origin=mention outcome=failed" in lines(caplog)


def test_a_repeated_delivery_says_so(slack: LocalSlack, bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    slack.faults.duplicate("envelope")
    slack.reply(slack.command("alice", "it-help", f"/search {WIFI}"))
    settle(slack, bot)
    assert sorted(lines(caplog)) == [
        "handler=search.slash origin=search outcome=answered",
        "handler=search.slash outcome=repeated",
    ]
