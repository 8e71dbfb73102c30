"""What admins read: numbers, the trend as a picture, shadow mode's rehearsal with Go live, the audit log."""

import struct
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.admin.store.statistics import Overview, Rehearsal, Statistics, Tally
from handlers.admin.views.reports import audit
from handlers.admin.views.trend import HEIGHT, WIDTH, trend
from handlers.channel_rules import AutoReply
from handlers.learning.store.misses import Misses
from handlers.schema import open_database
from handlers.store.audit import AuditEntry, AuditLog
from handlers.store.database import Database
from handlers.store.questions import AskedQuestion, FoundHit, Questions, questions
from handlers.texts import ENGLISH
from indexes.messages import Translatable
from tests.audit import action, outcome
from tests.slack.conftest import Start, settle
from tests.state import url_in

pytestmark = pytest.mark.usefixtures("lawful")

WIFI = "How do I connect to the office Wi-Fi?"
NOWHERE = "zxqv?"


def kb(slack: LocalSlack, action: str, who: str = "olivia") -> Message:
    return slack.reply(slack.command(who, "it-help", f"/kb {action}"))


@pytest.fixture
def database(tmp_path: Path, database_url: str | None) -> Iterator[Database]:
    opened = open_database(database_url or url_in(tmp_path))
    yield opened
    opened.close()


def noted(name: str, *, answered: bool, source: str = "search", confidence: float = 0.95) -> AskedQuestion:
    hit = FoundHit(name, "r", 0.8, confidence)
    return AskedQuestion(source, "C1", "U1", "q", (hit,), confidence, 0.9, answered)  # type: ignore[arg-type]


def test_questions_are_counted_by_knowledge_base_and_day(database: Database) -> None:
    first = Questions(database).add(noted("a", answered=True))
    assert first
    Questions(database).add(noted("a", answered=False, confidence=0.62))
    Questions(database).add(noted("a", answered=False, confidence=0.2))
    Questions(database).add(noted("b", answered=True, source="auto_reply"))
    Questions(database).add(noted("b", answered=False, source="auto_reply"))  # nobody asked: silence is no miss
    Questions(database).add(noted("b", answered=True, source="shadow"))
    Questions(database).vote(first, "U1", "helpful")
    Questions(database).vote(first, "U2", "wrong")
    overview = Statistics(database).overview(7, Misses(database).open(0, 10))
    assert overview.by_name == {"a": Tally(2, 1, 1, 1), "b": Tally(1, 0, 0, 0)}
    assert overview.total == Tally(3, 1, 1, 1)
    today = datetime.now().astimezone().date()
    assert list(overview.by_day) == [today - timedelta(days=back) for back in range(6, -1, -1)]
    assert overview.by_day[today] == Tally(3, 1, 1, 1)
    assert Statistics(database).overview(7, now=time.time() + 8 * 24 * 3600).total == Tally()


@pytest.mark.parametrize(
    ("zone", "counted"),
    [
        ("Europe/Berlin", {date(2026, 10, 24): 1, date(2026, 10, 25): 3, date(2026, 10, 26): 1}),
        ("UTC", {date(2026, 10, 24): 2, date(2026, 10, 25): 3, date(2026, 10, 26): 0}),
        ("Asia/Tokyo", {date(2026, 10, 24): 0, date(2026, 10, 25): 3, date(2026, 10, 26): 2}),
    ],
)
def test_days_are_those_of_the_time_zone_of_the_settings(
    database: Database, zone: str, counted: dict[date, int]
) -> None:
    """On a day of 25 hours too: clocks in Berlin go back on 25 October."""
    for asked in ("24T21:30", "24T22:30", "25T00:30", "25T22:30", "25T23:30"):
        number = Questions(database).add(noted("a", answered=True))
        at = datetime.fromisoformat(f"2026-10-{asked}:00+00:00").timestamp()
        database.write("date a question", update(questions).where(questions.c.id == number).values(at=at))
    noon = datetime.fromisoformat("2026-10-26T12:00:00+00:00").timestamp()
    by_day = Statistics(database, ZoneInfo(zone)).overview(3, now=noon).by_day
    assert {day: tally.answered for day, tally in by_day.items()} == counted


def test_this_one_was_it_is_a_vote_for_the_answer(database: Database) -> None:
    for vote in ("hit_1", "hit_2", "none"):
        asked = noted("a", answered=False, confidence=0.2)
        Questions(database).vote(Questions(database).add(asked) or 0, "U1", vote)
    missed = Misses(database).open(0, 10)
    assert Statistics(database).overview(7, missed).by_name == {"a": Tally(0, 1, 2, 1)}


