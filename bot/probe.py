"""`kotae status --probe`: what an orchestrator asks about the bot of this DATA_DIR, from the status that it writes."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import psutil

from bot.status import STALE_SECONDS

SILENCE_SECONDS = 20.0
"""For so long Slack may not have answered: by then the watchdog has given the connection up, and the status says so."""
HANGING_SECONDS = 60.0
"""After so long without a new status a process hangs: a database server that is gone holds the status up for less."""


class Probe(NamedTuple):
    """An answer, in one line."""

    is_good: bool
    line: str


def live(status: Mapping[str, Any] | None) -> Probe:
    """Tell whether the process is there and renews its status."""
    if status is None or not psutil.pid_exists(status["pid"]):
        return Probe(is_good=False, line="not live: no bot renews its status in DATA_DIR")
    if "waiting" in status:
        return Probe(is_good=True, line=f"live: process {status['pid']} waits for its database")
    return Probe(is_good=True, line=f"live: process {status['pid']}, up {status['process']['uptime']:.0f} s")


def ready(status: Mapping[str, Any] | None) -> Probe:
    """Tell whether it is connected to Slack, reaches its database and can search by words."""
    alive = live(status)
    if status is None or not alive.is_good:
        return alive
    if why := status.get("waiting"):
        return Probe(is_good=False, line=f"not ready: it waits for its database. {why}")
    if missing := "; ".join(_missing(status)):
        return Probe(is_good=False, line=f"not ready: {missing}")
    return Probe(is_good=True, line=f"ready: {len(status['knowledge_bases'])} knowledge bases")


def _missing(status: Mapping[str, Any]) -> Iterator[str]:
    """List what keeps a bot from being ready; one of an earlier version doesn't tell of all."""
    pong_age, age = status["process"]["pong_age"], time.time() - status["at"]
    if age > STALE_SECONDS:
        yield f"its status is {age:.0f} s old"
    if status.get("stopping"):
        yield "it is stopping"
    if pong_age is None:
        yield "Slack has not answered yet"
    elif (silence := pong_age + age) > SILENCE_SECONDS:
        yield f"Slack has not answered for {silence:.0f} s"
    if not status.get("database_answers", True):
        yield f"the database does not answer ({status['database_trouble'] or 'no reason known'})"
    if not status.get("words", True):
        yield "the knowledge bases are still being read"
