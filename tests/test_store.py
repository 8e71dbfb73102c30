"""What is remembered, what is refused, and that a broken database never stops an answer."""

import json
import logging
import sqlite3
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError

from handlers.admin.store.statistics import Statistics
from handlers.channel_rules import AutoReply, Channel
from handlers.channels import Channels
from handlers.schema import open_database
from handlers.store.audit import AuditLog
from handlers.store.backup import back_up, backup_of
from handlers.store.channel_settings import ChannelSettings
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.knowledge_files import paths_in
from handlers.store.questions import AskedQuestion, FoundHit, Origin, PostedReply, Questions
from handlers.store.sqlite import notice_removal
from handlers.texts import ENGLISH, JAPANESE
from indexes.messages import Translatable
from tests.state import change, rows_of

HIT = FoundHit("it-help", "vpn", 0.9, 0.95)
QUESTION = AskedQuestion(Origin.SEARCH, "C1", "U1", "VPNにつながらない", (HIT,), 0.95, 0.9, answered=True)


NOTE = """INSERT INTO questions (id, at, source, channel, "user", text, hits, confidence, threshold, answered)
    VALUES (:id, :at, 'dm', 'D1', 'U1', '{text}', :hits, 0.9, 0.5, true)"""


def reopened(url: str) -> Database:
    return open_database(url)


# Remembering


def test_each_commit_is_on_the_disk_unless_a_later_one_brings_it_there(database: Database) -> None:
    if database.is_shared:
        pytest.skip("PostgreSQL's setting is its own")

    def level(connection: Connection) -> int:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    full, normal = 2, 1
    levels = [database.change("be asked", level, durable=durable) for durable in (True, False, True)]
    assert levels == [full, normal, full]
    with database.transaction(Translatable("database.failed.setting")) as connection:
        assert level(connection) == full


def test_a_key_is_claimed_once_even_after_a_restart(database: Database, url: str) -> None:
    claims = Claims(database)
    assert claims.take("event:1")
    assert not claims.take("event:1")
    assert claims.take("event:2")
    again = reopened(url)
    assert not Claims(again).take("event:1")
    assert Claims(again).take("event:3")
    again.close()


def test_many_threads_and_two_processes_worth_of_claims_take_a_key_once(database: Database, url: str) -> None:
    other = reopened(url)
    claims = [Claims(database), Claims(other)]
    with ThreadPoolExecutor(8) as pool:
        wins = [sum(pool.map(lambda who, key=f"event:{number}": who.take(key), claims * 4)) for number in range(20)]
    assert wins == [1] * 20
    assert (database.trouble, other.trouble) == (None, None)
    other.close()


def test_a_question_is_noted_as_it_was(database: Database, url: str) -> None:
    number = Questions(database).add(QUESTION)
    assert number is not None
    again = reopened(url)
    noted = Questions(again).get(number)
    assert noted is not None
    assert (noted.id, noted.text, noted.hits, noted.confidence, noted.answered) == (
        number,
        "VPNにつながらない",
        (HIT,),
        0.95,
        True,
    )
    assert Questions(again).get(number + 1) is None
    again.close()


def test_a_reply_is_replaced_and_forgotten(database: Database) -> None:
    Questions(database).remember_reply("C1", "1.0", PostedReply("2.0", 1, Origin.MENTION))
    Questions(database).remember_reply("C1", "1.0", PostedReply("3.0", 2, Origin.MENTION))
    assert Questions(database).reply_to("C1", "1.0") == PostedReply("3.0", 2, Origin.MENTION)
    assert Questions(database).reply_to("C2", "1.0") is None
    Questions(database).forget_reply("C1", "1.0")
    assert Questions(database).reply_to("C1", "1.0") is None


def test_a_person_has_one_vote(database: Database) -> None:
    Questions(database).vote(1, "U1", "helpful")
    Questions(database).vote(1, "U2", "helpful")
    Questions(database).vote(1, "U1", "unhelpful")
    assert Questions(database).votes(1) == {"U1": "unhelpful", "U2": "helpful"}
    assert Questions(database).votes(2) == {}


