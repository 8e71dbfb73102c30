"""The weekly digest: on Mondays from nine, once, in the channel that kotae.toml names."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.digest import WeeklyDigest, now
from bot.playground import LocalSlack
from bot.settings import SettingsError
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


def asked_in_vain(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.mention("alice", "it-help", f"<@{slack.bot}> Who waters the plants on the fourth floor?"))
    settle(slack, bot)


def sent(slack: LocalSlack) -> int:
    return len(slack.bot_messages("dev-faq"))


def test_a_bot_that_was_down_all_monday_catches_up_once(slack: LocalSlack, start: Start) -> None:
    bot = start()
    asked_in_vain(slack, bot)
    channel = slack.channel("dev-faq").id
    times = [MONDAY, *(NEXT + timedelta(days=days) for days in (16, 16.1, 18, 21, 21.2))]
    for at, expected in zip(times, (1, 2, 2, 2, 3, 3), strict=True):
        WeeklyDigest(bot.services, channel, lambda at=at: at).send_if_due()  # type: ignore[misc]  # as after a restart
        assert sent(slack) == expected, at
    spans = [re.search(r"last (\d+) days", each.shown) for each in slack.bot_messages("dev-faq")]
    assert [int(span[1]) for span in spans if span] == [7, 23, 5]


def test_one_that_slack_refused_is_sent_later_and_of_several_bots_one_sends_it(slack: LocalSlack, start: Start) -> None:
    bot = start()
    asked_in_vain(slack, bot)
    channel = slack.channel("dev-faq").id
    slack.faults.error("chat.postMessage", "channel_not_found")
    for minutes, expected in ((0, 0), (10, 0), (61, 1), (62, 1), (300, 1)):
        at = MONDAY + timedelta(minutes=minutes)
        for digest in [WeeklyDigest(bot.services, channel, lambda at=at: at) for _ in range(2)]:  # type: ignore[misc]
            digest.send_if_due()
        assert sent(slack) == expected, minutes


def test_what_an_earlier_version_sent_this_morning_is_not_sent_again(slack: LocalSlack, start: Start) -> None:
    bot = start()
    asked_in_vain(slack, bot)
    channel = slack.channel("dev-faq").id
    assert bot.services.claims.take(f"digest:{channel}:2026-48")
    for at, expected in ((MONDAY + timedelta(hours=1), 0), (MONDAY + timedelta(hours=3), 0), (NEXT, 1)):
        WeeklyDigest(bot.services, channel, lambda at=at: at).send_if_due()  # type: ignore[misc]
        assert sent(slack) == expected


@pytest.mark.parametrize(
    ("zone", "nine"),
    [
        ("Asia/Tokyo", datetime(2026, 11, 23, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 30, 7, tzinfo=UTC)),  # the day after clocks went forward
        ("Europe/Berlin", datetime(2026, 10, 26, 8, tzinfo=UTC)),  # and back
        ("America/New_York", datetime(2026, 11, 23, 14, tzinfo=UTC)),
    ],
)
def test_nine_is_nine_in_the_time_zone_of_the_settings(
    slack: LocalSlack, start: Start, zone: str, nine: datetime
) -> None:
    bot = start(ConfigFile(timezone=zone))
    asked_in_vain(slack, bot)
    channel = slack.channel("dev-faq").id
    for at, expected in ((nine - timedelta(minutes=1), 0), (nine, 1), (nine + timedelta(minutes=1), 1)):
        here = at.astimezone(bot.services.config.timezone)
        WeeklyDigest(bot.services, channel, lambda here=here: here).send_if_due()  # type: ignore[misc]
        assert sent(slack) == expected
    assert now(bot.services.config.timezone).utcoffset() == datetime.now(UTC).astimezone(ZoneInfo(zone)).utcoffset()


def test_a_channel_that_is_not_there_is_refused_at_start(start: Start) -> None:
    with pytest.raises(SettingsError, match=r"digest_channel = '#kb-admin': no channel .*it-help"):
        start(ConfigFile(digest_channel="#kb-admin"))
