"""One question: where its time goes, and from Slack's envelope to the reply."""

import time
from itertools import pairwise
from pathlib import Path

from bot.playground import LocalSlack
from tests.benchmarks import botprocess, library, models
from tests.benchmarks.bench import LIGHT, Bench, ratio, shown
from tests.benchmarks.corpus import questions, rows, write_csv
from tests.benchmarks.measuring import Spread, percentile
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, Target, at_least, at_most

PARTS = ("encode", "lexical", "dense", "confidence", "all", "asked again")
TURNS = 3


def measure(bench: Bench) -> Report:
    """Measure the parts at several sizes, then the peers, then the whole app."""
    sizes = (1000, 10_000, 100_000) if not bench.quick else (200, 1000)
    count = bench.pick(200, 20)
    parts: dict[str, JSON] = {}
    for size in sizes:
        bench.listen()
        for backend, model in bench.twins.items():
            if model:
                folder = bench.folder / f"latency-{size}-{backend}"
                arguments = {"folder": folder, "size": size, "count": count, "model": model}
                parts[f"{backend}, {size:,} rows"] = bench.child("latency:parts_of_a_question", arguments)
    compared = _compared(bench, bench.pick(10_000, 200), bench.pick(100, 10))
    app = _through_slack(bench, bench.pick(60, 6))
    return _report(parts, compared, app)


def parts_of_a_question(arguments: JSON) -> JSON:
    """Time the parts of searching; documents have random vectors, which costs a search the same (child)."""
    from indexes.confidence import judge  # noqa: PLC0415
    from indexes.index import Question  # noqa: PLC0415
    from indexes.text import normalize  # noqa: PLC0415

    folder, model = Path(arguments["folder"]), str(arguments["model"])
    lines = list(rows(arguments["size"], mixed=False))
    write_csv(folder / "csv" / "kb.csv", lines)
    manager = models.random_documents()
    registry = library.opened(folder / "csv", folder / "data", manager, model)
    encoder, index = manager.get(model), registry.loaded["kb"].index
    took: dict[str, list[float]] = {part: [] for part in PARTS}
    asked = questions(lines, arguments["count"] * 2)
    for question, _ in asked[::2]:
        marks = [time.perf_counter()]

        def mark(marks: list[float] = marks) -> None:
            marks.append(time.perf_counter())

        normalized = normalize(question)
        vector = encoder.encode_query(normalized)
        mark()
        index.search(Question(question, normalized), 10)
        mark()
        hits = index.search(Question(question, normalized, vector), 10)
        mark()
        judge(Question(question, normalized, vector), hits)
        mark()
        encode, lexical, both, confidence = (b - a for a, b in pairwise(marks))
        for part, seconds in zip(PARTS, (encode, lexical, both - lexical, confidence), strict=False):
            took[part].append(seconds)
    for question, _ in asked[1::2]:
        took["all"].append(registry.search(question, ["kb"]).seconds)
        took["asked again"].append(registry.search(question, ["kb"]).seconds)
    registry.close()
    manager.close()
    return {part: vars(Spread.of(seconds)) for part, seconds in took.items()}


def _compared(bench: Bench, size: int, count: int) -> dict[str, list[JSON]]:
    """Ask Kotae and the peers the same questions of the same knowledge base, in turns."""
    lines = list(rows(size, seed=0))
    folder = bench.folder / "compared"
    write_csv(folder / "kb.csv", lines)
    asked = [[question, row.answer] for question, row in questions(lines, count)]
    common: JSON = {"folder": folder, "model": bench.minilm, "data": bench.folder / "compared-data", "questions": asked}
    contenders = {
        "Kotae": ("kotae", "sentence-transformers"),
        "Kotae, fastembed": ("kotae", "fastembed"),
        "Kotae, fastembed int8": ("kotae", "fastembed int8"),
        "txtai": ("txtai", 0),
        "txtai, 1 thread": ("txtai", 1),
        "LangChain": ("langchain", 0),
        "LangChain, 1 thread": ("langchain", 1),
    }
    results: dict[str, list[JSON]] = {name: [] for name in contenders}
    for turn in range(1 + bench.pick(TURNS, 1)):
        bench.listen()
        for name, (peer, variant) in contenders.items():
            if peer == "kotae":
                run = _ask(bench, common, bench.backends[str(variant)])
            else:
                run = bench.peer(peer, {**common, "threads": variant})
            if turn or "error" in run:
                results[name].append(run)
    return results


