"""Bounded and fair work, and an end that finishes what was accepted."""

import threading
import time
from collections.abc import Callable

import pytest

from handlers.counters import Count, Counters
from handlers.fair_turns import FairTurns, Limits, Source
from handlers.queue import LIMITS, Admission, KeyedLocks, Kind, WorkQueue
from handlers.token_buckets import BURST, PRESS, Limit, Taken, TokenBuckets

ALICE, HANAKO = Source("alice", "general"), Source("hanako", "general")
WIDE = Limits(1000, 1000, 1000, 1000, 1000, 1000)


class Gate:
    """Jobs that wait until they are let through, and note who came through in which order."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.passed: list[str] = []

    def job(self, name: str) -> Callable[[], None]:
        def run() -> None:
            assert self.open.wait(60)
            self.passed.append(name)

        return run


def queue_of(workers: int, counters: Counters | None = None, **changed: Limits) -> WorkQueue:
    limits = dict.fromkeys(Kind, WIDE) | {Kind[name.upper()]: each for name, each in changed.items()}
    return WorkQueue(counters or Counters(), workers=workers, limits=limits)


def occupy(queue: WorkQueue, gate: Gate, workers: int) -> None:
    """Give every worker something to wait for."""
    for number in range(workers):
        queue.put(Kind.ASKED, Source(f"early-{number}", f"early-{number}"), gate.job("early"))
    wait_until(lambda: not queue.waiting()["asked"])


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_full_queue_refuses_and_takes_more_once_there_is_room() -> None:
    counters, gate = Counters(), Gate()
    queue = queue_of(2, counters, asked=Limits(3, 3, 3, 2, 2, 2))
    occupy(queue, gate, 2)
    admissions = [queue.put(Kind.ASKED, ALICE, gate.job("alice")) for _ in range(5)]
    assert admissions == [Admission.ACCEPTED] * 3 + [Admission.BUSY] * 2
    assert (len(queue), queue.waiting()["asked"], counters[Count.BUSY]) == (5, 3, 2)
    gate.open.set()
    wait_until(lambda: not len(queue))
    assert queue.put(Kind.ASKED, ALICE, gate.job("alice")) is Admission.ACCEPTED
    assert queue.drain(60)
    assert gate.passed.count("alice") == 4


def test_what_was_asked_comes_before_what_was_not() -> None:
    queue, gate = queue_of(1), Gate()
    occupy(queue, gate, 1)
    for kind in (Kind.MESSAGE, Kind.EVENT, Kind.ASKED) * 2:
        queue.put(kind, ALICE, gate.job(kind.value))
    gate.open.set()
    assert queue.drain(60)
    assert gate.passed == ["early", "asked", "asked", "events", "events", "messages", "messages"]


def test_one_place_after_the_other_and_in_each_place_one_person_after_the_other() -> None:
    turns = FairTurns(WIDE)
    order: list[str] = []
    for who in ("alice", "alice", "alice", "hanako", "hanako"):
        turns.put(Source(who, "busy"), lambda who=who: order.append(f"{who} in busy"))  # type: ignore[misc]
    turns.put(Source("ichiro", "quiet"), lambda: order.append("ichiro in quiet"))
    while taken := turns.take():
        source, job = taken
        job()
        turns.finished(source)
    assert order == [
        "alice in busy",
        "ichiro in quiet",
        "hanako in busy",
        "alice in busy",
        "hanako in busy",
        "alice in busy",
    ]
    assert (len(turns), turns.running) == (0, 0)


def test_nobody_fills_the_queue_nor_all_workers_alone() -> None:
    queue, gate = queue_of(4, asked=Limits(100, 50, 5, 4, 2, 1)), Gate()
    queue.put(Kind.ASKED, ALICE, gate.job("alice"))
    wait_until(lambda: not queue.waiting()["asked"])
    taken = [queue.put(Kind.ASKED, ALICE, gate.job("alice")) for _ in range(20)]
    assert taken.count(Admission.ACCEPTED) == 5
    elsewhere = Source("alice", "random")
    assert queue.put(Kind.ASKED, elsewhere, gate.job("alice")) is Admission.BUSY
    assert queue.put(Kind.ASKED, HANAKO, gate.job("hanako")) is Admission.ACCEPTED
    wait_until(lambda: queue.waiting()["asked"] == 5)
    gate.open.set()
    assert queue.drain(60)
    assert gate.passed.count("alice") == 6


def test_a_chatty_channel_leaves_room_and_workers_for_another() -> None:
    queue, gate = queue_of(4, message=Limits(100, 10, 10, 4, 2, 4)), Gate()
    chatty = [Source(f"person-{number}", "chatty") for number in range(50)]
    for source in chatty[:2]:
        queue.put(Kind.MESSAGE, source, gate.job("chatty"))
    wait_until(lambda: not queue.waiting()["messages"])
    for source in chatty[2:]:
        queue.put(Kind.MESSAGE, source, gate.job("chatty"))
    free = threading.Event()
    assert queue.put(Kind.MESSAGE, Source("hanako", "quiet"), free.set) is Admission.ACCEPTED
    assert free.wait(60)
    assert queue.waiting()["messages"] == 10
    gate.open.set()
    assert queue.drain(60)


def test_what_nobody_asked_for_leaves_workers_to_those_who_ask() -> None:
    queue, gate = WorkQueue(Counters()), Gate()
    for number in range(200):
        source = Source(f"person-{number}", f"channel-{number % 20}")
        queue.put(Kind.MESSAGE, source, gate.job("message"))
        queue.put(Kind.EVENT, source, gate.job("event"))
    answered = threading.Event()
    queue.put(Kind.ASKED, ALICE, answered.set)
    assert answered.wait(60)
    assert not gate.passed
    gate.open.set()
    assert queue.drain(60)


def test_notices_go_out_while_every_worker_is_busy_and_have_an_end() -> None:
    counters, gate, told = Counters(), Gate(), threading.Event()
    queue = queue_of(1, counters, notice=Limits(2, 2, 2, 4, 4, 4))
    occupy(queue, gate, 1)
    queue.put(Kind.NOTICE, ALICE, told.set)
    assert told.wait(60)
    wait_until(lambda: len(queue) == 1)
    for number in range(4):
        queue.put(Kind.NOTICE, Source(f"person-{number}", "general"), gate.job("told"))
        wait_until(lambda: not queue.waiting()["notices"])
    admissions = [queue.put(Kind.NOTICE, ALICE, gate.job("told")) for _ in range(3)]
    assert admissions == [Admission.ACCEPTED, Admission.ACCEPTED, Admission.BUSY]
    assert queue.has_waiting(Kind.NOTICE, ALICE)
    assert not queue.has_waiting(Kind.NOTICE, HANAKO)
    assert counters[Count.UNTOLD] == 1
    gate.open.set()
    assert queue.drain(60)


@pytest.mark.parametrize(
    ("kind", "count"),
    [(Kind.ASKED, Count.BUSY), (Kind.EVENT, Count.DROPPED_EVENTS), (Kind.MESSAGE, Count.DROPPED_MESSAGES)],
)
def test_what_there_is_no_room_for_is_counted(kind: Kind, count: Count) -> None:
    counters, gate = Counters(), Gate()
    queue = WorkQueue(counters)
    most = 2 * (LIMITS[kind].waiting + LIMITS[kind].running)
    admissions = [queue.put(kind, Source(f"p{number}", f"c{number}"), gate.job("done")) for number in range(most)]
    refused = admissions.count(Admission.BUSY)
    assert refused >= most - LIMITS[kind].waiting - LIMITS[kind].running
    assert counters.all() == dict.fromkeys(counters.all(), 0) | {count.value: refused}
    gate.open.set()
    assert queue.drain(60)
    assert len(gate.passed) == most - refused


def test_a_job_that_raises_takes_no_worker_with_it() -> None:
    queue, gate = queue_of(1), Gate()
    gate.open.set()

    def fail() -> None:
        raise ValueError

    for _ in range(3):
        queue.put(Kind.ASKED, ALICE, fail)
    queue.put(Kind.ASKED, ALICE, gate.job("after"))
    assert queue.drain(60)
    assert gate.passed == ["after"]


def test_free_workers_let_acks_pass_but_not_for_ever() -> None:
    due, began = threading.Event(), list[float]()
    due.set()
    queue = WorkQueue(Counters(), due.is_set, workers=1)
    started = time.monotonic()
    queue.put(Kind.ASKED, ALICE, lambda: began.append(time.monotonic() - started))
    time.sleep(0.1)
    assert not began
    due.clear()
    wait_until(lambda: bool(began))
    due.set()
    queue.put(Kind.ASKED, ALICE, lambda: began.append(0))
    wait_until(lambda: len(began) == 2)


def test_draining_finishes_what_was_accepted_and_accepts_nothing_more() -> None:
    queue = queue_of(1)
    finished: list[int] = []

    def job(number: int) -> None:
        time.sleep(0.01)
        finished.append(number)

    for number in range(5):
        queue.put(Kind.ASKED, ALICE, lambda number=number: job(number))  # type: ignore[misc]
    assert queue.drain(60)
    assert finished == [0, 1, 2, 3, 4]
    assert queue.put(Kind.ASKED, ALICE, lambda: None) is Admission.BUSY
    assert queue.put(Kind.NOTICE, ALICE, lambda: None) is Admission.BUSY
    assert len(queue) == 0


def test_what_can_not_be_finished_in_time_is_told_and_given_up() -> None:
    queue, gate = queue_of(1), Gate()
    occupy(queue, gate, 1)
    queue.put(Kind.ASKED, ALICE, gate.job("given up"))
    started = time.monotonic()
    assert not queue.drain(0.1)
    assert time.monotonic() - started < 20
    gate.open.set()
    wait_until(lambda: not len(queue))
    assert gate.passed == ["early"]


def test_many_threads_lose_no_job_and_no_worker() -> None:
    queue, lock, done = queue_of(4, asked=Limits(10_000, 10_000, 10_000, 4, 2, 1)), threading.Lock(), list[int]()

    def count(number: int) -> None:
        with lock:
            done.append(number)

    def put(first: int) -> None:
        for number in range(first, first + 250):
            source = Source(f"p{number % 7}", f"c{number % 3}")
            queue.put(Kind.ASKED, source, lambda number=number: count(number))  # type: ignore[misc]

    threads = [threading.Thread(target=put, args=(first,)) for first in range(0, 2000, 250)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.drain(60)
    assert sorted(done) == list(range(2000))


# How much one person may ask


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_is_told_about_once_and_another_one_again() -> None:
    clock = Clock()
    buckets = TokenBuckets(Limit(burst=4, per_second=1), clock)
    assert [buckets.take("alice") for _ in range(7)] == [
        *[Taken.YES] * 4,
        Taken.FIRST_TOO_MANY,
        *[Taken.TOO_MANY] * 2,
    ]
    assert buckets.take("hanako") is Taken.YES
    clock.now += 1
    assert [buckets.take("alice") for _ in range(2)] == [Taken.YES, Taken.TOO_MANY]
    clock.now += buckets.limit.pause
    assert [buckets.take("alice") for _ in range(4)] == [Taken.YES, Taken.YES, Taken.FIRST_TOO_MANY, Taken.TOO_MANY]


def test_a_busy_person_meets_no_limit() -> None:
    """A question every 3 seconds for an hour, and ten presses within 5 seconds each minute."""
    clock = Clock()
    buckets = TokenBuckets(clock=clock)
    for second in range(3600):
        clock.now += 1
        presses = 2 if second % 60 < 5 else 0
        asked = [buckets.take("hanako") for _ in range(presses + (second % 3 == 0))]
        assert Taken.FIRST_TOO_MANY not in asked


def test_a_press_costs_less_than_a_question_and_has_an_end_as_well() -> None:
    buckets = TokenBuckets(clock=Clock())
    presses = round(BURST / PRESS)
    assert [buckets.take("olivia", PRESS) for _ in range(presses + 1)] == [*[Taken.YES] * presses, Taken.FIRST_TOO_MANY]
    assert buckets.take("olivia") is Taken.TOO_MANY


def test_a_queue_uses_the_buckets_that_it_is_given() -> None:
    queue = WorkQueue(Counters(), buckets=TokenBuckets(Limit(burst=2)))
    wanted = [Admission.ACCEPTED, Admission.ACCEPTED, Admission.FIRST_TOO_MANY]
    assert [queue.may_ask("hanako") for _ in range(3)] == wanted
    assert queue.drain(1)


def test_people_who_asked_long_ago_are_forgotten() -> None:
    clock = Clock()
    buckets = TokenBuckets(Limit(burst=4, per_second=1), clock)
    for number in range(1000):
        buckets.take(f"person-{number}")
    assert len(buckets) == 1000
    clock.now += 5
    buckets.take("hanako")
    assert len(buckets) == 1


def test_one_message_has_one_lock() -> None:
    locks = KeyedLocks()
    assert locks("C1", "1.0") is locks("C1", "1.0")
    assert len({id(locks("C1", f"{number}.0")) for number in range(500)}) > 32
