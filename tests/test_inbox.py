"""The inbox: payloads are there before their ack, and gone when they are done."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from handlers.counters import Count, Counters
from handlers.inbox import WAIT_SECONDS, Inbox
from handlers.membership import Membership
from handlers.schema import open_database
from handlers.store.database import Database
from handlers.store.inbox import REDONE_SECONDS, SWEEP_SECONDS, Kept

BODY = {"event": {"text": "where is the printer?"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def url(file: Path, database_url: str | None) -> str:
    return database_url or f"sqlite:///{file}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


class Clock:
    """Seconds that pass when a test says so."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def inbox(database: Database, counters: Counters, clock: Clock) -> Iterator[Inbox]:
    """An inbox that waits for the database for as long as a busy machine may take."""
    opened = Inbox(database, Membership(database, "this"), counters, clock, wait_seconds=60)
    yield opened
    opened.close()


@pytest.fixture
def impatient(database: Database, counters: Counters, clock: Clock) -> Iterator[Inbox]:
    """An inbox as it is out of the box."""
    opened = Inbox(database, Membership(database, "this"), counters, clock)
    yield opened
    opened.close()


def adopted(inbox: Inbox, database: Database, home: str) -> list[Kept]:
    """Take over what an earlier process in this DATA_DIR has left."""
    return inbox.adopt(Membership(database, home).join().kept)


def keys(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as reading:
        return [key for (key,) in reading.execute("SELECT key FROM inbox ORDER BY received, key")]


def until(file: Path, expected: list[str]) -> None:
    end = time.monotonic() + 5
    while keys(file) != expected:
        assert time.monotonic() < end, keys(file)
        time.sleep(0.01)


@pytest.mark.sqlite
def test_it_is_written_when_keep_returns_and_gone_when_every_delivery_is_done(inbox: Inbox, file: Path) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    assert keys(file) == ["Ev1"]
    assert inbox.keep("Ev1", "U1", BODY)  # Slack delivers it again
    inbox.finish("Ev1")
    assert inbox.keep("Ev2", "U1", BODY)
    assert keys(file) == ["Ev1", "Ev2"]
    inbox.finish("Ev1")
    inbox.finish("Ev2")
    until(file, [])


@pytest.mark.sqlite
def test_those_that_wait_are_written_together(inbox: Inbox, file: Path) -> None:
    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(lambda number: inbox.keep(f"Ev{number:03}", "U1", BODY), range(320)))
    assert len(keys(file)) == 320
    assert 0 < writes(file) < 160


def writes(file: Path) -> int:
    """Count the commits in the write-ahead log: a commit's last frame says how large the database is."""
    log = file.with_name("state.db-wal").read_bytes()
    frames = range(32, len(log), 24 + int.from_bytes(log[8:12]))
    return sum(int.from_bytes(log[at + 4 : at + 8]) > 0 for at in frames)


@pytest.mark.sqlite
def test_a_locked_database_delays_an_ack_by_half_a_second_and_it_is_counted(
    impatient: Inbox, counters: Counters, file: Path
) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for tries in range(1, 6):  # the machine may be busy; an inbox that waits for longer does so every time
            started = time.monotonic()
            assert not impatient.keep(f"Ev{tries}", "U1", BODY)
            took = time.monotonic() - started
            assert took >= WAIT_SECONDS
            assert counters[Count.UNKEPT] == tries
            if took < 2 * WAIT_SECONDS:
                break
        else:
            pytest.fail(f"an ack waited for {took} s")
        other.execute("COMMIT")


@pytest.mark.sqlite
def test_what_another_process_left_is_told_in_its_order_unless_it_is_old(
    inbox: Inbox, database: Database, clock: Clock, file: Path
) -> None:
    for number, passed in enumerate((0.0, 10.0, 10.0)):
        clock.now += passed
        assert inbox.keep(f"Ev{number}", "U1", BODY | {"number": number})
    assert not inbox.work("Ev2").is_repeat
    clock.now += REDONE_SECONDS - 10
    counters = Counters()
    later = Inbox(database, Membership(database, "this"), counters, clock, wait_seconds=60)
    assert [(each.key, each.body["number"]) for each in adopted(later, database, "this")] == [("Ev1", 1), ("Ev2", 2)]
    assert (counters[Count.REDONE], counters[Count.EXPIRED]) == (2, 1)
    assert later.work("Ev2").is_repeat
    assert keys(file) == ["Ev1", "Ev2"]
    later.close()


def test_another_bot_with_the_same_database_has_its_own(inbox: Inbox, database: Database, clock: Clock) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    other = Inbox(database, Membership(database, "other"), Counters(), clock, wait_seconds=60)
    assert adopted(other, database, "other") == []
    assert other.keep("Ev1", "U1", BODY)
    other.finish("Ev1")
    other.close()
    again = Inbox(database, Membership(database, "this"), Counters(), clock, wait_seconds=60)
    assert [each.key for each in adopted(again, database, "this")] == ["Ev1"]


def test_a_private_answer_is_begun_twice_at_most_across_restarts(
    inbox: Inbox, database: Database, clock: Clock
) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    assert inbox.work("Ev1").may_tell()
    again = Inbox(database, Membership(database, "this"), Counters(), clock, wait_seconds=60)
    adopted(again, database, "this")
    work = again.work("Ev1")
    assert work.may_tell()
    assert work.may_tell(), "the second answer of the same request"
    again.close()
    third = Inbox(database, Membership(database, "this"), Counters(), clock, wait_seconds=60)
    adopted(third, database, "this")
    work = third.work("Ev1")
    assert [work.may_tell(), work.may_tell(), work.may_tell()] == [False, True, True]
    third.close()


def test_repeated_work_gives_its_messages_the_same_keys(inbox: Inbox) -> None:
    first, again = inbox.work("Ev1"), inbox.work("Ev1")
    places = ["C1 1.2", "U2", "C1 1.2"]
    said = [first.message_key(place) for place in places]
    assert len(set(said)) == 3
    assert [again.message_key(place) for place in places] == said
    assert inbox.work("").message_key("C1") == ""


@pytest.mark.sqlite
def test_what_is_never_finished_goes_after_two_minutes(inbox: Inbox, clock: Clock, file: Path) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    clock.now += REDONE_SECONDS + SWEEP_SECONDS
    until(file, [])
    assert inbox.wait_for_fewer(["Ev1"], 1, 0)
