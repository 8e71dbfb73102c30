"""Time that others had the processors is told from time that was spent or slept here."""

import os
import signal
import subprocess
import sys
import time

from tests.stalls import Stalls

STOPPED = """
import sys, time
from tests.stalls import Stalls
watch = Stalls()
time.sleep(0.2)
print("ready", flush=True)
started = time.monotonic()
sys.stdin.readline()
time.sleep(0.2)
print(watch.during(started, time.monotonic() - started), watch.during(started - 10, 9), flush=True)
"""


def test_a_process_that_is_stopped_has_lost_that_time() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(child.pid, signal.SIGCONT)
        child.stdin.write("\n")
        child.stdin.flush()
        lost, before = map(float, child.stdout.readline().split())
    assert lost > 0.9
    assert before == 0.0


def test_who_computes_has_lost_nothing_by_it() -> None:
    watch, started, worked = Stalls(), time.monotonic(), time.thread_time()
    while time.thread_time() - worked < 0.5:
        pass
    took = time.monotonic() - started
    assert took - watch.during(started, took) >= 0.45
