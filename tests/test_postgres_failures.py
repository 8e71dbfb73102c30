"""What a PostgreSQL server refuses or breaks: said in words, without the statement, its values or the password."""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError

from handlers.privacy.store.forgetting import ForgettingError, forget, voice_of
from handlers.schema import open_database
from handlers.store.audit import AuditLog, audit
from handlers.store.channel_settings import ChannelSettings
from handlers.store.claims import seen
from handlers.store.database import Database, upgrade_due
from handlers.store.errors import StoreError
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from handlers.store.questions import AskedQuestion, FoundHit, Origin, Questions, questions
from handlers.texts import ENGLISH, JAPANESE
from indexes.messages import Translatable
from tests.postgresql import OwnServer, Server, own_server

CANARY = "hunter2-canary"
SECRET = "Why was I not paid in May?"
QUESTION = AskedQuestion(Origin.SEARCH, "C1", "U1", SECRET, (), 0.95, 0.9, answered=True)


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    opened = open_database(postgresql)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as running:
        running.require_password("kotae_canary", CANARY)
        yield running


def everything(error: BaseException) -> str:
    """All that a log could show of an error."""
    return "".join([str(error), repr(error), *traceback.format_exception(error)])


# Opening


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("kotae_canary:{wrong}@/postgres?host={socket}", "password authentication failed"),
        ("kotae_canary:{right}@/nowhere?host={socket}", 'database "nowhere" does not exist'),
        ("kotae_canary:{right}@127.0.0.1:1/kotae", "refused"),
        ("kotae_canary:{right}@nowhere.invalid/kotae", "resolve"),
        ("kotae_canary:{right}@/postgres?host={socket}&sslmode=sure", "sslmode"),
        ("kotae_canary:{right}@/postgres?host={socket}&nonsense=1", "nonsense"),
        ("kotae_canary:{right}@/postgres?host={socket}&options=-c%20nonsense%3D1", "nonsense"),
    ],
)
def test_why_it_can_not_be_opened_is_said_without_the_password(
    server: OwnServer, address: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    socket = make_url(server.url("postgres")).query["host"]
    url = "postgresql+psycopg://" + address.format(wrong=f"{CANARY}-not", right=CANARY, socket=socket)
    for failing in (open_database, upgrade_due):
        with pytest.raises(StoreError) as refusal:
            failing(url)
        assert said in str(refusal.value)
        assert str(refusal.value).startswith("The state database can't be opened (")
        assert CANARY not in everything(refusal.value)
    with pytest.raises(ForgettingError) as failure:
        forget(url, "U1")
    assert CANARY not in everything(failure.value)
    assert voice_of(url, "U1") is None
    assert CANARY not in caplog.text


def test_a_user_who_may_not_make_tables_is_told(server: OwnServer) -> None:
    location = make_url(server.make_empty()).set(username="kotae_canary", password=CANARY)
    with pytest.raises(StoreError, match="the database user lacks a right") as refusal:
        open_database(location.render_as_string(hide_password=False))
    assert CANARY not in everything(refusal.value)


def test_another_engine_is_refused_by_name() -> None:
    with pytest.raises(StoreError, match="SQLite and PostgreSQL, not with mysql"):
        open_database(f"mysql://kotae:{CANARY}@db/kotae")


def test_what_the_address_says_of_tls_and_time_counts(postgresql: str) -> None:
    chosen = make_url(postgresql).update_query_dict({"sslmode": "disable", "options": "-c statement_timeout=1234"})
    opened = open_database(chosen.render_as_string(hide_password=False))
    with opened.own_connection() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "1234ms"
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "5s"
        assert connection.connection.dbapi_connection.info.get_parameters()["sslmode"] == "disable"  # type: ignore[union-attr]
    opened.close()


# Working


def test_refused_rows_are_told_without_what_is_in_them(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broken = insert(questions).values(id=1, at=1.0, text=SECRET, source="search")
    assert Questions(database).add(QUESTION)
    with pytest.raises(IntegrityError) as refusal:
        database.write("remember questions", broken)
    assert SECRET not in everything(refusal.value)
    too_long = insert(questions).values(
        id=2,
        at=1.0,
        text=SECRET,
        source=SECRET,
        channel="C1",
        user="U1",
        hits=[],
        confidence=0,
        threshold=0,
        answered=True,
    )
    assert database.write("remember questions", too_long) is None
    assert database.trouble == Translatable("database.refused", code="22001", name="StringDataRightTruncation")
    with (
        pytest.raises(StoreError) as failure,
        database.transaction(Translatable("database.failed.audit")) as connection,
    ):
        connection.execute(too_long)
    assert SECRET not in everything(failure.value)
    assert "questions" not in everything(failure.value).partition("StoreError: ")[2]
    assert SECRET not in caplog.text
    assert "INSERT" not in caplog.text
    assert database.write("work", insert(seen).values(key="event:1", at=1.0)) is not None
    assert database.trouble is None


def test_every_reason_is_said_in_both_languages() -> None:
    from handlers.store.reasons import _POSTGRESQL  # noqa: PLC0415

    for why in _POSTGRESQL.values():
        assert ENGLISH.say(why) != JAPANESE.say(why)


@pytest.mark.parametrize("texts", ["a\x00b", "half \ud83d", "both \x00\udc00"])
def test_what_postgresql_has_no_place_for_in_texts_is_replaced(database: Database, texts: str) -> None:
    hit = FoundHit("it-help", texts, 0.9, 0.9)
    number = Questions(database).add(AskedQuestion(Origin.SEARCH, "C1", "U1", texts, (hit,), 0.9, 0.9, answered=True))
    assert number
    stored = Questions(database).get(number)
    assert stored
    assert stored.text == stored.hits[0].record == texts.translate(dict.fromkeys([0, 0xD83D, 0xDC00], "\ufffd"))
    assert Questions(database).most_asked(["it-help"]) == [("it-help", stored.text, 1)]


def test_names_are_sorted_as_python_does(database: Database) -> None:
    names = ["b", "B", "_shared", "a", "あ", "ア", "Ä", "z-1", "z1"]
    KnowledgeFiles(database).remember([KnowledgeFile(name, Path(name), FileState.THERE) for name in names])
    assert [file.name for file in KnowledgeFiles(database).all()] == sorted(names)


def test_a_deadlock_is_tried_again(database: Database) -> None:
    """Two replicas lock the same two rows in opposite order; the server undoes one, which then goes through."""
    for channel in ("C1", "C2"):
        ChannelSettings(database).set(channel, "threshold", "0.5", "U1")
    meet = threading.Barrier(2)
    tries: list[str] = []

    def change(first: str, second: str) -> None:
        def work(connection: object) -> bool:
            tries.append(first)
            touch = text("UPDATE settings SET value = value WHERE channel = :channel")
            connection.execute(touch, {"channel": first})  # type: ignore[attr-defined]
            if len(tries) <= 2:
                meet.wait(10)
            connection.execute(touch, {"channel": second})  # type: ignore[attr-defined]
            return True

        assert database.change("lock", work)

    threads = [threading.Thread(target=change, args=pair) for pair in (("C1", "C2"), ("C2", "C1"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tries) == 3
    assert database.trouble is None


def test_connections_that_were_lost_are_replaced(
    database: Database, postgresql_server: Server, postgresql: str
) -> None:
    name = make_url(postgresql).database
    number = Questions(database).add(QUESTION)
    postgresql_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert number
    assert Questions(database).get(number)
    postgresql_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert Questions(database).add(QUESTION)
    postgresql_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    AuditLog(database).record("U1", "C1", Translatable("audit.export", name="it-help", rows=5))
    assert database.trouble is None


def test_a_server_that_takes_no_changes_is_left_once_the_address_leads_to_another(
    database: Database, postgresql_server: Server, postgresql: str
) -> None:
    """As after a failover that comes before the new address: all connections are to the former server."""
    name = make_url(postgresql).database
    postgresql_server.run(
        f"ALTER DATABASE {name} SET default_transaction_read_only = on",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    with pytest.raises(StoreError, match="it is a standby"):
        ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    assert Questions(database).add(QUESTION) is None
    assert database.trouble == Translatable("database.standby")
    postgresql_server.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert Questions(database).add(QUESTION)
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    assert database.trouble is None


def test_a_connection_that_is_lost_in_the_middle_is_no_loss(database: Database) -> None:
    killed: list[int] = []

    def work(connection: object) -> int:
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()  # type: ignore[attr-defined]
        connection.execute(insert(seen).values(key="event:1", at=1.0))  # type: ignore[attr-defined]
        if not killed:
            killed.append(mine)
            with database.own_connection() as other:
                other.execute(text(f"SELECT pg_terminate_backend({mine})"))
        connection.execute(insert(audit).values(at=1.0, user="U1", channel="C1", action="a", outcome="{}"))  # type: ignore[attr-defined]
        return int(mine)

    assert database.change("work", work) not in {None, *killed}
    assert len(AuditLog(database).newest()) == 1
    assert database.trouble is None


def test_a_row_that_another_holds_is_waited_for_and_then_given_up(database: Database, postgresql: str) -> None:
    ChannelSettings(database).set("C1", "threshold", "0.5", "U1")
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text("UPDATE settings SET value = '0.6'"))
        started = time.monotonic()
        with pytest.raises(StoreError, match="database is locked"):
            ChannelSettings(database).set("C1", "threshold", "0.7", "U1")
        assert 4 < time.monotonic() - started < 15
    engine.dispose()
    assert ChannelSettings(database).of("C1")["threshold"].value == "0.6"


def test_what_takes_too_long_is_stopped(postgresql: str) -> None:
    chosen = make_url(postgresql).update_query_dict({"options": "-c statement_timeout=200"})
    database = open_database(chosen.render_as_string(hide_password=False))
    assert database.read("wait", select(func.pg_sleep(30))) is None
    assert database.trouble == Translatable("database.slow")
    database.close()


# A server that is gone


@pytest.mark.long("waits for a server that is gone")
def test_while_it_is_gone_nobody_waits_and_then_it_is_used_again(server: OwnServer) -> None:
    url = server.make_empty()
    database, address = open_database(url), str(make_url(url).query["host"])
    number = Questions(database).add(QUESTION)
    assert number
    for gone, back in ((server.stop, server.start), (server.freeze, server.thaw)):
        gone()
        assert Questions(database).get(number) is None
        started = time.monotonic()
        for _ in range(20):
            assert Questions(database).get(number) is None
        assert time.monotonic() - started < 10
        with pytest.raises(StoreError, match="can't be reached") as told, database.exclusively("reload", 1):
            pytest.fail("nobody can say that it is held")
        assert address not in everything(told.value)
        back()
        deadline = time.monotonic() + 20
        while not Questions(database).add(QUESTION):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert Questions(database).get(number)
        assert database.trouble is None
    database.close()
