"""What several processes that share a PostgreSQL server know of each other, and what one leaves to the others."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, insert, select, text, update

from handlers.schema import open_database
from handlers.store.changes import LOOK_SECONDS, Changes, announce, changes
from handlers.store.claims import Claims, seen
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.inbox import inbox
from handlers.store.replicas import DEAD_SECONDS, Estate, Replicas, replicas
from indexes.messages import Translatable

FAILURE = Translatable("database.failed.setting")


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    opened = open_database(postgresql)
    yield opened
    opened.close()


@pytest.fixture
def other(database: Database, postgresql: str) -> Iterator[Database]:
    """Another process's database."""
    del database  # made first
    opened = open_database(postgresql)
    yield opened
    opened.close()


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def say(database: Database, *topics: str) -> None:
    with database.transaction(FAILURE) as connection:
        for topic in topics:
            announce(connection, topic)


class Told:
    """Notes what it is told and when; raises as often as it is asked to."""

    def __init__(self, failures: int = 0) -> None:
        self.topics: list[str] = []
        self.at = 0.0
        self._failures = failures

    def __call__(self, topic: str) -> None:
        if self._failures:
            self._failures -= 1
            raise ValueError(topic)
        self.topics.append(topic)
        self.at = time.monotonic()


# Changes


@pytest.fixture
def watching(other: Database) -> Iterator[Changes]:
    made = Changes(other)
    yield made
    made.close()


def test_another_replica_hears_of_a_change_at_once(database: Database, watching: Changes) -> None:
    told, elsewhere = Told(), Told()
    watching.watch("knowledge:", told)
    watching.watch("settings", elsewhere)
    watching.start()
    time.sleep(0.5)  # it listens by now
    said = time.monotonic()
    say(database, "knowledge:it-help")
    until(lambda: told.topics)
    assert told.at - said < LOOK_SECONDS / 2
    say(database, "settings")
    until(lambda: elsewhere.topics)
    assert (told.topics, elsewhere.topics) == (["knowledge:it-help"], ["settings"])


def test_what_changes_between_the_first_look_and_the_start_is_told(database: Database, watching: Changes) -> None:
    told = Told()
    watching.watch("", told)
    say(database, "a", "b")
    say(database, "a")
    watching.start()
    until(lambda: len(told.topics) == 2)
    assert sorted(told.topics) == ["a", "b"]


def test_what_was_changed_before_is_not(database: Database, other: Database) -> None:
    say(database, "a")
    told, watching = Told(), Changes(other)
    watching.watch("", told)
    watching.start()
    say(database, "b")
    until(lambda: told.topics)
    watching.close()
    assert told.topics == ["b"]


def test_a_change_that_is_undone_was_none(database: Database, watching: Changes) -> None:
    told = Told()
    watching.watch("", told)
    watching.start()

    def begin() -> None:
        with database.transaction(FAILURE) as connection:
            announce(connection, "a")
            raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        begin()
    say(database, "b")
    until(lambda: told.topics)
    assert told.topics == ["b"]


def test_without_notifications_it_is_heard_within_a_second(database: Database, watching: Changes) -> None:
    told = Told()
    watching.watch("", told)
    watching.start()
    time.sleep(0.5)
    said = time.monotonic()
    database.write("announce silently", insert(changes).values(topic="a", revision=1))
    until(lambda: told.topics)
    assert told.at - said < LOOK_SECONDS + 0.5


def test_a_callback_that_fails_is_called_again(database: Database, watching: Changes) -> None:
    told, other_one = Told(failures=1), Told()
    watching.watch("", told)
    watching.watch("", other_one)
    watching.start()
    say(database, "a")
    until(lambda: told.topics)
    assert (told.topics, other_one.topics) == (["a"], ["a", "a"])


def test_what_is_said_while_the_connection_is_lost_is_heard_after_it(
    database: Database, watching: Changes, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    watching.watch("", told)
    watching.start()
    say(database, "a")
    until(lambda: told.topics)
    end_others(database)
    say(database, "b")
    until(lambda: len(told.topics) == 2)
    assert told.topics == ["a", "b"]
    assert "What other replicas change is not heard of" in caplog.text


def end_others(database: Database) -> None:
    """Let the server end every connection but this one."""
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    with database.own_connection() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))


def test_of_many_that_announce_the_same_none_fails(database: Database, other: Database) -> None:
    both = [database, other]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: say(both[number % 2], "a"), range(100)))
    assert database.read("count", select(changes.c.revision)) == [(100,)]


def test_a_lost_connection_is_an_error_that_can_be_said(database: Database, other: Database) -> None:
    def use() -> None:
        with other.own_connection() as connection:
            end_others(database)
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreError, match="can't be reached"):
        use()


# Replicas


def keep(database: Database, key: str, instance: str, received: float | None = None, told: str = "") -> None:
    received = time.time() if received is None else received
    row = {"key": key, "instance": instance, "received": received, "user": "U1", "told": told, "body": "{}"}
    database.write("keep", insert(inbox).values(row))


def silence(database: Database, id_: str, seconds: float) -> None:
    database.write("silence", update(replicas).where(replicas.c.id == id_).values(seen=replicas.c.seen - seconds))


