"""One knowledge base of a million rows on one machine: restart, memory, one question, and what is found."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.encoder import Model
from indexes.retrieval.dense import CANDIDATES
from indexes.retrieval.vector_index import VectorIndex
from indexes.storage.snapshot import passage_key
from tests.benchmarks import helpdesk, library, models, vectors
from tests.benchmarks.bench import Bench, median_of, shown
from tests.benchmarks.corpus import write_csv
from tests.benchmarks.forms import DEFAULT, settings_of
from tests.benchmarks.measuring import percentile
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_least, at_most
from tests.e5 import e5_path

ROWS, QUICK_ROWS, QUICK_BASES = 1_000_000, 600, 60
CACHE = Path.home() / ".cache" / "kotae"
NAME = "kb"
TURNS = 3
SAME = 1e-3
"""A cosine that is lower by less than this is as near: the vectors are float16."""


def measure(bench: Bench) -> Report:
    """Make the vectors unless they are kept, build and compare with the nearest of all, then restart in turns."""
    rows = bench.rows or bench.pick(ROWS, QUICK_ROWS)
    files = vectors_of(bench, rows)
    folder = bench.kept / f"million-{rows}"
    form = bench.forms_of(model_of(bench))[DEFAULT]
    common: JSON = {"folder": folder, "vectors": files, "form": form, "rows": rows}
    bench.listen()
    built = bench.child("million:build", common)
    asked = [row.question for row in list(helpdesk.rows(20_000, bases_of(bench)))[:: bench.pick(100, 1000)]]
    starting: JSON = {
        "folder": folder / "csv",
        "data": folder / "data",
        "form": form,
        "name": NAME,
        "question": asked[0],
        "questions": asked,
    }
    runs = []
    for _ in range(bench.pick(TURNS, 1)):
        bench.listen()
        runs.append(bench.child("starting:kotae", starting))
    return _report(rows, built, runs, vectors.manifest(files) or {})


def model_of(bench: Bench) -> Path:
    """The one that reads Japanese and English if it has been made (`python -m tests.e5`)."""
    return bench.minilm if bench.quick else e5_path() or bench.minilm


def bases_of(bench: Bench) -> int:
    return bench.pick(helpdesk.BASES, QUICK_BASES)


def vectors_of(bench: Bench, rows: int) -> Path:
    """Leave the files of `vectors` behind, in the user's cache: encoding takes a quarter of an hour."""
    model, bases = model_of(bench), min(bases_of(bench), rows)
    kept = bench.folder if bench.quick else bench.keep or CACHE
    source, files = kept / f"helpdesk-{model.name}", kept / f"helpdesk-{model.name}-{rows}"
    bench.child("encoded:encode", {"folder": source, "model": model, "bases": bases})
    wanted = {"rows": rows, "asked": bench.pick(400, 40), "pairs": bench.pick(1000, 30)}
    bench.child("vectors:make", {"folder": files, "encoded": source, "model": model, **wanted})
    return files


# -- In a process of its own -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeptDocuments:
    """A model whose documents have the vectors of a file; questions, and texts that the file lacks, are encoded."""

    model: Model
    keys: NDArray[np.uint64]
    """Of the texts, in the order of their vectors."""
    vectors: NDArray[np.float16]

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def revision(self) -> str:
        return self.model.revision

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.keys)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        encoded: NDArray[Any] = self.model.encode_queries(texts)
        return encoded

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return [1] * len(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        keys = np.fromiter(map(key_of, texts), np.uint64, len(texts))
        places = self._order[np.searchsorted(self.keys, keys, sorter=self._order).clip(max=len(self.keys) - 1)]
        if (self.keys[places] == keys).all():
            return np.asarray(self.vectors[places], dtype=np.float32)
        encoded: NDArray[Any] = self.model.encode_documents(texts)
        return encoded


def key_of(text: str) -> int:
    return int.from_bytes(passage_key(text)[:8], "little")


def build(arguments: JSON) -> JSON:
    """Write the CSV and build its knowledge base, with vectors that are there (child)."""
    folder = Path(arguments["folder"])
    kept, _, _ = vectors.load(Path(arguments["vectors"]))
    rows = list(helpdesk.rows(arguments["rows"], min(helpdesk.BASES, arguments["rows"])))
    write_csv(folder / "csv" / f"{NAME}.csv", rows)
    keys = np.fromiter((key_of(text) for row in rows for text in helpdesk.texts(row)), np.uint64, len(kept))
    del rows

    manager = models.WrappingManager(lambda model: KeptDocuments(model, keys, kept))
    settings = settings_of(arguments["form"], folder / "data")
    library.encoder_of(manager, settings)
    started, worked = time.perf_counter(), time.process_time()
    maintenance = library.opened(folder / "csv", manager, settings)
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - worked}
    dense = maintenance.registry.loaded[NAME].index.dense
    assert dense
    found = recall(dense, Path(arguments["vectors"]), 2 * CANDIDATES)
    maintenance.close()
    manager.close()
    newest = max((folder / "data").rglob("manifest.json"), key=lambda path: path.parent.name).parent
    files = {path.name: path.stat().st_size / 1e6 for path in newest.iterdir()}
    return {**took, "found": found, "files": files}


