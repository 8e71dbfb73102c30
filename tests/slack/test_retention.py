"""The words of old questions go; the first time after admins were told, a week ahead, in their language."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import Bot
from bot.housekeeping import Housekeeping
from bot.playground import LocalSlack
from handlers.learning.store.voices import Voices
from handlers.privacy.store.erasures import Erasures
from handlers.store.audit import AuditLog
from handlers.store.backup import backup_of
from handlers.store.questions import questions
from tests.slack.conftest import Start, settle

pytestmark = pytest.mark.usefixtures("lawful")

QUESTION = "パスワードを忘れました。どうすれば再設定できますか？"
DAY = 24 * 3600


def words(bot: Bot) -> list[str]:
    wanted = select(questions.c.text).order_by(questions.c.at)
    return [text for (text,) in bot.services.database.read("read the words", wanted) or ()]


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


def test_the_first_purge_is_announced_a_week_ahead_and_the_next_ones_are_not(slack: LocalSlack, start: Start) -> None:
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
        assert words(bot) == [QUESTION]
    assert "more than 90 days old" in told(slack, "olivia")[0]
    assert "90日より前の質問" in told(slack, "ichiro")[0]
    assert (told(slack, "guest"), told(slack, "hanako")) == ([], [])
    on_day(clock, keeper, 98.1)
    assert words(bot) == [""]
    slack.press("hanako", answer, "vote", 0)
    settle(slack, bot)
    assert Voices(bot.services.database).judged() == {}
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    on_day(clock, keeper, 98.2)
    assert words(bot) == ["", QUESTION]
    on_day(clock, keeper, 99.2)
    assert words(bot) == ["", ""]
    assert len(told(slack, "olivia")) == 1


def test_where_nobody_is_named_the_admins_of_the_workspace_are_told(slack: LocalSlack, bot: Bot) -> None:
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
    assert words(bot) == [QUESTION]
    on_day(clock, keeper, 99.1)
    assert words(bot) == [""]


@pytest.mark.sqlite("the files of versions, snapshots and damaged databases; a server: test_shared_store")
def test_what_is_too_old_goes_also_while_no_copy_of_the_database_can_be_made(bot: Bot, knowledge: Path) -> None:
    """As on a full disk, where that makes room."""
    data, clock = knowledge.parent / "data", Clock()
    old = data / "state.db.damaged-20200101-000000"
    old.write_bytes(b"old")
    in_the_way = backup_of(data / "state.db")
    in_the_way.unlink(missing_ok=True)
    in_the_way.mkdir()
    os.utime(in_the_way, (0, 0))
    clock.days = 31
    with pytest.raises(OSError, match="backup"):
        Housekeeping(bot.services, 90, clock, sweeps=bot.housekeeping._sweeps).keep_files()
    assert not old.exists()


@pytest.mark.sqlite("the files of versions, snapshots and damaged databases; a server: test_shared_store")
def test_everything_else_that_is_too_old_goes_too_and_what_is_in_use_stays(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.8"))
    settle(slack, bot)
    data = knowledge.parent / "data"
    old = [
        *(data / "versions" / "gone-01234567", data / "snapshots" / "gone-01234567"),
        *(data / "state.db.damaged-20200101-000000", data / "state.db.damaged-20200101-000000-wal"),
    ]
    for each in old[:2]:
        each.mkdir()
        (each / "file").write_bytes(b"old")
    for each in old[2:]:
        each.write_bytes(b"old")
    Erasures(data / "state.db").add("U0GONE", [])
    clock = Clock()
    keeper = Housekeeping(bot.services, 90, clock, sweeps=bot.housekeeping._sweeps)
    kept = sorted(each for each in data.rglob("*") if each.parent.parent.name in {"versions", "snapshots"})
    keeper.keep_files()
    assert [each for each in old if not each.exists()] == []
    assert len(AuditLog(bot.services.database).newest()) == 1
    clock.days = 731
    keeper.keep_files()
    assert [each for each in old if each.exists()] == []
    assert [each for each in kept if "gone" not in str(each) and not each.exists()] == []
    assert not (data / "state.db.erasures").exists()
    assert AuditLog(bot.services.database).newest() == []
    assert bot.services.channels.of(slack.channel("it-help").id).threshold == 0.8
