"""A bot that is killed while requests wait: what it has acked is done by the next one, and nothing twice."""

from tests.faults.kill_queued import KILLS, run


def test_what_was_acked_is_done_after_kill_9_and_done_once() -> None:
    row = run(6 / KILLS)
    assert row.trials >= 6 * 20
    assert row.failures == 0, row.worst