def _ask(bench: Bench, common: JSON, model: str | None) -> JSON:
    if model is None:
        return {"error": "not installed"}
    data = bench.folder / f"compared-{Path(model).name}"
    return bench.child("latency:ask_kotae", {**common, "model": model, "data": data})


def ask_kotae(arguments: JSON) -> JSON:
    """Answer questions one after the other, as the peers do; documents have random vectors (child)."""
    manager = models.random_documents()
    registry = library.opened(Path(arguments["folder"]), Path(arguments["data"]), manager, str(arguments["model"]))
    took = []
    registry.search("ready?", ["kb"])
    for question, _ in arguments["questions"]:
        started = time.perf_counter()
        registry.search(question, ["kb"])
        took.append(time.perf_counter() - started)
    registry.close()
    manager.close()
    return {"p50": percentile(took, 0.5) * 1000}


def _through_slack(bench: Bench, count: int) -> JSON:
    """Mention the bot and use its command, one question after the other, through the real app."""
    size = bench.pick(1000, 100)
    folder = bench.folder / "slack"
    data = bench.folder / "slack-data"
    lines = list(rows(size, mixed=False))
    asked = [question for question, _ in questions(lines, 2 * count + 4)]
    write_csv(folder / "kb-00.csv", lines)
    bench.listen()
    bench.child("preparing:snapshots", {"folder": folder, "data": data, "model": bench.twin})
    with LocalSlack(workspace=botprocess.workspace(1)) as slack:
        started = botprocess.settings(slack, folder, data, str(bench.twin))
        with botprocess.BotProcess(started) as bot:
            bot.wait_for("dense", 600)
            slack.wait_connected()
            for question in asked[:4]:
                botprocess.reply_to(slack, slack.mention("alice", "kb-00", question))
            mentions, commands = [], []
            for number in range(count):
                one, other = asked[4 + 2 * number : 6 + 2 * number]
                mentions.append(botprocess.reply_to(slack, slack.mention("alice", "kb-00", one)))
                slack.quiet(0.05)
                command = slack.command("alice", "kb-00", f"/search {other}", wait=False)
                commands.append(botprocess.reply_to(slack, command))
                slack.quiet(0.05)
            encode = bot.close()["encode"][4:]
    return {
        "encode": vars(Spread.of(encode)),
        "mention": vars(Spread.of(mentions)),
        "command": vars(Spread.of(commands)),
    }


def _report(parts: dict[str, JSON], compared: dict[str, list[JSON]], app: JSON) -> Report:
    split = [
        [name, *(" / ".join(f"{found[part][p]:.1f}" for p in ("p50", "p95", "p99")) for part in PARTS)]
        for name, found in parts.items()
    ]
    medians = {name: _median(runs) for name, runs in compared.items()}
    kotae = medians["Kotae"]
    lines = [
        [
            name,
            next((run["error"] for run in runs if "error" in run), shown(medians[name])),
            shown(ratio(medians[name], kotae), "{:.2f}x"),
        ]
        for name, runs in compared.items()
    ]
    through = [
        [name, *(f"{app[key][p]:.1f}" for p in ("p50", "p95", "p99"))]
        for name, key in (("encoding", "encode"), ("mention to reply", "mention"), ("command to reply", "command"))
    ]
    rivals = [value for name, value in medians.items() if not name.startswith("Kotae") and value is not None]
    fastest = min(rivals, default=None)
    allowed = app["encode"]["p50"] * 1.25 + 10
    worst = max(app["mention"]["p50"], app["command"]["p50"])
    return Report(
        "latency",
        "One question",
        [
            Table("Where the time goes, ms, p50 / p95 / p99; twin of the default model", ["", *PARTS], split),
            Table("Query p50, ms, all-MiniLM-L6-v2", ["", "ms", "of Kotae's"], lines),
            Table("Through the real app, ms; twin", ["", "p50", "p95", "p99"], through),
        ],
        [
            at_most("Query p50, of the fastest peer's", ratio(kotae, fastest), 1.0),
            *(
                at_least(
                    f"Query p50 with {name}, faster than the fastest peer", ratio(fastest, medians[f"Kotae, {name}"]), 3
                )
                for name in LIGHT
            ),
            Target(
                "Envelope to reply, p50",
                f"≤ encode x 1.25 + 10 ms = {allowed:.1f} ms",
                f"{worst:.1f} ms",
                worst <= allowed,
            ),
        ],
        raw={"parts": parts, "compared": compared, "app": app},
    )


def _median(runs: list[JSON]) -> float | None:
    values = [run["p50"] for run in runs if run.get("p50") is not None]
    return percentile(values, 0.5) if values else None
