"""``python -m tests.faults [--share 0.05] [ROW …]``: break things many times, and print what came of it.

Each row is a script of this package with ``run(share: float, seed: int = …) -> Row``. It is made in parts, each in a
process of its own. The same command goes on with the parts that are missing, however it was interrupted.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.part import PartError, run_part
from tests.faults.progress import Progress, code_now
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
PARTS = 10
"""Of the long form of a row."""
WHOLE = frozenset({"replicas", "stale_year", "mixed_load"})
"""Rows that last minutes, or whose figure is of the whole time."""


def main() -> int:
    """Run the scripts and print the table; 1 if anything failed, 130 if it was interrupted."""
    options = _options()
    scripts = list(dict.fromkeys(options.scripts)) or [*SCRIPTS]
    console = Console(width=None if sys.stdout.isatty() else 140, markup=False, emoji=False)
    progress = Progress(options.progress, " ".join([f"--share {options.share:g}", *scripts]), code_now())
    parts = sum(_number(script, options.share) for script in scripts)
    console.print(f"Parts to make: {parts}. Whenever you interrupt it, the same command goes on.")
    rows: dict[str, Row] = {}
    try:
        for script in scripts:
            for part in _parts(script, options.share, progress, console):
                rows[script] = rows[script] + part if script in rows else part
    except KeyboardInterrupt:
        console.print("Interrupted: the same command goes on. So far:", _table(rows, options.share), sep="\n")
        return 130
    console.print(_table(rows, options.share))
    if all(len(progress.parts(script)) == _number(script, options.share) for script in scripts):
        progress.end()
    else:
        console.print("The same command makes again what ended without a result.")
    return int(any(row.failures or not row.trials for row in rows.values()))


def _parts(script: str, share: float, progress: Progress, console: Console) -> Iterator[Row]:
    """Yield what came of each part of a row; one that ends without a result is the last."""
    console.print(f"{script}: {SCRIPTS[script]} …")
    finished, number = progress.parts(script), _number(script, share)
    if finished:
        made = sum(part.trials for part in finished)
        console.print(f"{script}: {len(finished)} of {number} parts, {made:,} trials, were made before")
    yield from finished
    for each in range(len(finished), number):
        started = time.monotonic()
        try:
            part = run_part(script, share / number, each)
        except PartError as error:
            console.print(f"{script}: ended without a result: {error}")
            yield Row(0, 1, f"ended without a result: {error}")
            return
        progress.add(script, part)
        told = f"{part.failures} of {part.trials:,} failed, {time.monotonic() - started:.0f} s"
        console.print(f"{script}, part {each + 1} of {number}: {told}")
        yield part


def _number(script: str, share: float) -> int:
    """Return in how many parts a row is made."""
    return 1 if script in WHOLE else max(1, round(share * PARTS))


def _table(rows: Mapping[str, Row], share: float) -> Table:
    table = Table(title=f"Faults, {100 * share:g}% of the long form")
    table.add_column("row")
    table.add_column("trials", justify="right")
    table.add_column("failures", justify="right")
    table.add_column("worst case")
    for script, row in rows.items():
        table.add_row(script, f"{row.trials:,}", f"{row.failures:,}", row.worst)
    return table


def _options() -> argparse.Namespace:
    listed = "\n".join(f"  {name:15}{what}" for name, what in SCRIPTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Break things many times; exit code 1 if anything is lost, doubled, leaked, late or frozen.\n"
        f"Interrupted, the same command goes on where it was. All rows take hours:\n\n{listed}",
        epilog="Examples: make soak SOAK='--share 0.05'          make soak SOAK='--share 0.1 leaks flood'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scripts", nargs="*", type=_script, metavar="ROW", help="default: all")
    parser.add_argument(
        "--share", type=_share, default=1.0, help="part of the long form's trials, above 0 up to 1; default: 1"
    )
    parser.add_argument(
        "--progress",
        type=Path,
        default=Path(".soak.json"),
        metavar="FILE",
        help="where finished parts are kept until the run has ended; default: .soak.json",
    )
    return parser.parse_args()


def _script(name: str) -> str:
    if name not in SCRIPTS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(SCRIPTS)}")
    return name


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0 and up to 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
