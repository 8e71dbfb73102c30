"""One question to Kotae and to its peers: the same questions of the same knowledge base, and how well it is found."""

import time
from pathlib import Path

from tests.benchmarks import library, models
from tests.benchmarks.bench import Bench, median_of, ratio, shown
from tests.benchmarks.building import knowledge
from tests.benchmarks.corpus import questions, rows
from tests.benchmarks.forms import DEFAULT, INT8, TORCH, settings_of
from tests.benchmarks.measuring import percentile
from tests.benchmarks.peers import TOP
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_most

TURNS = 2
KOTAE = {"Kotae": DEFAULT, f"Kotae, {INT8}": INT8, f"Kotae, {TORCH}": TORCH}
WANTED = {"Kotae": 0.7, f"Kotae, {INT8}": 0.4}
"""At most so much of the time of the fastest peer."""
PEERS = {
    "txtai": ("txtai", 0),
    "txtai, 1 thread": ("txtai", 1),
    "LangChain": ("langchain", 0),
    "LangChain, 1 thread": ("langchain", 1),
}
"""With torch's own number of threads, and with one."""
BESIDE = {"fastembed + FAISS": ("fastembed", 0), "static vectors + FAISS": ("static", 0)}
"""These don't run the same weights through torch: they have no ratio."""


def measure(bench: Bench) -> Report:
    """Let all of them build, then ask in turns."""
    size = bench.pick(10_000, 60)
    folder = knowledge(bench, size)
    asked = [[question, row.answer] for question, row in questions(list(rows(size)), bench.pick(100, 10))]
    common: JSON = {"folder": folder, "data": bench.kept / "compared-data", "questions": asked}
    served = {**_served(bench, common), **{name: {**common, "data": bench.built(form)} for name, form in KOTAE.items()}}
    results: dict[str, list[JSON]] = {name: [] for name in (*KOTAE, *PEERS, *BESIDE)}
    for _ in range(bench.pick(TURNS, 1)):
        bench.listen()
        for name, runs in results.items():
            runs.append(_asked(bench, name, served[name]))
    return _report(results, size)


def _served(bench: Bench, common: JSON) -> dict[str, JSON]:
    """Let every peer build and keep what it searches; return what each is given."""
    folders = {"fastembed": bench.onnx, "static": bench.tokens}
    served = {}
    for name, (peer, threads) in {**PEERS, **BESIDE}.items():
        served[name] = {**common, "model": folders.get(peer, bench.minilm), "threads": threads}
        bench.peer(peer, {**served[name], "questions": []})
    return served


def _asked(bench: Bench, name: str, arguments: JSON) -> JSON:
    if name not in KOTAE:
        return bench.peer({**PEERS, **BESIDE}[name][0], arguments)
    form = bench.forms[KOTAE[name]]
    return bench.child("compared:ask", {**arguments, "form": form}) if form else {"error": "not yet"}


def ask(arguments: JSON) -> JSON:
    """Answer questions one after the other, as the peers do (child)."""
    manager, _ = models.counting()
    settings = settings_of(arguments["form"], arguments["data"])
    maintenance = library.opened(Path(arguments["folder"]), manager, settings)
    took, places = [], []
    maintenance.registry.search("ready?", ["kb"])
    for question, answer in arguments["questions"]:
        started = time.perf_counter()
        hits = maintenance.registry.search(question, ["kb"], TOP).hits
        took.append(time.perf_counter() - started)
        found = [hit.record.answer for hit in hits]
        places.append(1 / (found.index(answer) + 1) if answer in found else 0.0)
    maintenance.close()
    manager.close()
    return {"p50": percentile(took, 0.5) * 1000, "mrr": sum(places) / len(places)}


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
            next((str(run["error"]) for run in runs if "error" in run), shown(medians[name])),
            shown(None if name in BESIDE else ratio(medians[name], fastest), "{:.2f}x"),
            shown(median_of(runs, "mrr"), "{:.3f}"),
        ]
        for name, runs in results.items()
    ]
    return Report(
        "compared",
        f"One question beside the peers, {size:,} rows",
        [Table("Query p50, all-MiniLM-L6-v2", ["", "ms", "of the fastest peer's", f"MRR@{TOP}"], lines)],
        [
            at_most(f"{name}: query p50, of the fastest peer's", ratio(medians[name], fastest), most)
            for name, most in WANTED.items()
        ],
        ["Kotae's figure includes normalizing, the search by words, and confidence, which the peers have not."],
        raw=results,
        bars={
            "One question: p50, ms": {name: value for name in KOTAE if (value := medians[name]) is not None} | better
        },
    )
