"""What is known of each source since it was asked last: kept with the state, so that of several replicas one asks."""

import json
import logging
import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from handlers.store.database import Database
from handlers.store.installation import SOURCES, Installation
from indexes.messages import Translatable, as_data, from_data
from indexes.reload_report import ReloadReport

log = logging.getLogger(__name__)

SCHEMA = 1
LONGEST_SECONDS = 3600.0
"""The longest pause after failures, unless the source is asked less often anyway."""
SPREAD = 0.1
"""By how much of itself a pause differs by chance, so that many bots don't ask a host at the same moment."""


@dataclass(frozen=True)
class SourceState:
    """What is known of a source. Times are in seconds since the epoch, 0 for never; digests are SHA-256.

    `key` is that of the address for which `etag`, `modified` and `body` (the digest of what it sent) hold, `copy` the
    digest of the file that was made of it. `fetched` is when the copy was last known to be what the source has. `why`
    says what failed at the last of `failures` tries. `asked` is the id of a change that waits for an admin, sent as
    `asked_body` at `asked_at`. The counts are of the rows that the last change, at `changed_at`, has touched, and of
    those that it has and that can't be used.
    """

    key: str = ""
    etag: str = ""
    modified: str = ""
    body: str = ""
    copy: str = ""
    fetched: float = 0.0
    tried: float = 0.0
    due: float = 0.0
    failures: int = 0
    why: Translatable | None = None
    asked: str = ""
    asked_body: str = ""
    asked_at: float = 0.0
    changed_at: float = 0.0
    added: int = 0
    changed: int = 0
    removed: int = 0
    skipped: int = 0

    def up_to_date(self, now: float, pause: float) -> "SourceState":
        """Return this after a try that found the copy to be what the source has."""
        due = now + spread(pause)
        return replace(self, fetched=now, tried=now, due=due, failures=0, why=None, asked="", asked_body="")

    def changed_by(self, report: ReloadReport, now: float) -> "SourceState":
        """Return this with what a reload has changed."""
        skipped = sum(problem.skipped for problem in report.problems)
        touched = replace(self, added=report.added, changed=report.changed, removed=report.removed)
        return replace(touched, changed_at=now, skipped=skipped)

    def failed(self, why: Translatable, now: float, pause: float, at_least: float = 0.0) -> "SourceState":
        """Return this after a try that failed: the next one comes later each time, `at_least` after so many seconds."""
        longest = max(pause, LONGEST_SECONDS)
        wait = max(min(pause * 2**self.failures, longest), at_least)
        return replace(self, tried=now, due=now + spread(wait), failures=min(self.failures + 1, 30), why=why)

    def waiting(self, upload: str, body: str, asked_at: float, now: float, pause: float) -> "SourceState":
        """Return this while a change waits for an admin."""
        known = replace(self, tried=now, due=now + spread(pause), failures=0, why=None)
        return replace(known, asked=upload, asked_body=body, asked_at=asked_at)

    def as_data(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(replace(self, why=None)), "why": as_data(self.why) if self.why else None}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "SourceState":
        """Read what `as_data` wrote; raises TypeError or KeyError for anything else."""
        why = from_data(data["why"])
        return cls(**{**data, "why": why if isinstance(why, Translatable) else None})


def spread(pause: float) -> float:
    """Return a pause that is a little longer or shorter."""
    return pause * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - no secret


class SourceStates:
    """The states by knowledge base. Nothing here raises; while the database fails, nothing is known."""

    def __init__(self, database: Database) -> None:
        self._installation = Installation(database)

    def all(self) -> Mapping[str, SourceState]:
        """Return all states."""
        return _read(self._installation.get(SOURCES))

    def get(self, name: str) -> SourceState:
        """Return the state of a source; a blank one for one that was never asked."""
        return self.all().get(name, SourceState())

    def put(self, name: str, state: SourceState, names: Collection[str]) -> None:
        """Store the state of a source, and forget those that are not among `names` any more."""

        def changed(stored: str | None) -> str:
            states = {**_read(stored), name: state}
            kept = {each: one.as_data() for each, one in states.items() if each in names or each == name}
            return json.dumps({"schema": SCHEMA, "sources": kept})

        self._installation.change(SOURCES, changed)


def _read(stored: str | None) -> dict[str, SourceState]:
    """Read stored states; those of a later version, or damaged ones, mean that the sources are asked anew."""
    try:
        found = json.loads(stored or "{}")
        states = found.get("sources", {}) if found.get("schema", SCHEMA) == SCHEMA else {}
        return {name: SourceState.of(each) for name, each in states.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("What is known of the sources can't be read (%s); they are asked anew", type(error).__name__)
        return {}