def test_what_is_asked_most_counts_answered_questions_of_the_visible_knowledge_bases(database: Database) -> None:
    for hit, times in ((HIT, 2), (FoundHit("it-help", "wifi", 0.9, 0.9), 3), (FoundHit("secret", "s", 1.0, 1.0), 4)):
        for _ in range(times):
            Questions(database).add(AskedQuestion(Origin.DIRECT, "D1", "U1", "?", (hit,), 0.9, 0.5, answered=True))
    Questions(database).add(AskedQuestion(Origin.DIRECT, "D1", "U1", "?", (HIT,), 0.1, 0.5, answered=False))
    Questions(database).add(
        AskedQuestion(Origin.DIRECT, "D1", "U1", "nothing found, and a threshold of 0", (), 0.0, 0.0, answered=True)
    )
    assert Questions(database).most_asked(["it-help"]) == [("it-help", "wifi", 3), ("it-help", "vpn", 2)]
    assert Questions(database).most_asked(["it-help"], limit=1) == [("it-help", "wifi", 3)]


@pytest.mark.long("writes many rows")
def test_a_year_of_questions_is_counted_by_the_database(database: Database, url: str) -> None:
    """Taken apart in memory, a year's hits were most of a gigabyte."""
    days, each = 365, 100
    hits = json.dumps([asdict(replace(HIT, record=f"r{number}")) for number in range(10)])
    now = time.time()
    rows = [{"id": number, "at": now - number // each * 86400, "hits": hits} for number in range(days * each)]
    change(url, NOTE.format(text="?"), *rows)
    tracemalloc.start()
    overview, often = Statistics(database).overview(days), Questions(database).most_asked(["it-help"], days)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert overview.by_name["it-help"].answered == days * each
    assert often == [("it-help", "r0", days * each)]
    assert peak < 60e6


def test_old_events_are_forgotten_while_the_bot_runs(database: Database, url: str) -> None:
    claims = Claims(database)
    claims.take("event:old")
    change(url, "UPDATE seen SET at = at - 8 * 24 * 3600")
    claims._purged -= 25 * 3600
    claims.take("event:new")
    assert rows_of(url, "SELECT key FROM seen") == [("event:new",)]


def test_what_admins_do_to_a_knowledge_base_of_a_long_name_is_in_the_audit_log(database: Database) -> None:
    done = Translatable("audit.export", name="長" * 100, rows=3)
    AuditLog(database).record("U1", "C1", done)
    assert [entry.done for entry in AuditLog(database).newest()] == [done]


def test_whatever_was_done_is_read_as_it_was_written(database: Database) -> None:
    why = Translatable("csv.no_columns", file="it.csv", headers=(Translatable("list.quoted", text="x"), "…"))
    done = Translatable("audit.reload_failed", name="it", error=why)
    AuditLog(database).record("U1", "C1", done)
    assert [entry.done for entry in AuditLog(database).newest()] == [done]


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("reload it-help", "5 records, +0 ~0 -0"),
        ("threshold", "0.8"),
        ("knowledge-bases", '["it-help"]'),
        ("miss later", '{"key": "audit.export", "values": {}}'),
        ("audit.unheard_of", '{"name": "it-help"}'),
        ("audit.export", '{"name": "it-help"}'),
        ("audit.export", '{"name": '),
    ],
    ids=["sentence", "number", "list", "odd question", "later version", "value missing", "broken off"],
)
def test_what_another_version_wrote_into_the_audit_log_is_shown_as_it_stands(
    database: Database, url: str, action: str, outcome: str
) -> None:
    into = """INSERT INTO audit (id, at, "user", channel, action, outcome)"""
    change(url, f"{into} VALUES (1, 1.0, 'U1', 'C1', :action, :outcome)", {"action": action, "outcome": outcome})
    [entry] = AuditLog(database).newest()
    assert JAPANESE.say(entry.done) == ENGLISH.say(entry.done) == f"*{action}* · {outcome}"


def test_old_events_are_forgotten_and_the_rest_is_not(database: Database, url: str) -> None:
    claims = Claims(database)
    claims.take("event:old")
    claims.take("event:new")
    change(url, "UPDATE seen SET at = at - 8 * 24 * 3600 WHERE key = 'event:old'")
    again = reopened(url)
    claims = Claims(again)
    assert claims.take("event:old")
    assert not claims.take("event:new")
    again.close()


