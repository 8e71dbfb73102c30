"""A replica that was silent for too long is not trusted with what it took, and trusts the others as long as it must."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from handlers.counters import Counters
from handlers.inbox import Inbox
from handlers.membership import SURE_SECONDS, Membership
from handlers.schema import open_database
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.errors import TakenOverError
from handlers.store.inbox import REDONE_SECONDS, inbox
from handlers.store.replicas import DEAD_SECONDS, NOW, Estate, replicas
from tests.state import change
from tests.test_inbox import Clock

HUNG_SECONDS = 10_000.0
"""How long who hangs has been silent, by the server's clock."""


class Process:
    """What a replica is made of, with a clock that a test turns."""

    def __init__(self, url: str, home: str) -> None:
        self.clock = Clock()
        self.database: Database = open_database(url)
        self.membership = Membership(self.database, home, self.clock)
        self.claims = Claims(self.database, lambda: self.membership.id)
        self.inbox = Inbox(self.database, self.membership, Counters())

    def beat(self, times: int = 1) -> Estate:
        """Say that it lives, a second after the last time; return what it took over in the end."""
        estates = []
        for _ in range(times):
            self.clock.now += 1
            self.wake_the_others()
            estates.append(self.membership.beat({}))
        return estates[-1]

    def take(self, estate: Estate) -> list[str]:
        """Take over what was left."""
        self.claims.forget(estate.claims)
        return [each.key for each in self.inbox.adopt(estate.kept)]

    def keep(self, key: str) -> None:
        self.put(key)
        assert self.claims.held_by(key).take(f"event:{key}")

    def put(self, key: str) -> None:
        """Keep a payload, however slow the server is."""
        self.inbox.keep(key, "U1", {})
        assert self.inbox._held[key].written.wait(60)

    def hang(self) -> None:
        """Let so much time pass that the others think it dead."""
        self.clock.now += DEAD_SECONDS + 1
        mine = replicas.c.id == self.membership.id
        self.database.write("hang", update(replicas).where(mine).values(seen=NOW - HUNG_SECONDS))

    def wake_the_others(self) -> None:
        """Only who hangs is silent: however slowly this machine runs the test, the others have said that they live."""
        awake = replicas.c.seen > NOW - HUNG_SECONDS / 2
        self.database.write("wake", update(replicas).where(awake).values(seen=NOW))

    def end(self) -> None:
        self.inbox.close()
        self.database.close()


@pytest.fixture
def first(postgresql: str) -> Iterator[Process]:
    made = Process(postgresql, "home-1")
    made.membership.join()
    yield made
    made.end()


@pytest.fixture
def second(postgresql: str) -> Iterator[Process]:
    made = Process(postgresql, "home-2")
    made.membership.join()
    made.beat(round(DEAD_SECONDS) + 1)  # it may judge others by now
    yield made
    made.end()


def test_who_was_thought_dead_does_nothing_more_of_what_was_taken_over(first: Process, second: Process) -> None:
    first.keep("Ev1")
    work, before = first.inbox.work("Ev1"), first.membership.id
    work.ensure_mine()
    first.hang()
    assert second.take(second.beat()) == ["Ev1"]
    assert second.claims.held_by("Ev1").take("event:Ev1")
    with pytest.raises(TakenOverError):
        work.ensure_mine()
    with pytest.raises(TakenOverError):
        work.may_tell()
    assert first.membership.id != before
    first.inbox.finish("Ev1")
    assert [each.host for each in second.membership.all()] == [each.host for each in first.membership.all()]
    assert len(first.membership.all()) == 2
    first.keep("Ev2")
    first.inbox.work("Ev2").ensure_mine()
    assert second.inbox.work("Ev1").is_repeat
    second.inbox.work("Ev1").ensure_mine()


