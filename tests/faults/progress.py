"""The rows that are finished, kept in a file so that an interrupted run goes on where it was."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from indexes.atomic_file import replace_file
from tests.faults.row import Row

KEPT_SECONDS = 24 * 60 * 60
"""An interrupted run that is older is begun anew: the code is another by then."""


@dataclass(frozen=True)
class Progress:
    """The finished rows of a run with one share; the file goes when the run has ended."""

    path: Path
    share: float

    def rows(self) -> dict[str, Row]:
        """Return the finished rows by script; none of a run with another share, or one that is a day old."""
        if not self.path.exists():
            return {}
        kept = json.loads(self.path.read_text("utf-8"))
        if kept["share"] != self.share or time.time() - kept["at"] > KEPT_SECONDS:
            return {}
        return {script: Row(**row) for script, row in kept["rows"].items()}

    def add(self, script: str, row: Row) -> None:
        """Keep a row."""
        rows = {name: asdict(each) for name, each in (self.rows() | {script: row}).items()}
        kept = {"share": self.share, "at": time.time(), "rows": rows}
        replace_file(self.path, json.dumps(kept, ensure_ascii=False, indent=1).encode())

    def end(self) -> None:
        """Forget the run."""
        self.path.unlink(missing_ok=True)
