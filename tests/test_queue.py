"""Bounded work, and an end that finishes what was accepted."""

import threading
import time

from handlers.queue import KeyedLocks, WorkQueue


def test_a_full_queue_refuses_and_takes_more_once_there_is_room() -> None:
    queue = WorkQueue(workers=2, capacity=3)
    gate, done = threading.Event(), threading.Semaphore(0)

    def job() -> None:
        gate.wait(60)
        done.release()

    assert [queue.put(job) for _ in range(6)] == [True] * 5 + [False]
    assert len(queue) == 5
    gate.set()
    for _ in range(5):
        assert done.acquire(timeout=60)
    while len(queue):
        time.sleep(0.001)
    assert queue.put(job)
    assert queue.drain(60)


def test_refusals_have_a_lane_of_their_own_with_an_end() -> None:
    queue = WorkQueue(workers=1, capacity=0, refusals=2)
    gate, told = threading.Event(), list[int]()

    def tell(number: int) -> None:
        assert gate.wait(60)
        told.append(number)

    assert queue.put(lambda: tell(-1))
    assert not queue.put(lambda: tell(-2))
    taken = [queue.put_refusal(lambda number=number: tell(number)) for number in range(5)]  # type: ignore[misc]
    assert taken == [True, True, True, False, False]
    assert len(queue) == 4
    gate.set()
    assert queue.drain(60)
    assert sorted(told) == [-1, 0, 1, 2]
    assert not queue.put_refusal(lambda: None)


def test_draining_finishes_what_was_accepted_and_accepts_nothing_more() -> None:
    queue = WorkQueue(workers=1)
    finished: list[int] = []

    def job(number: int) -> None:
        time.sleep(0.01)
        finished.append(number)

    for number in range(5):
        assert queue.put(lambda number=number: job(number))  # type: ignore[misc]
    assert queue.drain(60)
    assert finished == [0, 1, 2, 3, 4]
    assert not queue.put(lambda: None)
    assert len(queue) == 0


def test_what_can_not_be_finished_in_time_is_told_and_given_up() -> None:
    queue = WorkQueue(workers=1)
    gate, finished = threading.Event(), list[bool]()
    queue.put(lambda: finished.append(gate.wait(60)))
    queue.put(lambda: finished.append(True))
    started = time.monotonic()
    assert not queue.drain(0.1)
    assert time.monotonic() - started < 20
    gate.set()
    while len(queue):
        time.sleep(0.001)
    assert finished == [True]


def test_one_message_has_one_lock() -> None:
    locks = KeyedLocks()
    assert locks("C1", "1.0") is locks("C1", "1.0")
    assert len({id(locks("C1", f"{number}.0")) for number in range(500)}) > 32