def test_whoever_has_a_clock_that_is_ahead_deletes_nothing_of_the_others(first: Process, second: Process) -> None:
    first.put("Ev1")
    hasty = Inbox(second.database, second.membership, Counters(), lambda: time.time() + 2 * REDONE_SECONDS)
    hasty.adopt([])  # which tidies up
    hasty.close()
    assert first.claims.held_by("Ev1", lambda: first.inbox.stored_as("Ev1")).take("event:Ev1")


def test_what_it_finishes_then_is_still_there_for_the_heir(first: Process, second: Process) -> None:
    first.keep("Ev1")
    first.hang()
    second.take(second.beat())
    first.beat()
    first.inbox.finish("Ev1")
    first.keep("Ev2")  # written after that
    assert second.database.read("rows", select(inbox.c.instance).where(inbox.c.key == "Ev1")) == [
        (second.membership.id,)
    ]


def test_who_was_thought_dead_claims_nothing_that_the_heir_must_claim(first: Process, second: Process) -> None:
    """What waited in its queue while it hung begins with a claim, and would then be left to an heir that has none."""
    first.put("Ev1")
    work = first.inbox.work("Ev1")
    first.hang()
    second.take(second.beat())
    claims = first.claims.held_by("Ev1", work.stored_as)
    with pytest.raises(TakenOverError):
        claims.take("event:Ev1")
    first.beat()
    with pytest.raises(TakenOverError):
        claims.take("event:Ev1")
    assert second.claims.held_by("Ev1", second.inbox.work("Ev1").stored_as).take("event:Ev1")


def test_what_is_done_so_late_that_it_is_not_kept_any_more_is_its_own_unless_it_was_thought_dead(
    first: Process, second: Process, postgresql: str
) -> None:
    first.put("Ev1")
    work = first.inbox.work("Ev1")
    mine = first.claims.held_by("Ev1", work.stored_as, work.is_mine)
    change(postgresql, "DELETE FROM inbox")
    assert mine.take("event:Ev1")
    first.hang()
    second.take(second.beat())
    with pytest.raises(TakenOverError):
        mine.take("asked:Ev1")


def test_who_is_sure_asks_nobody(first: Process, postgresql: str) -> None:
    first.keep("Ev1")
    work = first.inbox.work("Ev1")
    change(postgresql, "DELETE FROM replicas")  # whoever asks is told that it was thought dead
    first.clock.now += SURE_SECONDS - 0.1
    work.ensure_mine()
    first.clock.now += 0.2
    with pytest.raises(TakenOverError):
        work.ensure_mine()


def test_an_heir_that_holds_the_claim_in_memory_can_take_it_again(first: Process, second: Process) -> None:
    """Slack had sent it the event as well, which it left to the first one."""
    first.keep("Ev1")
    assert not second.claims.held_by("Ev1").take("event:Ev1")
    first.hang()
    second.take(second.beat())
    assert second.claims.held_by("Ev1").take("event:Ev1")


def test_what_another_replica_claimed_for_the_same_event_stays_its_own(
    first: Process, second: Process, postgresql: str
) -> None:
    """The dead one had acked the event and not begun it; Slack sent it again, and a living one answered."""
    third = Process(postgresql, "home-3")
    third.membership.join()
    first.put("Ev1")
    third.keep("Ev1")
    first.hang()
    assert second.take(second.beat()) == ["Ev1"]
    assert not second.claims.held_by("Ev1").take("event:Ev1")
    third.end()


def test_after_an_outage_the_others_get_time_to_say_that_they_live(first: Process, second: Process) -> None:
    """A server that restarts silences everybody at once; whoever comes back first must not rob the others."""
    first.keep("Ev1")
    first.hang()
    second.clock.now += DEAD_SECONDS + 1  # it could not say so either
    assert second.membership.beat({}) == Estate()
    assert second.beat(round(DEAD_SECONDS) - 1) == Estate()
    first.beat()
    assert second.beat(3) == Estate()
    first.inbox.work("Ev1").ensure_mine()
