"""The words of old questions go; the first time after admins were told, a week ahead, in their language."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.app import Bot
from bot.housekeeping import Housekeeping
from bot.playground import LocalSlack
from handlers.learning.store.voices import Voices
from tests.slack.conftest import Start, settle

pytestmark = pytest.mark.usefixtures("lawful")

QUESTION = "パスワードを忘れました。どうすれば再設定できますか？"
DAY = 24 * 3600


def words(knowledge: Path) -> list[str]:
    with closing(sqlite3.connect(knowledge.parent / "data" / "state.db")) as raw:
        return [text for (text,) in raw.execute("SELECT text FROM questions ORDER BY at")]


def told(slack: LocalSlack, who: str) -> list[str]:
    return [each.shown for each in slack.bot_messages(slack.person(who)) if "keep_questions_days" in each.shown]


class Clock:
    """A clock that stands so many days after now."""

    days = 0.0

    def __call__(self) -> float:
        return time.time() + self.days * DAY


def on_day(clock: Clock, keeper: Housekeeping, days: float) -> None:
    clock.days = days
    keeper.tidy()


def test_the_first_purge_is_announced_a_week_ahead_and_the_next_ones_are_not(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    bot = start(admin_users=(slack.person("olivia").id, slack.person("ichiro").id, slack.person("guest").id))
    answer = slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    settle(slack, bot)
    clock = Clock()
    keeper = Housekeeping(bot.services, 90, clock)
    on_day(clock, keeper, 80)
    assert told(slack, "olivia") == []
    for day in (91, 92, 97.9):
        on_day(clock, keeper, day)
        assert len(told(slack, "olivia")) == 1
        assert words(knowledge) == [QUESTION]
    assert "more than 90 days old" in told(slack, "olivia")[0]
    assert "90 日より前の質問" in told(slack, "ichiro")[0]
    assert (told(slack, "guest"), told(slack, "hanako")) == ([], [])
    on_day(clock, keeper, 98.1)
    assert words(knowledge) == [""]
    slack.press("hanako", answer, "vote", 0)
    settle(slack, bot)
    assert Voices(bot.services.database).judged() == {}
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    on_day(clock, keeper, 98.2)
    assert words(knowledge) == ["", QUESTION]
    on_day(clock, keeper, 99.2)
    assert words(knowledge) == ["", ""]
    assert len(told(slack, "olivia")) == 1


def test_where_nobody_is_named_the_admins_of_the_workspace_are_told(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    settle(slack, bot)
    slack.faults.error("chat.postMessage", "channel_not_found", times=None)
    clock = Clock()
    keeper = Housekeeping(bot.services, 90, clock)
    on_day(clock, keeper, 91)
    slack.faults.clear()
    on_day(clock, keeper, 92)
    assert (len(told(slack, "olivia")), len(told(slack, "ichiro")), told(slack, "hanako")) == (1, 1, [])
    on_day(clock, keeper, 98.9)
    assert words(knowledge) == [QUESTION]
    on_day(clock, keeper, 99.1)
    assert words(knowledge) == [""]
