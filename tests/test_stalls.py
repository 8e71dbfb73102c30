"""Time that others had the processors is told from time that was spent or slept here."""

import os
import subprocess
import sys
import time

import pytest

from tests.stalls import Stalls

COMPUTE = """
import sys, time
until = time.monotonic() + 30
while time.monotonic() < until:
    pass
"""
MEASURE = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
from tests.stalls import Stalls
watch, started, worked = Stalls(), time.monotonic(), time.process_time()
while time.process_time() - worked < 0.5:
    pass
took = time.monotonic() - started
time.sleep(0.3)
print(took, watch.during(started, took), watch.during(started - 10, 9))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts it")
def test_who_shares_a_processor_with_two_others_has_lost_their_time() -> None:
    core = min(os.sched_getaffinity(0))
    others = [
        subprocess.Popen([sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{core}}})\n{COMPUTE}"])
        for _ in range(2)
    ]
    try:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(core)], capture_output=True, text=True, check=True, timeout=120
        )
    finally:
        for other in others:
            other.kill()
            other.wait()
    took, lost, before = map(float, done.stdout.split())
    assert took > 0.8
    assert lost > 0.5 * (took - 0.5)
    assert took - lost > 0.4
    assert before == 0.0


def test_who_sleeps_has_lost_next_to_nothing_by_it() -> None:
    watch, started = Stalls(), time.monotonic()
    time.sleep(1)
    took = time.monotonic() - started
    assert took - watch.during(started, took) > 0.5
