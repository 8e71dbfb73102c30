"""A reload after one changed answer, and after a hundred, beside the full build of the same knowledge base."""

import time
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.bench import Bench, median_of, ratio, shown
from tests.benchmarks.corpus import Row, rows, write_csv
from tests.benchmarks.forms import DEFAULT, settings_of
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, Target, at_least

TIMES = 5
MANY = 100


def measure(bench: Bench) -> Report:
    """Build once, then reload again and again."""
    size = bench.pick(10_000, 100)
    bench.listen()
    sizes = {"size": size, "times": bench.pick(TIMES, 1)}
    arguments = {"folder": bench.folder / "reload", "form": bench.forms[DEFAULT], **sizes}
    result = bench.child("reload:build_and_reload", arguments)
    bench.listen()
    one, many, same = result["one"], result["many"], result["same"]
    build = float(result["build"]["seconds"])
    rate = result["build"]["encoded"] / build

    def line(name: str, runs: list[JSON]) -> list[str]:
        seconds = median_of(runs, "seconds")
        encoded, reused = (shown(median_of(runs, key), "{:.0f}") for key in ("encoded", "reused"))
        return [name, shown(seconds, "{:.2f}"), encoded, reused, shown(ratio(build, seconds), "{:.0f}x")]

    exact = {run["encoded"] for run in one} == {1}
    return Report(
        "reload",
        f"Reload of {size:,} rows",
        [
            Table(
                "all-MiniLM-L6-v2",
                ["", "seconds", "texts encoded", "re-used", "faster than the build"],
                [
                    line("first build", [result["build"]]),
                    line("reload, nothing changed", same),
                    line("reload, 1 answer changed", one),
                    line(f"reload, {min(MANY, size)} answers changed", many),
                ],
            )
        ],
        [
            at_least(
                "Reload after one changed row, faster than a full build", ratio(build, median_of(one, "seconds")), 100
            ),
            Target("Texts encoded for it", "exactly 1", f"{median_of(one, 'encoded'):g}", exact),
        ],
        [f"The build encodes {rate:.0f} texts a second, two a row: the question alone, and with its answer."],
        raw=result,
    )


def build_and_reload(arguments: JSON) -> JSON:
    """Build a knowledge base and reload it, with more and more of it changed (child)."""
    from tests.benchmarks import library, models  # noqa: PLC0415

    folder = Path(arguments["folder"])
    path, lines = folder / "csv" / "kb.csv", list(rows(arguments["size"]))
    write_csv(path, lines)
    manager, work = models.counting()
    encoder = library.encoder_of(manager, settings_of(arguments["form"], folder / "data"))
    maintenance = library.maintenance_of(path.parent, folder / "data")
    before = work.documents
    started = time.perf_counter()
    maintenance.load().result()
    maintenance.use_encoder(encoder).result()
    build = {"seconds": time.perf_counter() - started, "encoded": work.documents - before}

    def reloaded(changed: int, turn: int) -> JSON:
        lines[:changed] = [_changed(row, turn) for row in lines[:changed]]
        write_csv(path, lines)
        started = time.perf_counter()
        report = maintenance.reload("kb").result()
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "encoded": report.encoded, "reused": report.reused, "changed": report.changed}

    runs = {
        name: [reloaded(changed, turn) for turn in range(arguments["times"])]
        for name, changed in (("same", 0), ("one", 1), ("many", MANY))
    }
    maintenance.close()
    manager.close()
    return {"build": build, **runs}


def _changed(row: Row, turn: int) -> Row:
    return replace(row, answer=f"{row.answer.partition(' [')[0]} [{turn}]")