def test_the_audit_is_newest_first(database: Database) -> None:
    export, threshold = (
        Translatable("audit.export", name="it-help", rows=5),
        Translatable("audit.threshold", threshold="0.8"),
    )
    AuditLog(database).record("U1", "C1", export)
    AuditLog(database).record("U2", "C2", threshold)
    assert [(entry.user, entry.channel, entry.done) for entry in AuditLog(database).newest()] == [
        ("U2", "C2", threshold),
        ("U1", "C1", export),
    ]
    assert AuditLog(database).newest()[0].at == pytest.approx(time.time(), abs=60)


# Settings, and what they mean for channels


def test_settings_survive_and_the_last_one_holds(database: Database, url: str) -> None:
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    ChannelSettings(database).set("C1", "threshold", "0.7", "U2")
    again = reopened(url)
    chosen = ChannelSettings(again).of("C1")["threshold"]
    assert (chosen.value, chosen.by) == ("0.7", "U2")
    assert ChannelSettings(again).of("C2") == {}
    assert ChannelSettings(again).channels() == ["C1"]
    again.close()


def test_what_an_admin_set_wins_over_the_file(database: Database) -> None:
    channels = Channels(database, default=Channel("", "", ("_shared",), AutoReply.OFF, 0.9))
    channels.configure({"C1": Channel("C1", "it-help", ("it-help",), AutoReply.ON, 0.8)})
    channels.set("C1", "auto_reply", "shadow", "U1")
    channels.set("C9", "threshold", "0.6", "U2")
    rules = channels.of("C1")
    assert (rules.auto_reply, rules.threshold, rules.set_by) == (AutoReply.SHADOW, 0.8, {"auto_reply": "U1"})
    assert [(one.id, one.threshold, one.knowledge_bases) for one in channels.configured()] == [
        ("C9", 0.6, ("_shared",)),
        ("C1", 0.8, ("it-help",)),
    ]


def test_the_settings_of_many_channels_are_read_at_once(database: Database) -> None:
    own, others = Channel("C1", "one", ("it-help",), AutoReply.OFF, 0.9), [f"C{number}" for number in range(2, 50)]
    channels = Channels(database, default=Channel("", "", ("_shared",), AutoReply.OFF, 0.9))
    channels.configure({"C1": own})
    channels.set("C2", "knowledge_bases", '["hr", "it-help"]', "U1")
    channels.set("C3", "features_off_for_all", "typeahead", "U1")
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(database._engine, "before_cursor_execute", note)
    assert channels.names(frozenset(["C1", *others])) == ("it-help", "hr", "_shared")
    assert len(statements) == 1
    assert channels.names(frozenset()) == ("_shared",)
    assert len(statements) == 1
    assert [each.id for each in channels.configured()] == ["C2", "C1"]
    assert [len(each.features_off) for each in channels.configured()] == [1, 1], "what holds for all holds for each"
    assert channels.given() == {"hr", "it-help"}
    assert len(statements) == 1 + 3 * 2, "which channels, and what they have"
    everywhere = frozenset(f"C{number}" for number in range(1, 70_000))
    assert channels.names(everywhere) == ("it-help", "hr", "_shared"), "more than a query may name"
    assert database.trouble is None


def test_whom_to_ask_is_said_by_the_file_until_an_admin_says_it(database: Database) -> None:
    channels = Channels(database, default=Channel("", "", ("_shared",), AutoReply.OFF, 0.9, ("S0DESK",)))
    channels.configure({"C1": Channel("C1", "it-help", ("it-help",), AutoReply.ON, 0.8, ("U0TARO",))})
    assert (channels.of("C1").ask, channels.of("C9").ask) == (("U0TARO",), ("S0DESK",))
    channels.set("C1", "ask", "U0ALICE S0DESK <!channel>", "U1")
    channels.set("C9", "ask", "", "U1")
    assert (channels.of("C1").ask, channels.of("C9").ask) == (("U0ALICE", "S0DESK"), ())


# A broken database


