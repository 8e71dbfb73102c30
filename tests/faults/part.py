"""A part of a row, made in a process of its own, which ends with the one that started it.

``python -m tests.faults.part SCRIPT SHARE SEED`` writes the row as JSON. Its stdin is a pipe: when the other end is
closed, however that process has ended, this one is interrupted, and what it started ends with it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from bot.logs import log_to_stderr
from tests.benchmarks.processes import environment
from tests.faults.row import Row

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 3 * 60 * 60.0
"""A part that takes longer is frozen."""
GRACE_SECONDS = 30.0
"""How long a part that was interrupted may clean up."""


class PartError(Exception):
    """A part ended without a row; the message is the last line that it wrote."""


def run_part(script: str, share: float, seed: int) -> Row:
    """Make a share of a script's trials; what is left to chance is different for each seed."""
    with _process(script, str(share), str(seed)) as process:
        try:
            out, errors = process.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise PartError(f"gave up after {LONGEST_SECONDS:.0f} s") from None
    if process.returncode:
        raise PartError((errors.strip().splitlines() or [f"exit code {process.returncode}"])[-1][:200])
    return Row(**json.loads(out.splitlines()[-1]))


@contextmanager
def _process(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a part, and leave nothing of it."""
    theirs, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.part", *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process
    finally:
        os.close(ours)
        process.communicate()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _end_with_parent() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def main(script: str, share: float, seed: int) -> None:
    """Be the process; what goes wrong on purpose is not logged."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let what runs in the background ignore it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    log_to_stderr("CRITICAL")
    row: Row = import_module(f"tests.faults.{script}").run(share, seed)
    sys.stdout.write(f"{json.dumps(asdict(row))}\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
