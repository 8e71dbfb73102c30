"""``python -m tests.benchmarks [NAMES…] [--quick] [--json FILE]``."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import ROOT, ChildError
from tests.benchmarks.report import Report, as_markdown, as_rich, show, targets_table

BENCHMARKS = {
    "restart": "restart with ten unchanged knowledge bases, beside the naive way and two peers",
    "scaling": "restart with 100,000 rows beside 100",
    "building": "first build of 10,000 rows, beside the naive way",
    "reload": "reload of one changed row of 10,000, beside the full build",
    "compared": "one question, beside the peers",
    "latency": "one question: its parts, and through the real app",
    "crowd": "16 and 64 people at once, and asking during a reload",
    "memory": "resident memory by knowledge bases and backend",
    "peak": "share of the cores' float32 peak that encoding reaches",
    "million": "one knowledge base of 1,000,000 rows, with vectors at the distances of real ones",
    "million_pgvector": "the same in PostgreSQL with pgvector, with one changed row and a second replica",
    "growth": "everything by the number of rows, with a picture",
}
PEERS = ROOT / ".venv-bench" / "bin" / "python"
FASTEMBED = ROOT / ".venv-bench-fastembed" / "bin" / "python"


def main() -> int:
    """Run the named benchmarks, by default all, one after the other."""
    options = _options()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("benchmarks").setLevel(logging.INFO)
    console = Console(width=None if sys.stdout.isatty() else 140)
    reports: list[Report] = []
    found: list[dict[str, Any]] = []
    failed = False
    with Bench(options.quick, options.rows, options.peers, options.fastembed, options.pictures, options.keep) as bench:
        for name in options.names or BENCHMARKS:
            started, bench.noises = time.perf_counter(), []
            measure: Callable[[Bench], Report] = import_module(f"tests.benchmarks.{name}").measure
            try:
                report = measure(bench)
            except (ChildError, TimeoutError) as error:
                console.print(f"{name} could not be measured: {escape(str(error))}")
                failed = True
                continue
            show(report, console)
            console.print(f"  Noise: {'; '.join(str(each) for each in bench.noises)}")
            console.print(f"  Took {time.perf_counter() - started:.0f} s\n")
            reports.append(report)
            found.append({**report.as_dict(), "noise": [each.as_dict() for each in bench.noises]})
            if options.json:  # after each one: the next may take minutes
                options.json.write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")
            if options.markdown:
                with options.markdown.open("a", encoding="utf-8") as file:
                    file.write(as_markdown(report) + "\n")
        _draw(bench, {report.name: report for report in reports})
    if targets := [target for report in reports for target in report.targets]:
        console.print(as_rich(targets_table(targets)))
    return int(failed)


def _draw(bench: Bench, reports: dict[str, Report]) -> None:
    """Draw what was measured beside others, if all of it was."""
    if bench.pictures and {"restart", "compared", "crowd"} <= reports.keys():
        panels = {
            title: figures for name in ("restart", "compared", "crowd") for title, figures in reports[name].bars.items()
        }
        bench.child("plot:beside", {"panels": panels, "file": bench.pictures / "performance-beside.png"})


def _options() -> argparse.Namespace:
    listed = "\n".join(f"  {name:17}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=f"Measure Kotae beside what one would use instead. Nothing is asserted.\n\n{listed}",
        epilog="Example: python -m tests.benchmarks restart crowd --json found.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help="default: all")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, to see that it works; the ratios mean nothing"
    )
    parser.add_argument("--rows", type=int, metavar="N", help="let `million` have this number of rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="append the tables")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw into this folder")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep models and what peers built, to be used again"
    )
    parser.add_argument("--peers", type=Path, default=PEERS, metavar="PYTHON", help="a Python that has the peers")
    parser.add_argument(
        "--fastembed", type=Path, default=FASTEMBED, metavar="PYTHON", help="a Python that has fastembed and FAISS"
    )
    return parser.parse_args()


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(BENCHMARKS)}")
    return text


if __name__ == "__main__":
    sys.exit(main())
