"""Work that one thread, process or replica does at a time, by name."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import create_engine, text

from handlers.schema import open_database
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.exclusive import BusyError
from tests.processes import Python

HOLD = """
import sys
from handlers.schema import open_database
with open_database(sys.argv[1]).exclusively("reload"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_shared = request.param == "postgresql"
    opened = open_database(request.getfixturevalue("postgresql") if is_shared else f"sqlite:///{tmp_path / 'state.db'}")
    assert opened.is_shared == is_shared
    yield opened
    opened.close()


@pytest.fixture
def other(postgresql: str) -> Iterator[Database]:
    """A second replica: another Database for the same server."""
    opened = open_database(postgresql)
    yield opened
    opened.close()


def test_one_thread_at_a_time(database: Database) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with database.exclusively("reload"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(16)))
    assert most == [1] * 16


def test_other_names_do_not_wait(database: Database) -> None:
    with database.exclusively("reload it-help"), database.exclusively("reload dev-faq", wait_seconds=0):
        pass


def test_who_does_not_want_to_wait_is_told(database: Database) -> None:
    entered, leave = Event(), Event()

    def hold() -> None:
        with database.exclusively("reload"):
            entered.set()
            leave.wait(10)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(hold)
        assert entered.wait(10)
        with pytest.raises(BusyError, match="for 0 s"), database.exclusively("reload", wait_seconds=0):
            pytest.fail("two at once")
        leave.set()
    with database.exclusively("reload", wait_seconds=0) as held:
        held.verify()


def test_what_fails_inside_is_raised_as_it_is_and_gives_the_lock_back(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), database.exclusively("reload", wait_seconds=1):
            raise ZeroDivisionError


def test_replicas_take_turns_and_who_is_killed_holds_nothing(postgresql: str, other: Database) -> None:
    files = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with Python[str]("-c", HOLD, postgresql, **files, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError), other.exclusively("reload", wait_seconds=0.2):
            pytest.fail("two at once")
        holder.kill()
        with other.exclusively("reload", wait_seconds=10) as held:
            held.verify()


def test_a_lock_that_the_server_gave_up_is_noticed(postgresql: str, other: Database) -> None:
    engine = create_engine(postgresql)
    ours = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    with other.exclusively("reload") as held:
        held.verify()
        with engine.begin() as connection:
            connection.execute(
                text(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {ours} AND locktype = 'advisory'")
            )
        with pytest.raises(StoreError, match="can't be reached"):
            held.verify()
    with other.exclusively("reload", wait_seconds=1) as held:
        held.verify()
    engine.dispose()
