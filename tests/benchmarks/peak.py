"""The physical limit: how much of what the cores can multiply in float32 encoding reaches."""

import time
from pathlib import Path

import numpy as np

from tests.benchmarks import library, models
from tests.benchmarks.bench import Bench, median_of, ratio, shown
from tests.benchmarks.corpus import rows, write_csv
from tests.benchmarks.forms import DEFAULT, settings_of
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_least

TURNS = 3
SIDE = 1536


def measure(bench: Bench) -> Report:
    """Multiply matrices and encode in turns, in one process."""
    runs, data = [], bench.folder / "peak"
    few = write_csv(bench.folder / "few" / "few.csv", list(rows(3))).parent
    model, forms = (bench.minilm, bench.forms) if bench.quick else (bench.twin, bench.twins)
    bench.child("preparing:snapshots", {"folder": few, "data": data, "form": forms[DEFAULT]})
    common: JSON = {"model": model, "form": forms[DEFAULT], "data": data}
    for _ in range(bench.pick(TURNS, 1)):
        bench.listen()
        sizes = {"count": bench.pick(400, 20), "side": bench.pick(SIDE, 256)}
        runs.append(bench.child("peak:shares", {**common, **sizes}))
    peak, reached = median_of(runs, "peak"), median_of(runs, "reached")
    return Report(
        "peak",
        "The physical limit",
        [
            Table(
                "Thousand million float32 operations per second of CPU time; "
                + ("all-MiniLM-L6-v2" if bench.quick else "twin of the default model"),
                ["", "GFLOPS"],
                [
                    [f"numpy, matrices of {bench.pick(SIDE, 256):,} x {bench.pick(SIDE, 256):,}", shown(peak)],
                    ["encoding in the bulk", shown(reached)],
                ],
            )
        ],
        [at_least("Share of the cores' float32 peak that encoding in the bulk reaches", ratio(reached, peak), 0.6, "")],
        [f"{median_of(runs, 'tokens'):g} tokens; two operations per weight and token, and those of attention."],
        raw={"runs": runs},
    )


def shares(arguments: JSON) -> JSON:
    """Count operations per second of CPU time, of a plain product and of encoding (child)."""
    peak = _product(arguments["side"])
    texts = [f"{row.question}\n{row.answer}" for row in rows(arguments["count"], mixed=False)]
    lengths = _lengths(Path(arguments["model"]), texts)
    manager, _ = models.counting()
    data = Path(arguments["data"])
    encoder = library.encoder_of(manager, settings_of(arguments["form"], data))
    encoder.encode_documents(texts[:10])
    started = time.process_time()
    encoder.encode_documents(texts)
    seconds = time.process_time() - started
    manager.close()
    operations = sum(map(_operations, lengths))
    return {"peak": peak, "reached": operations / seconds / 1e9, "tokens": sum(lengths)}


def _product(side: int) -> float:
    """Return the best of ten products of two square matrices, in GFLOPS per core."""
    one, other = (np.random.default_rng(seed).standard_normal((side, side), dtype=np.float32) for seed in (1, 2))
    took = []
    for _ in range(10):
        started = time.process_time()
        one @ other
        took.append(time.process_time() - started)
    return 2 * side**3 / min(took) / 1e9


def _operations(tokens: int, layers: int = 12, width: int = 384, inner: int = 1536) -> float:
    """Return the operations that a text of so many tokens takes: four projections, two inner ones, attention."""
    weights = 4 * width**2 + 2 * width * inner
    return layers * tokens * (2 * weights + 4 * width * tokens)


def _lengths(folder: Path, texts: list[str]) -> list[int]:
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    return [len(each.ids) for each in tokenizer.encode_batch(texts)]
