"""One question to Kotae and to its peers: the same questions of the same knowledge base."""

import time
from pathlib import Path

from tests.benchmarks import library, models
from tests.benchmarks.bench import DEFAULT, EXACT, FAST, Bench, median_of, ratio, shown
from tests.benchmarks.corpus import questions, rows, write_csv
from tests.benchmarks.measuring import percentile
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_least, at_most

TURNS = 2
KOTAE = {"Kotae": DEFAULT, f"Kotae {FAST}": FAST, f"Kotae {EXACT}": EXACT}
PEERS = {
    "txtai": ("txtai", 0),
    "txtai, 1 thread": ("txtai", 1),
    "LangChain": ("langchain", 0),
    "LangChain, 1 thread": ("langchain", 1),
}
"""With torch's own number of threads, and with one."""


def measure(bench: Bench) -> Report:
    """Let all of them build, then ask in turns."""
    size, folder = bench.pick(10_000, 200), bench.kept / "compared"
    lines = list(rows(size))
    write_csv(folder / "kb.csv", lines)
    asked = [[question, row.answer] for question, row in questions(lines, bench.pick(100, 10))]
    common: JSON = {"folder": folder, "data": bench.kept / "compared-data", "model": bench.minilm, "questions": asked}
    prepare(bench, common)
    results: dict[str, list[JSON]] = {name: [] for name in (*KOTAE, *PEERS)}
    for _ in range(bench.pick(TURNS, 1)):
        bench.listen()
        for name, backend in KOTAE.items():
            results[name].append(_kotae(bench, common, backend))
        for name, (peer, threads) in PEERS.items():
            results[name].append(bench.peer(peer, {**common, "threads": threads}))
    return _report(results, size)


def prepare(bench: Bench, common: JSON) -> None:
    """Let everybody build, and keep, what they search."""
    for peer in ("txtai", "langchain"):
        bench.peer(peer, {**common, "questions": []})
    for backend, model in bench.backends.items():
        if model:
            arguments = {"folder": common["folder"], "data": bench.kept / f"compared-{backend}", "model": model}
            bench.child("preparing:snapshots", arguments)


def _kotae(bench: Bench, common: JSON, backend: str) -> JSON:
    model = bench.backends[backend]
    if model is None:
        return {"error": "not installed"}
    return bench.child("compared:ask", {**common, "model": model, "data": bench.kept / f"compared-{backend}"})


def ask(arguments: JSON) -> JSON:
    """Answer questions one after the other, as the peers do (child)."""
    manager = models.random_documents()
    maintenance = library.opened(Path(arguments["folder"]), Path(arguments["data"]), manager, str(arguments["model"]))
    took = []
    maintenance.registry.search("ready?", ["kb"])
    for question, _ in arguments["questions"]:
        started = time.perf_counter()
        maintenance.registry.search(question, ["kb"])
        took.append(time.perf_counter() - started)
    maintenance.close()
    manager.close()
    return {"p50": percentile(took, 0.5) * 1000}


def _report(results: dict[str, list[JSON]], size: int) -> Report:
    medians = {name: median_of(runs, "p50") for name, runs in results.items()}
    better = {
        peer: min(values)
        for peer in ("txtai", "LangChain")
        if (values := [value for name, value in medians.items() if name.startswith(peer) and value is not None])
    }
    fastest = min(better.values(), default=None)
    lines = [
        [
            name,
            next((run["error"] for run in runs if "error" in run), shown(medians[name])),
            shown(ratio(medians[name], medians["Kotae"]), "{:.2f}x"),
        ]
        for name, runs in results.items()
    ]
    return Report(
        "compared",
        f"One question beside the peers, {size:,} rows",
        [Table("Query p50, ms, all-MiniLM-L6-v2", ["", "ms", "of Kotae's"], lines)],
        [
            at_most("Query p50, of the fastest peer's", ratio(medians["Kotae"], fastest), 1.0),
            at_least(f"{FAST}: query p50, faster than the fastest peer", ratio(fastest, medians[f"Kotae {FAST}"]), 3),
        ],
        ["Kotae's figure includes normalizing, the search by words, and confidence, which the peers have not."],
        raw=results,
        bars={
            "One question: p50, ms": {name: value for name in KOTAE if (value := medians[name]) is not None} | better
        },
    )
