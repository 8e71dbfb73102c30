"""The weekly digest: on Mondays from nine, once, in the channel that kotae.toml names."""

from datetime import UTC, datetime

import pytest

from bot.digest import WeeklyDigest
from bot.playground import LocalSlack
from bot.settings import ConfigFile, SettingsError
from tests.slack.conftest import Start, settle

pytestmark = pytest.mark.usefixtures("lawful")

SUNDAY, EARLY = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 23, 8, 59, tzinfo=UTC)
MONDAY, NEXT = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 30, 10, tzinfo=UTC)


def test_what_nobody_could_answer_is_told_once_a_week(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile(digest_channel="#dev-faq"))
    slack.reply(slack.mention("alice", "it-help", f"<@{slack.bot}> Who waters the plants on the fourth floor?"))
    settle(slack, bot)
    before = len(slack.bot_messages("dev-faq"))
    days = iter([SUNDAY, EARLY, MONDAY, MONDAY, NEXT])
    digest = WeeklyDigest(bot.services, slack.channel("dev-faq").id, lambda: next(days))
    for sent in (0, 0, 1, 1, 2):
        digest.send_if_due()
        assert len(slack.bot_messages("dev-faq")) - before == sent
    assert "plants" in slack.bot_messages("dev-faq")[-1].shown


def test_it_is_sent_by_itself_and_a_refusal_does_not_end_it(slack: LocalSlack, start: Start) -> None:
    bot = start()
    slack.reply(slack.mention("alice", "it-help", f"<@{slack.bot}> Who waters the plants on the fourth floor?"))
    settle(slack, bot)
    days = iter([MONDAY, *[NEXT] * 1000])
    slack.faults.error("chat.postMessage", "channel_not_found")
    digest = WeeklyDigest(bot.services, slack.channel("dev-faq").id, lambda: next(days), 0.05)
    digest.start()
    try:
        slack.wait_until(lambda: "plants" in "".join(each.shown for each in slack.bot_messages("dev-faq")))
    finally:
        digest.close()


def test_a_channel_that_is_not_there_is_refused_at_start(start: Start) -> None:
    with pytest.raises(SettingsError, match=r"digest_channel = '#kb-admin': no channel .*it-help"):
        start(ConfigFile(digest_channel="#kb-admin"))
