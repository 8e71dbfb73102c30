"""The first build of a knowledge base, beside the naive way, which encodes the questions alone."""

import shutil
import time
from pathlib import Path

from indexes.encoder.recipe import read_recipe
from tests.benchmarks import library, models
from tests.benchmarks.bench import Bench, median_of, ratio, shown
from tests.benchmarks.corpus import rows, write_csv
from tests.benchmarks.forms import DEFAULT, INT8, settings_of
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, Target, at_most

FORMS = {"Kotae": DEFAULT, f"Kotae, {INT8}": INT8}
WANTED = {"Kotae": (2.5, 0.75), f"Kotae, {INT8}": (1.5, 0.45)}
"""At most so many times as long as the naive way: everything, and until questions are found by meaning."""


def measure(bench: Bench) -> Report:
    """Let both build in turns."""
    size = bench.pick(10_000, 60)
    common: JSON = {"folder": knowledge(bench, size), "model": bench.minilm, "questions": []}
    tokens = bench.child("building:tokens", {**common, "tokenizer": bench.minilm / "tokenizer.json"})
    results: dict[str, list[JSON]] = {name: [] for name in ("naive", "bare", *FORMS)}
    bench.listen()
    for name in ("naive", "bare"):
        results[name].append(bench.peer(name, {**common, "data": bench.folder / "first"}))
    for name, form in FORMS.items():
        results[name].append(_kotae(bench, common, form))
    bench.listen()
    return _report(size, tokens, results)


def knowledge(bench: Bench, size: int) -> Path:
    """Write the knowledge base that is built here and searched later; return its folder."""
    return write_csv(bench.kept / "compared" / "kb.csv", list(rows(size))).parent


def _kotae(bench: Bench, common: JSON, name: str) -> JSON:
    """Build with a model that is ready; on the very first start torch builds, see `reload`."""
    form = bench.forms[name]
    if form is None:
        return {"error": "not yet"}
    data = bench.built(name)
    shutil.rmtree(data, ignore_errors=True)
    few = write_csv(bench.folder / "few" / "few.csv", list(rows(3))).parent
    bench.child("preparing:snapshots", {"folder": few, "data": data, "form": form})
    return bench.child("building:kotae", {**common, "form": form, "data": data})


def kotae(arguments: JSON) -> JSON:
    """Start as the bot does, with nothing but CSVs, until everything is found by meaning (child)."""
    manager, _ = models.counting()
    maintenance = library.maintenance_of(Path(arguments["folder"]), Path(arguments["data"]))
    watch = library.start(maintenance, manager, settings_of(arguments["form"], arguments["data"]))
    library.wait_lexical(maintenance.registry)
    library.wait_dense(maintenance.registry, watch)
    questions = time.monotonic() - arguments["started"]
    library.wait_idle(maintenance)
    ready = time.monotonic() - arguments["started"]
    found = {"questions": questions, "ready": ready, "cpu": time.process_time()}
    watch.close()
    maintenance.close()
    manager.close()
    return found


def tokens(arguments: JSON) -> JSON:
    """Count the tokens of the questions alone, and of all texts that Kotae encodes (child)."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    maintenance = library.maintenance_of(Path(arguments["folder"]), Path(arguments["folder"]) / "none")
    maintenance.load().result()
    index = maintenance.registry.loaded["kb"].index
    texts = [text for row in range(len(index)) for text in index.passages(row)]
    asked = [record.question for record in index.records]
    maintenance.close()
    tokenizer = Tokenizer.from_file(str(arguments["tokenizer"]))
    tokenizer.enable_truncation(read_recipe(Path(arguments["tokenizer"]).parent, tokenizer).longest)
    tokenizer.no_padding()

    def count(these: list[str]) -> int:
        return sum(len(each.ids) for each in tokenizer.encode_batch(these))

    return {"questions": count(asked), "everything": count(texts)}


def _report(size: int, tokens: JSON, results: dict[str, list[JSON]]) -> Report:
    ready, found, cpu = (
        {name: median_of(runs, key) for name, runs in results.items()} for key in ("ready", "questions", "cpu")
    )
    counted = {"naive": tokens["questions"], **dict.fromkeys(FORMS, tokens["everything"])}
    lines = []
    for name, count in counted.items():
        used, bare = cpu[name], cpu["bare"]
        lines.append(
            [
                name,
                shown(found[name] if name in FORMS else ready[name]),
                str(results[name][0].get("error", "")) or shown(ready[name]),
                shown(ratio(ready[name], ready["naive"]), "{:.2f}x"),
                f"{count:,}",
                shown(None if used is None or bare is None else count / (used - bare), "{:.0f}"),
            ]
        )
    header = ["", "questions, s", "everything, s", "of naive", "tokens", "tokens per CPU second"]
    return Report(
        "building",
        f"First build of {size:,} rows",
        [Table("Seconds from the process's start, all-MiniLM-L6-v2", header, lines)],
        [target for name in FORMS for target in _targets(name, ready, found)],
        ["The naive way encodes the questions alone. CPU is without that of the bare import and load."],
        raw={"tokens": tokens, "runs": results},
    )


def _targets(name: str, ready: dict[str, float | None], found: dict[str, float | None]) -> list[Target]:
    everything, questions = WANTED[name]
    return [
        at_most(f"{name}: first build, of naive's", ratio(ready[name], ready["naive"]), everything),
        at_most(f"{name}: questions found by meaning, of naive's", ratio(found[name], ready["naive"]), questions),
    ]