def recall(dense: VectorIndex, folder: Path, count: int) -> JSON:
    """Compare so many passages that a search by meaning proposes with the nearest of all vectors; times in ms."""
    _, questions, nearest = vectors.load(folder)
    shares, took = [], []
    for vector, best in zip(questions, nearest, strict=True):
        started = time.perf_counter()
        rows = dense.nearest(vector, count)
        took.append((time.perf_counter() - started) * 1000)
        near = np.concatenate([dense.of_row(int(row)) for row in rows]) @ vector
        shares.append(min(int((near >= best[0] - SAME).sum()), len(best)) / len(best))
    half = len(shares) // 2
    return {
        "real": float(np.mean(shares[:half])),
        "made": float(np.mean(shares[half:])),
        "p50": percentile(took, 0.5),
        "p95": percentile(took, 0.95),
        "kind": asdict(dense.kind),
    }


# -- Report ------------------------------------------------------------------------------------------------------------


def _report(rows: int, built: JSON, runs: list[JSON], made: JSON) -> Report:
    figures = {key: median_of(runs, key) for key in ("lexical", "ready", "p50", "anonymous", "memory")}
    found = built["found"]
    size = sum(built["files"].values())
    return Report(
        "million",
        f"{rows:,} rows in one knowledge base",
        [
            Table(
                made["encoded"]["model"],
                ["", ""],
                [
                    ["restart to first answer by words, s", shown(figures["lexical"], "{:.2f}")],
                    ["restart to dense-ready, s", shown(figures["ready"], "{:.2f}")],
                    ["anonymous memory, MB", shown(figures["anonymous"], "{:.0f}")],
                    ["resident memory, with what is mapped, MB", shown(figures["memory"], "{:.0f}")],
                    ["query p50, ms", shown(figures["p50"])],
                    ["of these, proposing by vectors, ms", shown(found["p50"])],
                    ["recall, questions of tests/sets", f"{found['real']:.3f}"],
                    ["recall, made questions", f"{found['made']:.3f}"],
                    ["build without encoding, s (CPU)", f"{built['seconds']:.0f} ({built['cpu']:.0f})"],
                    ["on disk, MB", f"{size:.0f}"],
                ],
            )
        ],
        [
            at_most(f"{rows:,} rows: restart to dense-ready", figures["ready"], 5, " s"),
            at_most(f"{rows:,} rows: anonymous memory", figures["anonymous"], 1000, " MB"),
            at_most(f"{rows:,} rows: query p50", figures["p50"], 50, " ms"),
            at_least(f"{rows:,} rows: recall", min(found["real"], found["made"]), 0.95, ""),
        ],
        [
            (
                f"{made['encoded']['count']:,} texts were really encoded; all others are at paraphrase distance:"
                f" cosines (5%, 25%, 50%, 75%, 95%) {made['cosines, made paraphrases']}, measured on tests/sets"
                f" {made['cosines, paraphrases of tests/sets']}."
            ),
            f"Searched with {found['kind']}; recall of the 10 nearest of {made['vectors']:,} vectors.",
        ],
        raw={"built": built, "runs": runs, "vectors": made},
    )
