"""The inbox: payloads are there before their ack, and gone when they are done."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from handlers.counters import Count, Counters
from handlers.inbox import WAIT_SECONDS, WAITING, Inbox
from handlers.membership import Membership
from handlers.schema import open_database
from handlers.store.database import Database
from handlers.store.inbox import REDONE_SECONDS, SWEEP_SECONDS, Kept
from tests.state import rows_of

BODY = {"event": {"text": "where is the printer?"}}


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


@pytest.fixture
def process(url: str) -> Iterator[Callable[[], Database]]:
    """Opens the database as another process does."""
    with ExitStack() as opened:

        def process() -> Database:
            database = open_database(url)
            opened.callback(database.close)
            return database

        yield process


Again = Callable[[Counters], tuple[Inbox, list[Kept]]]


@pytest.fixture
def again(process: Callable[[], Database], clock: Clock) -> Iterator[Again]:
    """Starts another process in the same DATA_DIR; returns its inbox and what it takes over."""
    with ExitStack() as opened:

        def again(counters: Counters) -> tuple[Inbox, list[Kept]]:
            database = process()
            membership = Membership(database, "this")
            inbox = Inbox(database, membership, counters, clock, wait_seconds=60)
            opened.callback(inbox.close)
            return inbox, inbox.adopt(membership.join().kept)

        yield again


def keys(url: str) -> list[str]:
    return [key for (key,) in rows_of(url, "SELECT key FROM inbox ORDER BY received, key")]


def until(url: str, expected: list[str]) -> None:
    end = time.monotonic() + 5
    while keys(url) != expected:
        assert time.monotonic() < end, keys(url)
        time.sleep(0.01)


def test_it_is_written_when_keep_returns_and_gone_when_every_delivery_is_done(inbox: Inbox, url: str) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    assert keys(url) == ["Ev1"]
    assert inbox.keep("Ev1", "U1", BODY)  # Slack delivers it again
    inbox.finish("Ev1")
    assert inbox.keep("Ev2", "U1", BODY)
    assert keys(url) == ["Ev1", "Ev2"]
    inbox.finish("Ev1")
    inbox.finish("Ev2")
    until(url, [])


@pytest.mark.sqlite("its log tells how many commits there were")
def test_those_that_wait_are_written_together(inbox: Inbox, url: str, file: Path) -> None:
    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(lambda number: inbox.keep(f"Ev{number:03}", "U1", BODY), range(320)))
    assert len(keys(url)) == 320
    assert 0 < writes(file) < 160


def writes(file: Path) -> int:
    """Count the commits in the write-ahead log: a commit's last frame says how large the database is."""
    log = file.with_name("state.db-wal").read_bytes()
    frames = range(32, len(log), 24 + int.from_bytes(log[8:12]))
    return sum(int.from_bytes(log[at + 4 : at + 8]) > 0 for at in frames)


@pytest.mark.sqlite("its file is locked as a whole; a server that hangs: test_postgres_failures")
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


@pytest.mark.sqlite("a server that hangs: test_lost_server")
def test_no_more_waits_for_a_database_that_hangs_than_may(database: Database, counters: Counters, file: Path) -> None:
    hasty = Inbox(database, Membership(database, "this"), counters, wait_seconds=0)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(WAITING + 500):
            assert not hasty.keep(f"Ev{number}", "U1", BODY)
        assert WAITING / 2 < len(hasty._rows) <= WAITING
        before = len(hasty._rows)
        hasty.finish(f"Ev{WAITING + 499}")
        assert len(hasty._rows) <= before
        other.execute("ROLLBACK")
    hasty.close()


def test_what_another_process_left_is_told_in_its_order_unless_it_is_old(
    inbox: Inbox, again: Again, clock: Clock, url: str
) -> None:
    for number, passed in enumerate((0.0, 10.0, 10.0)):
        clock.now += passed
        assert inbox.keep(f"Ev{number}", "U1", BODY | {"number": number})
    assert not inbox.work("Ev2").is_repeat
    inbox.close()  # it would forget what is old itself
    clock.now += REDONE_SECONDS - 10
    counters = Counters()
    later, taken = again(counters)
    assert [(each.key, each.body["number"]) for each in taken] == [("Ev1", 1), ("Ev2", 2)]
    assert (counters[Count.REDONE], counters[Count.EXPIRED]) == (2, 1)
    assert later.work("Ev2").is_repeat
    assert keys(url) == ["Ev1", "Ev2"]


@pytest.mark.sqlite("all that share a server's database are one bot")
def test_another_bot_with_the_same_database_has_its_own(
    inbox: Inbox, again: Again, database: Database, clock: Clock
) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    membership = Membership(database, "other")
    other = Inbox(database, membership, Counters(), clock, wait_seconds=60)
    assert other.adopt(membership.join().kept) == []
    assert other.keep("Ev1", "U1", BODY)
    other.finish("Ev1")
    other.close()
    _, taken = again(Counters())
    assert [each.key for each in taken] == ["Ev1"]


def test_a_private_answer_is_begun_twice_at_most_across_restarts(inbox: Inbox, again: Again) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    assert inbox.work("Ev1").may_tell()
    second, _ = again(Counters())
    work = second.work("Ev1")
    assert work.may_tell()
    assert work.may_tell(), "the second answer of the same request"
    third, _ = again(Counters())
    work = third.work("Ev1")
    assert [work.may_tell(), work.may_tell(), work.may_tell()] == [False, True, True]


def test_repeated_work_gives_its_messages_the_same_keys(inbox: Inbox) -> None:
    first, again = inbox.work("Ev1"), inbox.work("Ev1")
    places = ["C1 1.2", "U2", "C1 1.2"]
    said = [first.message_key(place) for place in places]
    assert len(set(said)) == 3
    assert [again.message_key(place) for place in places] == said
    assert inbox.work("").message_key("C1") == ""


def test_what_is_never_finished_goes_after_two_minutes(inbox: Inbox, clock: Clock, url: str) -> None:
    assert inbox.keep("Ev1", "U1", BODY)
    clock.now += REDONE_SECONDS + SWEEP_SECONDS
    until(url, [])
    assert inbox.wait_for_fewer(["Ev1"], 1, 0)
