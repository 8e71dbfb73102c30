"""A restart with many rows beside one with few: what is read at a start should not depend on them."""

from tests.benchmarks.bench import Bench, median_of, shown
from tests.benchmarks.corpus import questions, rows, write_csv
from tests.benchmarks.forms import DEFAULT
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, Target, at_most

FEW, MANY = 100, 100_000
TURNS = 3
WANTED = {"lexical": ("first answer by words", 1.0), "ready": ("dense-ready", 1.5)}
"""At most so many seconds later than with few rows."""


def measure(bench: Bench) -> Report:
    """Build both, then restart in turns; the documents have random vectors, which are read like any."""
    runs: dict[int, list[JSON]] = {FEW: [], bench.pick(MANY, 2 * FEW): []}
    for size in runs:
        write_csv(bench.folder / f"scaling-{size}" / "kb.csv", list(rows(size)))
        bench.child("preparing:snapshots", _start(bench, size))
    for _ in range(bench.pick(TURNS, 1)):
        bench.listen()
        for size, found in runs.items():
            found.append(bench.child("starting:kotae", _start(bench, size)))
    header = ["rows", "first answer by words, s", "dense-ready, s", "anonymous memory, MB"]
    lines = [
        [f"{size:,}", *(shown(median_of(found, key), "{:.2f}") for key in WANTED), shown(median_of(found, "anonymous"))]
        for size, found in runs.items()
    ]
    return Report(
        "scaling",
        f"Restart with {max(runs):,} rows beside {FEW}",
        [Table("Seconds from the process's start, all-MiniLM-L6-v2, one knowledge base", header, lines)],
        [_target(runs, key) for key in WANTED],
        raw={str(size): found for size, found in runs.items()},
    )


def _start(bench: Bench, size: int) -> JSON:
    folder = bench.folder / f"scaling-{size}"
    question = questions(list(rows(FEW)), 1)[0][0]
    form = bench.forms[DEFAULT]
    return {"folder": folder, "data": folder / "data", "form": form, "name": "kb", "question": question}


def _target(runs: dict[int, list[JSON]], key: str) -> Target:
    few, many = median_of(runs[FEW], key), median_of(runs[max(runs)], key)
    what, most = WANTED[key]
    later = None if few is None or many is None else many - few
    return at_most(f"{max(runs):,} rows: {what}, later than with {FEW}", later, most, " s")
