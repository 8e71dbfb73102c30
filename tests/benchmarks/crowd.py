"""Many people asking at once: Kotae's worker beside threads that call one SentenceTransformer; then during a reload."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from indexes.maintenance import Maintenance
from indexes.registry import Registry
from indexes.text import normalize
from tests.benchmarks import library, models
from tests.benchmarks.bench import Bench, median_of, ratio, shown
from tests.benchmarks.corpus import Row, questions, rows, write_csv
from tests.benchmarks.forms import DEFAULT, settings_of
from tests.benchmarks.measuring import percentile
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, Target, at_least, at_most

WAYS = {
    "encoding": "Kotae, encoding",
    "kotae": "Kotae, the whole search",
    "unguarded": "unguarded encode",
    "unguarded-1": "unguarded, 1 thread",
}
TURNS = 2
SAME = 0.999
"""Cosine of a vector with the one it should be, below which it is wrong."""
ASKERS = (1, 4, 16)
PAUSE = 0.05
"""Seconds that somebody rests between two questions while the bot reloads: nobody asks without a pause."""


@dataclass(frozen=True)
class Asked:
    """One question asked by one of many."""

    seconds: float
    failed: bool
    wrong: bool


def measure(bench: Bench) -> Report:
    """Measure the crowd in every way in turns, then the reload."""
    crowds = {16: bench.pick(12, 3), 64: bench.pick(4, 2)}
    results: dict[int, dict[str, list[JSON]]] = {people: {way: [] for way in WAYS} for people in crowds}
    arguments: JSON = {
        "model": bench.twin,
        "form": bench.twins[DEFAULT],
        "size": bench.pick(1000, 100),
        "folder": bench.folder / "crowd",
    }
    for people, turns in ((16, bench.pick(TURNS, 1)), (64, 1)):
        for _ in range(turns):
            bench.listen()
            for way, runs in results[people].items():
                asking = {**arguments, "way": way, "people": people, "each": crowds[people]}
                runs.append(bench.child("crowd:ask_at_once", asking))
    bench.listen()
    reload = bench.child(
        "crowd:ask_while_reloading",
        {
            "form": bench.twins[DEFAULT],
            "folder": bench.folder / "busy",
            "seconds": bench.pick(10, 4),
            "size": bench.pick(400, 60),
            "changed": bench.pick(200, 30),
        },
    )
    return _report(results, reload)


# -- At once -----------------------------------------------------------------------------------------------------------


def ask_at_once(arguments: JSON) -> JSON:
    """Let so many threads ask so many questions each, all from the same moment (child)."""
    people, each, way = arguments["people"], arguments["each"], arguments["way"]
    lines = list(rows(arguments["size"], mixed=False))
    asked = [question for question, _ in questions(lines, people * each)]
    ask, close = _kotae(arguments, lines) if way in {"encoding", "kotae"} else _unguarded(arguments, way)
    ask("one to warm up")
    took, outcomes, seconds = _crowd(ask, asked, people)
    close()
    alone = models.counting()[0]
    right = [alone.get(str(arguments["model"])).encode_query(normalize(question)) for question in asked]
    alone.close()
    wrong = sum(_differs(outcome, expected) for outcome, expected in zip(outcomes, right, strict=True))
    failed = sum(isinstance(outcome, Exception) for outcome in outcomes)
    good = [one for one, outcome in zip(took, outcomes, strict=True) if not isinstance(outcome, Exception)]
    return {
        "throughput": len(good) / seconds,
        "p50": percentile(good, 0.5) * 1000,
        "p99": percentile(good, 0.99) * 1000,
        "failed": failed,
        "wrong": wrong - failed,
    }


def _kotae(arguments: JSON, lines: Sequence[Row]) -> tuple[Callable[[str], Any], Callable[[], None]]:
    folder = Path(arguments["folder"])
    write_csv(folder / "csv" / "kb.csv", lines)
    manager, settings = models.random_documents(), settings_of(arguments["form"], folder / "data")
    maintenance = library.opened(folder / "csv", manager, settings)
    encoder = library.encoder_of(manager, settings)

    def ask(question: str) -> Any:
        if arguments["way"] == "encoding":
            return encoder.encode_query(normalize(question))
        return maintenance.registry.search(question, ["kb"]).question.vector

    def close() -> None:
        maintenance.close()
        manager.close()

    return ask, close


def _unguarded(arguments: JSON, way: str) -> tuple[Callable[[str], Any], Callable[[], None]]:
    import torch  # noqa: PLC0415  takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    if way.endswith("-1"):
        torch.set_num_threads(1)
    model = SentenceTransformer(str(arguments["model"]), device="cpu", local_files_only=True)

    def ask(question: str) -> Any:
        return model.encode([normalize(question)], normalize_embeddings=True, show_progress_bar=False)[0]

    return ask, lambda: None


def _crowd(ask: Callable[[str], Any], asked: Sequence[str], people: int) -> tuple[list[float], list[Any], float]:
    """Ask everything; return the seconds of each question, what came of it, and the seconds in all."""
    took: list[float] = [0.0] * len(asked)
    outcomes: list[Any] = [None] * len(asked)
    start = threading.Barrier(people + 1)

    def person(first: int) -> None:
        start.wait()
        for number in range(first, len(asked), people):
            began = time.perf_counter()
            try:
                outcomes[number] = ask(asked[number])
            except Exception as error:  # noqa: BLE001 - that it failed is a result
                outcomes[number] = error
            took[number] = time.perf_counter() - began

    threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return took, outcomes, time.perf_counter() - began


def _differs(outcome: Any, expected: Any) -> bool:
    return isinstance(outcome, Exception) or float(np.dot(outcome, expected)) < SAME


# -- During a reload ---------------------------------------------------------------------------------------------------


def ask_while_reloading(arguments: JSON) -> JSON:
    """Compare a quiet bot with one that reloads a file again and again, hundreds of changed rows each time (child)."""
    folder = Path(arguments["folder"])
    lines = list(rows(arguments["size"], mixed=False))
    changed = arguments["changed"]
    path = write_csv(folder / "csv" / "kb.csv", lines)
    manager, work = models.counting()
    maintenance = library.opened(folder / "csv", manager, settings_of(arguments["form"], folder / "data"))
    kept = lines[changed:]
    found: dict[str, JSON] = {}
    turns = count()
    for people in ASKERS:
        quiet = _ask_for(arguments["seconds"], people, maintenance.registry, kept, turns)
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            reloading = pool.submit(_reload_again_and_again, maintenance, path, lines, changed, stop)
            busy = _ask_for(arguments["seconds"], people, maintenance.registry, kept, turns)
            stop.set()
            reloads = reloading.result()
        found[str(people)] = {"quiet": _told(quiet), "busy": _told(busy), "reloads": reloads}
    maintenance.close()
    manager.close()
    return {"found": found, "documents": work.documents}


def _reload_again_and_again(
    maintenance: Maintenance, path: Path, lines: Sequence[Row], changed: int, stop: threading.Event
) -> JSON:
    """Reload until told to stop; whatever is running then is finished."""
    encoded, turns = 0, 0
    began = time.perf_counter()
    while not stop.is_set():
        stamp = f" [{time.time_ns()}]"
        fresh = [replace(row, answer=row.answer + stamp) for row in lines[:changed]]
        write_csv(path, [*fresh, *lines[changed:]])
        report = _until(maintenance.reload("kb"), stop)
        if report is None:
            break
        encoded += report.encoded
        turns += 1
    return {"reloads": turns, "encoded": encoded, "seconds": time.perf_counter() - began}


def _until(future: Future[Any], stop: threading.Event) -> Any:
    while not future.done():
        if stop.is_set() and future.cancel():
            return None
        time.sleep(0.01)
    return future.result()


def _ask_for(
    seconds: float, people: int, registry: Registry, lines: Sequence[Row], turns: Iterator[int]
) -> list[Asked]:
    """Let so many people ask for so long, each question for one row, which must come first; `turns` numbers them."""
    until = time.perf_counter() + seconds

    def person(_: int) -> list[Asked]:
        outcomes = []
        while time.perf_counter() < until:
            turn = next(turns)
            outcomes.append(_ask(registry, lines[turn % len(lines)], turn))
            time.sleep(PAUSE)
        return outcomes

    with ThreadPoolExecutor(people) as pool:
        return [one for outcomes in pool.map(person, range(people)) for one in outcomes]


def _ask(registry: Registry, row: Row, turn: int) -> Asked:
    """Ask for a row in its own words and a number, since the vectors of questions asked before are remembered."""
    began = time.perf_counter()
    try:
        answer = registry.search(f"{row.question} ({turn})", ["kb"])
    except Exception:  # noqa: BLE001 - that it failed is a result
        return Asked(time.perf_counter() - began, failed=True, wrong=False)
    right = answer.encoder is not None and [hit.record.id for hit in answer.hits[:1]] == [row.id]
    return Asked(time.perf_counter() - began, failed=False, wrong=not right)


def _told(outcomes: Sequence[Asked]) -> JSON:
    seconds = [one.seconds for one in outcomes]
    return {
        "questions": len(outcomes),
        "p50": percentile(seconds, 0.5) * 1000,
        "p95": percentile(seconds, 0.95) * 1000,
        "failed": sum(one.failed for one in outcomes),
        "wrong": sum(one.wrong for one in outcomes),
    }


# -- Report ------------------------------------------------------------------------------------------------------------


def _report(results: dict[int, dict[str, list[JSON]]], reload: JSON) -> Report:
    tables = [_crowd_table(people, ways) for people, ways in results.items()]
    tables.append(_reload_table(reload["found"]))
    few = results[16]
    rates, tails = ({way: median_of(runs, key) for way, runs in few.items()} for key in ("throughput", "p99"))
    found = reload["found"]
    bad = sum(one["busy"]["failed"] + one["busy"]["wrong"] for one in found.values())
    return Report(
        "crowd",
        "Many at once",
        tables,
        [
            *(
                target
                for way in ("encoding", "kotae")
                for target in (
                    at_least(
                        f"16 at once: {WAYS[way]}: throughput, of unguarded", ratio(rates[way], rates["unguarded"]), 3.5
                    ),
                    at_most(f"16 at once: {WAYS[way]}: p99, of unguarded", ratio(tails[way], tails["unguarded"]), 0.3),
                )
            ),
            *(
                at_most(
                    f"Searching while reloading, {people} asking: p95, of the quiet bot's",
                    ratio(one["busy"]["p95"], one["quiet"]["p95"]),
                    2,
                )
                for people, one in found.items()
            ),
            Target("Failed or wrong answers while reloading", "none", f"{bad}", bad == 0),
        ],
        [f"A vector is wrong when its cosine with that of the same question asked alone is below {SAME}."],
        raw={"at once": results, "reload": reload},
        bars={"16 at once: questions/s": {WAYS[way]: rate for way, rate in rates.items() if rate is not None}},
    )


def _crowd_table(people: int, ways: dict[str, list[JSON]]) -> Table:
    base = median_of(ways["unguarded"], "throughput")
    lines = [
        [
            WAYS[way],
            shown(median_of(runs, "throughput")),
            shown(ratio(median_of(runs, "throughput"), base), "{:.2f}x"),
            shown(median_of(runs, "p50"), "{:.0f}"),
            shown(median_of(runs, "p99"), "{:.0f}"),
            str(sum(run["failed"] for run in runs)),
            str(sum(run["wrong"] for run in runs)),
        ]
        for way, runs in ways.items()
    ]
    header = ["", "questions/s", "of unguarded", "p50, ms", "p99, ms", "failed", "wrong vectors"]
    return Table(f"{people} people at once; twin of the default model", header, lines)


def _reload_table(found: dict[str, JSON]) -> Table:
    lines = []
    for people, one in found.items():
        quiet, busy = one["quiet"], one["busy"]
        lines.append(
            [
                f"{people} asking",
                f"{quiet['p50']:.0f} / {quiet['p95']:.0f}",
                f"{busy['p50']:.0f} / {busy['p95']:.0f}",
                f"{busy['p95'] / quiet['p95']:.2f}x",
                f"{quiet['failed']} / {quiet['wrong']} of {quiet['questions']}",
                f"{busy['failed']} / {busy['wrong']} of {busy['questions']}",
                f"{one['reloads']['encoded'] / one['reloads']['seconds']:.0f}",
            ]
        )
    header = [
        *("", "quiet, p50 / p95 ms", "reloading, p50 / p95 ms", "p95 ratio", "failed / wrong, quiet"),
        *("failed / wrong, reloading", "texts encoded/s"),
    ]
    return Table(f"Asking during a reload (each pauses {PAUSE * 1000:.0f} ms); twin", header, lines)