def keys(estate: Estate) -> list[str]:
    return [each.key for each in estate.kept]


def test_who_is_there_is_told_by_the_servers_clock(database: Database, other: Database) -> None:
    assert Replicas(database).join("a.1", "home-a", "host-a")
    assert Replicas(other).join("b.1", "home-b", "host-b")
    assert Replicas(other).beat("b.1", {"queue": 3})
    first, second = Replicas(database).all()
    assert (first.id, first.host, second.id, second.doing) == ("a.1", "host-a", "b.1", {"queue": 3})
    assert abs(first.started - time.time()) < 5
    assert 0 <= first.silent < 5


def test_the_work_of_a_silent_replica_has_one_heir(database: Database, other: Database) -> None:
    alive, heir = Replicas(database), Replicas(other)
    alive.join("a.1", "home-a", "host")
    heir.join("b.1", "home-b", "host")
    keep(database, "Ev1", "a.1", told="1")
    keep(database, "Ev2", "b.1")
    assert Claims(database, lambda: "a.1").held_by("Ev1").take("event:Ev1")
    silence(database, "a.1", DEAD_SECONDS - 2)
    assert heir.take_over("b.1", silent=True) == Estate()
    silence(database, "a.1", 2.1)
    estate = heir.take_over("b.1", silent=True)
    assert (estate.dead, keys(estate), estate.claims) == (("a.1",), ["Ev1"], ("event:Ev1",))
    assert estate.kept[0].told == (1,)
    assert heir.take_over("b.1", silent=True) == Estate()
    assert alive.beat("a.1", {}) is False  # it was thought dead
    assert database.read("instances", select(inbox.c.key, inbox.c.instance).order_by(inbox.c.key)) == [
        ("Ev1", "b.1"),
        ("Ev2", "b.1"),
    ]
    assert database.read("claims", select(seen)) == []


def test_many_heirs_at_once_share_nothing(postgresql: str, database: Database) -> None:
    Replicas(database).join("dead.1", "home", "host")
    for number in range(40):
        keep(database, f"Ev{number:02}", "dead.1")
    silence(database, "dead.1", DEAD_SECONDS + 1)
    heirs = [open_database(postgresql) for _ in range(4)]
    for number, each in enumerate(heirs):
        Replicas(each).join(f"{number}.1", f"home-{number}", "host")
    with ThreadPoolExecutor(4) as pool:
        estates = list(pool.map(lambda n: Replicas(heirs[n]).take_over(f"{n}.1", silent=True), range(4)))
    assert sorted(len(each.kept) for each in estates) == [0, 0, 0, 40]
    for each in heirs:
        each.close()


def test_what_ended_in_order_or_had_the_same_folder_is_taken_over_at_once(database: Database) -> None:
    store = Replicas(database)
    store.join("a.1", "home-a", "host")
    store.join("b.1", "home-b", "host")
    keep(database, "Ev1", "a.1")
    keep(database, "Ev2", "b.1")
    store.leave("a.1")
    store.join("c.1", "home-b", "host")
    assert [each.id for each in store.all()] == ["c.1"]
    assert keys(store.take_over("c.1", silent=False)) == ["Ev1", "Ev2"]


def test_an_heir_that_was_sent_the_same_has_it_once(database: Database) -> None:
    store = Replicas(database)
    store.join("a.1", "home-a", "host")
    store.join("b.1", "home-b", "host")
    keep(database, "Ev1", "a.1", told="2")
    keep(database, "Ev1", "b.1")
    store.leave("a.1")
    assert keys(store.take_over("b.1", silent=False)) == ["Ev1"]
    assert database.read("rows", select(inbox.c.instance, inbox.c.told)) == [("b.1", "2")]


def test_what_an_earlier_version_left_is_taken_over(database: Database) -> None:
    store = Replicas(database)
    store.join("a.1", "home-a", "host")
    keep(database, "Ev1", "former", received=time.time() - DEAD_SECONDS - 1)
    keep(database, "Ev2", "former", received=time.time())
    assert keys(store.take_over("a.1", silent=True)) == ["Ev1"]


def test_a_replica_that_hangs_loses_its_locks_and_what_it_had_begun(database: Database, other: Database) -> None:
    """Its connections would otherwise keep what they have locked for as long as it hangs."""
    hung = f"{other.session}.1"
    Replicas(database).join("b.1", "home-b", "host")
    Replicas(other).join(hung, "home-a", "host")
    keep(database, "Ev1", hung)
    estates: list[Estate] = []

    def hang(connection: Connection) -> bool:
        if estates:
            return False  # run again, since nothing of it was stored
        connection.execute(update(inbox).values(told="9"))
        connection.execute(text("SELECT pg_advisory_lock(1)"))
        silence(database, hung, DEAD_SECONDS + 1)
        estates.append(Replicas(database).take_over("b.1", silent=True))
        return bool(connection.execute(text("SELECT true")).scalar_one())

    assert other.change("hang", hang) is False
    assert [each.told for each in estates[0].kept] == [()]
    with database.own_connection() as connection:
        assert connection.execute(text("SELECT pg_try_advisory_lock(1)")).scalar_one()
    assert Replicas(other).beat(hung, {}) is False
