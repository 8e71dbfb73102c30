"""How building, restarting, searching, memory and disk grow with the rows of one knowledge base."""

import time
from pathlib import Path

from tests.benchmarks import library, models
from tests.benchmarks.bench import Bench
from tests.benchmarks.corpus import questions, rows, write_csv
from tests.benchmarks.forms import CHOSEN, DEFAULT, TORCH, settings_of
from tests.benchmarks.measuring import Spread, megabytes
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table

SIZES = (1000, 3000, 10_000, 30_000, 100_000)
SAMPLE = 200
RANDOM: JSON = {"model_name": "random", **CHOSEN[TORCH]}


def measure(bench: Bench) -> Report:
    """Build one knowledge base of each size with random vectors, restart, and ask; then draw it."""
    sizes = SIZES if not bench.quick else (200, 500)
    sample: JSON = {"data": bench.folder / "growth", "count": bench.pick(SAMPLE, 20)}
    texts = bench.child("growth:encoding_rate", {**sample, "form": bench.forms[DEFAULT], "mixed": True})
    sample["data"] = bench.folder / "growth-twin"
    twin = bench.child("growth:encoding_rate", {**sample, "form": bench.twins[DEFAULT], "mixed": False})
    found = []
    for size in sizes:
        bench.listen()
        arguments: JSON = {"folder": bench.folder / f"growth-{size}", "size": size, "count": bench.pick(200, 20)}
        built = bench.child("growth:build", arguments)
        found.append({"rows": size, **built, **bench.child("growth:restart", arguments)})
    raw = {"sizes": found, "texts_per_second": {"all-MiniLM-L6-v2": texts["rate"], "twin": twin["rate"]}}
    if bench.pictures:
        bench.child("plot:growth", {"raw": raw, "file": bench.pictures / "performance-growth.png"})
    lines = [
        [
            f"{one['rows']:,}",
            f"{one['build']:.1f}",
            f"{2 * one['rows'] / texts['rate'] / 60:.1f} / {2 * one['rows'] / twin['rate'] / 60:.1f}",
            f"{one['lexical']:.2f}",
            f"{one['restart']:.2f}",
            f"{one['disk']:.1f}",
            f"{one['p50']:.1f}",
            f"{one['memory'] - one['empty']:.0f}",
        ]
        for one in found
    ]
    header = [
        *("rows", "build without encoding, s", "encoding, min (MiniLM / twin)", "restart to lexical, s"),
        *("restart to dense, s", "snapshot, MB", "search p50, ms", "memory, MB"),
    ]
    return Report(
        "growth",
        "How it grows with rows",
        [Table("One knowledge base; without loading and running the model", header, lines)],
        notes=[
            (
                f"Encoding: two texts a row at the rate measured, {texts['rate']:.0f} a second with all-MiniLM-L6-v2"
                f" and {twin['rate']:.0f} with the twin of the default model, on one thread."
            )
        ],
        raw=raw,
    )


def encoding_rate(arguments: JSON) -> JSON:
    """Encode a sample of what a row costs: its question, and its question with the answer (child)."""
    lines = list(rows(arguments["count"] // 2, mixed=arguments["mixed"]))
    texts = [text for row in lines for text in (row.question, f"{row.question}\n{row.answer}")]
    manager, _ = models.counting()
    encoder = library.encoder_of(manager, settings_of(arguments["form"], arguments["data"]))
    started = time.perf_counter()
    encoder.encode_documents(texts)
    seconds = time.perf_counter() - started
    manager.close()
    return {"rate": len(texts) / seconds}


def build(arguments: JSON) -> JSON:
    """Build and keep a knowledge base from nothing (child)."""
    folder = Path(arguments["folder"])
    write_csv(folder / "csv" / "kb.csv", list(rows(arguments["size"])))
    manager = models.random_manager()
    manager.get("random")
    started = time.perf_counter()
    maintenance = library.opened(folder / "csv", manager, settings_of(RANDOM, folder / "data"))
    seconds = time.perf_counter() - started
    maintenance.close()
    manager.close()
    snapshots = list((folder / "data").rglob("vectors.faiss"))
    newest = max(snapshots, key=lambda path: path.parent.name).parent
    return {"build": seconds, "disk": sum(path.stat().st_size for path in newest.iterdir()) / 1e6}


def restart(arguments: JSON) -> JSON:
    """Open it again and ask (child)."""
    from indexes.search import FaissSearch  # noqa: F401, PLC0415 - what is imported anyway is no row's memory

    folder = Path(arguments["folder"])
    manager = models.random_manager()
    encoder = manager.get("random")
    asked = [question for question, _ in questions(list(rows(1000)), arguments["count"])]
    empty = megabytes()
    maintenance = library.maintenance_of(folder / "csv", folder / "data")
    started = time.perf_counter()
    maintenance.load().result()
    lexical = time.perf_counter() - started
    maintenance.use_encoder(encoder).result()
    ready = time.perf_counter() - started
    took = [maintenance.registry.search(question, ["kb"]).seconds for question in asked]
    memory = megabytes()
    maintenance.close()
    manager.close()
    return {"lexical": lexical, "restart": ready, **vars(Spread.of(took)), "memory": memory, "empty": empty}
