"""Fresh processes: what is measured runs in one of its own, and hands back JSON.

A child is named `module:function`; the function takes one dictionary and returns another. It finds in `started` the
moment (time.monotonic, which all processes share) at which its process was started.
"""

import importlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.measuring import megabytes

JSON = dict[str, Any]
ROOT = Path(__file__).parents[2]
TIMEOUT = 3 * 3600.0
PEERS = Path(__file__).with_name("peers.py")


class ChildError(Exception):
    """A child failed; the message is the last line it wrote."""


def run_child(name: str, arguments: JSON, timeout: float = TIMEOUT) -> JSON:
    """Run `module:function` of this package in a fresh process."""
    return _run([sys.executable, "-m", "tests.benchmarks.processes", name], arguments, timeout)


def run_peer(python: Path | None, name: str, arguments: JSON, timeout: float = TIMEOUT) -> JSON:
    """Run a function of peers.py with the Python that has the peers installed."""
    if python is None or not python.exists():
        raise ChildError("not installed")
    return _run([str(python), "-P", str(PEERS), name], arguments, timeout)


def _run(command: list[str], arguments: JSON, timeout: float) -> JSON:
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*command, json.dumps({**arguments, "started": started}, default=str)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChildError(f"gave up after {timeout:.0f} s") from None
    if done.returncode:
        raise ChildError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200])
    result: JSON = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def environment() -> dict[str, str]:
    """The environment of every child: no hub, no setting of whoever runs this, no token."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLACK_", "KOTAE_", "OMP_"))}
    return kept | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore"}


class Talking:
    """A child that stays: it writes one JSON object a line, and ends when its stdin is closed."""

    def __init__(self, name: str, arguments: JSON) -> None:
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.benchmarks.processes", name),
                json.dumps({**arguments, "started": self.started}, default=str),
            ],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._said: queue.Queue[JSON] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, event: str, timeout: float = 300.0) -> JSON:
        """Return the next thing said under this name; what is said before it is passed over."""
        until = time.monotonic() + timeout
        while True:
            try:
                said = self._said.get(timeout=max(until - time.monotonic(), 0.01))
            except queue.Empty:
                raise ChildError(f"no {event!r} within {timeout:.0f} s") from None
            if said["event"] == "gone":
                raise ChildError(f"ended before {event!r}")
            if said["event"] == event:
                return said

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        return megabytes(self._process.pid)

    def close(self) -> JSON:
        """End it, and return the last thing it said."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            return self.wait_for("end", 60)
        finally:
            self._end()

    def _end(self) -> None:
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._said.put(json.loads(line))
        self._said.put({"event": "gone"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._end()


def say(event: str, **facts: Any) -> None:
    """Tell the parent something, from a child."""
    sys.stdout.write(json.dumps({"event": event, "at": time.monotonic(), **facts}) + "\n")
    sys.stdout.flush()


def main(name: str, arguments: Mapping[str, Any]) -> None:
    """Be the child."""
    module, _, function = name.partition(":")
    result = getattr(importlib.import_module(module), function)(dict(arguments))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
