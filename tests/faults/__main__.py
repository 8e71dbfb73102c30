"""``python -m tests.faults [--share 0.05] [ROW …]``: break things many times, and print what came of it.

Each row is a script of this package with ``run(share: float) -> Row``; it runs in a process of its own. A run that was
interrupted goes on with the rows that are missing.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.logs import log_to_stderr
from tests.benchmarks.processes import ChildError, run_child
from tests.faults.progress import Progress
from tests.faults.row import Row

SCRIPTS = {
    "flood": "more requests than can be answered, from one person and from many",
    "kill_confirmed": "kill -9 after a change was confirmed",
    "kill_queued": "kill -9 while requests wait",
    "replicas": "three replicas are killed, hung, restarted and reloaded",
    "slack_errors": "Slack refuses, fails, is slow or drops what it did",
    "sockets": "the connection breaks in every way",
    "corruptions": "damaged files of every kind",
    "disks": "a disk that is full, read-only or gone",
    "leaks": "requests with forged values for what their sender may not read",
    "doors": "requests over HTTP with wrong, expired, revoked and foreign tokens",
    "stale_year": "a year in which 1,000 rows get old, and their owners are asked",
    "sources": "a table that is edited at its source, and whose host fails",
    "mixed_load": "everything at once for an hour, with flat memory",
}
LONGEST_SECONDS = 3 * 60 * 60.0
"""A script that takes longer than this is frozen."""


def alone(arguments: dict[str, Any]) -> dict[str, Any]:
    """Run one script in this process (a child); what goes wrong on purpose is not logged."""
    log_to_stderr("CRITICAL")
    row: Row = importlib.import_module(f"tests.faults.{arguments['script']}").run(arguments["share"])
    return asdict(row)


def main() -> int:
    """Run the scripts and print the table; 1 if anything failed."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 140)
    progress = Progress(options.progress, options.share)
    rows = list(_run_all(options.scripts or SCRIPTS, progress, console))
    console.print(_table(rows, options.share))
    progress.end()
    return int(any(row.failures or not row.trials for row in rows))


def _run_all(scripts: Iterable[str], progress: Progress, console: Console) -> Iterator[Row]:
    finished = progress.rows()
    for script in scripts:
        if script in finished:
            console.print(f"{script}: done before the interruption")
            yield finished[script]
            continue
        console.print(f"{script}: {SCRIPTS[script]} …")
        started = time.monotonic()
        row = _run(script, progress)
        console.print(f"{script}: {row.failures} of {row.trials:,} failed, {time.monotonic() - started:.0f} s")
        yield row


def _run(script: str, progress: Progress) -> Row:
    """Run one script and keep its row; one that ended without a row is a failure, and is run again."""
    arguments = {"script": script, "share": progress.share}
    try:
        row = Row(**run_child("tests.faults.__main__:alone", arguments, LONGEST_SECONDS))
    except ChildError as error:
        return Row(script, 0, 1, f"ended without a result: {error}")
    progress.add(script, row)
    return row


def _table(rows: Iterable[Row], share: float) -> Table:
    table = Table(title=f"Faults, {share:.0%} of the long form")
    table.add_column("row")
    table.add_column("trials", justify="right")
    table.add_column("failures", justify="right")
    table.add_column("worst case")
    for row in rows:
        table.add_row(row.name, f"{row.trials:,}", f"{row.failures:,}", row.worst)
    return table


def _options() -> argparse.Namespace:
    listed = "\n".join(f"  {name:15}{what}" for name, what in SCRIPTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=f"Break things many times; exit code 1 if anything is lost, leaked or frozen.\n\n{listed}",
        epilog="Example: python -m tests.faults --share 0.05 leaks flood",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scripts", nargs="*", metavar="ROW", choices=[*SCRIPTS, []], help="default: all")
    parser.add_argument("--share", type=_share, default=1.0, help="part of the long form's trials, above 0 up to 1")
    parser.add_argument(
        "--progress", type=Path, default=Path(".soak.json"), metavar="FILE", help="where finished rows are kept"
    )
    return parser.parse_args()


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