def test_a_rehearsal_counts_what_shadow_mode_held_back(database: Database) -> None:
    held = [
        Questions(database).add(noted("a", answered=True, source="shadow", confidence=each))
        for each in (0.95, 0.92, 0.9)
    ]
    Questions(database).add(noted("a", answered=False, source="shadow", confidence=0.2))
    Questions(database).add(noted("a", answered=True))
    Questions(database).vote(held[0] or 0, "U1", "right")
    Questions(database).vote(held[1] or 0, "U1", "wrong")
    found = Statistics(database).rehearsal("C1", 30)
    assert (found.messages, found.answered, found.judged, found.right) == (4, 3, 2, 1)
    assert found.expected == pytest.approx(2.77)
    assert Statistics(database).rehearsal("C2", 30) == Rehearsal()


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
def test_without_a_database_nothing_is_counted_and_nothing_breaks(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'state.db'}")
    (tmp_path / "state.db").unlink()
    assert Statistics(database).overview(3).total == Overview().total
    assert database.trouble == Translatable("database.removed", file="state.db")


def test_the_picture_is_a_png_with_a_bar_for_each_day(database: Database) -> None:
    empty = trend(Statistics(database).overview(30).by_day)
    Questions(database).add(noted("a", answered=True))
    Questions(database).add(noted("a", answered=False))
    asked = trend(Statistics(database).overview(30).by_day)
    assert asked.startswith(b"\x89PNG")
    assert struct.unpack(">II", asked[16:24]) == (WIDTH, HEIGHT)
    assert asked != empty


def test_kb_stats(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.command("alice", "it-help", f"/search {WIFI}"))
    slack.press("alice", answer, "👍 Helpful")
    slack.reply(slack.command("alice", "it-help", f"/search {NOWHERE}"))
    settle(slack, bot)
    told = kb(slack, "stats 7")
    assert "*The last 7 days*" in told.shown
    assert "*it-help*: 1 answered · 0 unanswered · helpful: 100% (votes: 1)" in told.shown
    assert "Nothing at all found for: 1" in told.shown
    assert [block["type"] for block in told.blocks or []].count("image") == 1
    assert len(slack.calls_of("files.completeUploadExternal")) == 1
    assert "*The last 1 day*" in kb(slack, "stats 1").shown


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("why", ["missing_scope", "cut halfway"])
def test_where_no_picture_can_be_uploaded_the_trend_is_shown_in_characters(slack: LocalSlack, why: str) -> None:
    if why == "missing_scope":
        slack.faults.error("files.getUploadURLExternal", "missing_scope")
    else:
        slack.faults.drop_response("files.getUploadURLExternal", times=None, halfway=True)
    told = slack.reply(slack.command("olivia", "it-help", "/kb stats"), 30)
    assert "▁▁▁▁▁" in told.shown


@pytest.mark.usefixtures("bot")
def test_a_number_of_days_that_is_none(slack: LocalSlack) -> None:
    for days in ("0", "366", "-1", "many", "٣", "9" * 5000):
        assert "up to 365" in kb(slack, f"stats {days}").shown, days


def test_the_audit_log_names_people_but_nothing_that_merely_looks_like_an_id() -> None:
    outcomes = ("U012AB3CD U987ZY6XW", "VPN: who; votes: U012AB3CD, U987ZY6XW", "USB, UNICODE and XU012AB3CD")
    done = [Translatable("audit.before", action="ask", outcome=each) for each in outcomes]
    done.append(Translatable("audit.ask", people=("U012AB3CD", "S012AB3CD")))
    done.append(Translatable("audit.add", name="it", id="7", title="UNIVERSITY login, WORKSTATIONS"))
    shown = audit([AuditEntry(0.0, "U012AB3CD", "C1", each) for each in done], ENGLISH)
    said = str(shown.payload())
    assert "*ask* · <@U012AB3CD> <@U987ZY6XW>" in said
    assert "votes: <@U012AB3CD>, <@U987ZY6XW>" in said
    assert "USB, UNICODE and XU012AB3CD" in said
    assert "*people and groups to ask* · <@U012AB3CD>, S012AB3CD" in said
    assert "7: UNIVERSITY login, WORKSTATIONS" in said


def test_shadow_mode_is_reviewed_summed_up_and_goes_live(slack: LocalSlack, start: Start) -> None:
    shadow = ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.SHADOW)})
    bot = start(shadow, admin_users=(slack.person("olivia").id,))
    slack.say("alice", "it-help", WIFI)
    slack.say("alice", "it-help", "Who has seen my blue umbrella?")
    report = slack.wait_until(slack.bot_messages, what="the report")[0]
    slack.press("olivia", report, "shadow_right")
    settle(slack, bot)
    told = kb(slack, "stats")
    assert "Messages: 2 · would have been answered: 1 · right, by my confidence: 1" in told.shown
    assert "Looked at by admins: 1 · right: 1" in told.shown
    slack.press("olivia", told, "shadow_go_live")
    slack.press("olivia", told, "shadow_go_live")
    settle(slack, bot)
    assert bot.services.channels.of(slack.channel("it-help").id).auto_reply is AutoReply.ON
    assert [(action(each), outcome(each)) for each in AuditLog(bot.services.database).newest()] == [
        ("auto-reply", "on, after shadow mode")
    ]
