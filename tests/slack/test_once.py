"""What happens once ever happens once, however long ago that was."""

import time

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from tests.slack.conftest import Start, settle, stop

YEAR = 365 * 24 * 3600.0


@pytest.mark.usefixtures("lawful")
def test_nobody_is_greeted_and_no_channel_introduced_twice(slack: LocalSlack, start: Start) -> None:
    bot = start()
    slack.open_home("alice", "messages")
    slack.invite_bot("keiri")
    slack.wait_until(lambda: slack.bot_messages("keiri") and slack.bot_messages(slack.person("alice")), what="both")
    bot.services.claims.purge(time.time() + YEAR)
    slack.open_home("alice", "messages")
    settle(slack, bot)
    assert stop_and_count(slack, bot) == (1, 1)
    again = start()
    again.services.claims.purge(time.time() + 2 * YEAR)
    slack.open_home("alice", "messages")
    slack.open_home("hanako", "messages")
    slack.wait_until(lambda: slack.bot_messages(slack.person("hanako")), what="the greeting of somebody new")
    slack.remove("bot", "keiri")
    slack.invite_bot("keiri")
    settle(slack, again)
    assert stop_and_count(slack, again) == (1, 1)


def stop_and_count(slack: LocalSlack, bot: Bot) -> tuple[int, int]:
    stop(slack, bot)
    return len(slack.bot_messages(slack.person("alice"))), len(slack.bot_messages("keiri"))
