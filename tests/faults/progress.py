"""What is finished of a run, kept in a file so that the same command goes on where it was."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexes.atomic_file import replace_file
from tests.faults.row import Row

ROOT = Path(__file__).parents[2]
TESTED = ("bot", "handlers", "indexes", "tests/faults")


def code_now() -> str:
    """Return a digest of the code that is tested, and of what breaks it."""
    files = sorted(path for folder in TESTED for path in (ROOT / folder).rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


@dataclass(frozen=True)
class Progress:
    """The finished parts of each row of one command; what other commands have in the same file stays as it is.

    Nothing counts that was made with other code than `code`.
    """

    path: Path
    command: str
    code: str

    def parts(self, script: str) -> Sequence[Row]:
        """Return what came of the parts of a row that are finished, the first one first."""
        return [Row(**part) for part in self._runs().get(self.command, {}).get(script, [])]

    def add(self, script: str, part: Row) -> None:
        """Keep what came of the next part of a row."""
        runs = self._runs()
        runs.setdefault(self.command, {}).setdefault(script, []).append(asdict(part))
        self._write(runs)

    def end(self) -> None:
        """Forget the run of this command, and the file if there is no other."""
        runs = self._runs()
        runs.pop(self.command, None)
        if runs:
            self._write(runs)
        else:
            self.path.unlink(missing_ok=True)

    def _runs(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        if not self.path.exists():
            return {}
        kept = json.loads(self.path.read_text("utf-8"))
        return dict(kept["runs"]) if kept.get("code") == self.code else {}

    def _write(self, runs: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
        replace_file(self.path, json.dumps({"code": self.code, "runs": runs}, ensure_ascii=False, indent=1).encode())