def broken(file: Path, how: str) -> None:
    for part in file.parent.glob("state.db*"):
        part.unlink()
    if how == "directory":
        file.mkdir()
    elif how == "other file":
        sqlite3.connect(file).close()
        file.write_bytes(b"")
    elif how == "folder gone":
        file.parent.rmdir()


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
@pytest.mark.parametrize("how", ["removed", "directory", "other file", "folder gone"])
def test_without_its_file_the_database_goes_on_and_says_so(
    database: Database, file: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    claims = Claims(database)
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    assert ChannelSettings(database).of("C1")["threshold"].value == "0.5"
    broken(file, how)
    assert claims.take("event:1")
    assert not claims.take("event:1")
    assert Questions(database).add(QUESTION) is None
    assert Questions(database).get(1) is None
    Questions(database).remember_reply("C1", "1.0", PostedReply("2.0", 1, Origin.MENTION))
    assert Questions(database).reply_to("C1", "1.0") is None
    Questions(database).forget_reply("C1", "1.0")
    Questions(database).vote(1, "U1", "helpful")
    assert Questions(database).votes(1) == {}
    assert Questions(database).most_asked(["it-help"]) == []
    assert ChannelSettings(database).of("C1")["threshold"].value == "0.5"
    assert ChannelSettings(database).channels() == ["C1"]
    assert database.trouble == Translatable("database.removed", file="state.db")
    with pytest.raises(StoreError, match="The setting was not stored: the state database can't be written"):
        ChannelSettings(database).set("C1", "threshold", "0.6", "U1")
    with pytest.raises(StoreError, match="This is done but not in the audit log"):
        AuditLog(database).record("U1", "C1", Translatable("audit.export", name="it-help", rows=5))
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "VPNにつながらない" not in caplog.text


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
@pytest.mark.parametrize("use", [back_up, paths_in], ids=lambda use: use.__name__)
def test_no_empty_file_comes_where_one_was_removed(file: Path, use: Callable[[Path], object]) -> None:
    open_database(f"sqlite:///{file}").close()
    back_up(file)
    whole = backup_of(file).read_bytes()
    file.unlink()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        use(file)
    assert (file.exists(), backup_of(file).read_bytes() == whole) == (False, True)


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
def test_no_empty_file_comes_where_one_is_removed_just_while_it_is_opened(file: Path) -> None:
    open_database(f"sqlite:///{file}").close()
    engine = create_engine(f"sqlite:///{file}")
    notice_removal(engine)
    event.listen(engine, "do_connect", lambda *_: file.unlink())
    with pytest.raises(OperationalError, match="unable to open"):
        engine.connect()
    assert not file.exists()


@pytest.mark.sqlite("its file is locked as a whole; a server's locks: test_postgres_failures, test_exclusive")
def test_a_locked_database_delays_by_seconds_and_is_told_until_it_is_free(database: Database, file: Path) -> None:
    claims = Claims(database)
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert claims.take("event:1")
    assert time.monotonic() - started < 10
    assert database.trouble == Translatable("database.locked")
    assert ChannelSettings(database).of("C1")["threshold"].value == "0.5"
    assert database.trouble == Translatable("database.locked")
    holder.execute("COMMIT")
    holder.close()
    assert claims.take("event:2")
    assert database.trouble is None


@pytest.mark.sqlite("its file is locked as a whole; a server's locks: test_postgres_failures, test_exclusive")
def test_a_short_lock_is_waited_for(database: Database, file: Path) -> None:
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(0.1, lambda: holder.execute("COMMIT")).start()
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    assert ChannelSettings(database).of("C1")["threshold"].value == "0.5"
    holder.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////proc/nowhere/state.db",
        "postgresql+nodriver://kotae:hunter2@db/kotae",
        "nothing://kotae:hunter2@db/kotae",
        "hunter2",
    ],
)
def test_a_database_that_can_not_be_opened_is_an_error_for_people_without_the_password(url: str) -> None:
    with pytest.raises(StoreError) as refusal:
        open_database(url)
    message = str(refusal.value)
    assert message.startswith("The state database can't be opened (")
    assert "DATABASE_URL" in message
    assert "hunter2" not in message
