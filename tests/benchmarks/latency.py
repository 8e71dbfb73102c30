"""One question: where its time goes, and from Slack's envelope to the reply."""

import time
from itertools import pairwise
from pathlib import Path

from bot.playground import LocalSlack
from tests.benchmarks import botprocess, library, models
from tests.benchmarks.bench import Bench
from tests.benchmarks.corpus import questions, rows, write_csv
from tests.benchmarks.forms import DEFAULT, settings_of
from tests.benchmarks.measuring import Spread
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, Target

PARTS = ("encode", "lexical", "dense", "confidence", "all")


def measure(bench: Bench) -> Report:
    """Measure the parts at several sizes, then the whole app."""
    sizes = (1000, 10_000, 100_000) if not bench.quick else (200, 1000)
    count = bench.pick(200, 20)
    parts: dict[str, JSON] = {}
    for size in sizes:
        bench.listen()
        for name, form in bench.twins.items():
            if form:
                folder = bench.folder / f"latency-{size}"
                arguments = {"folder": folder, "size": size, "count": count, "form": form}
                parts[f"{name}, {size:,} rows"] = bench.child("latency:parts_of_a_question", arguments)
    if bench.pictures:
        drawn = {
            name: {f"{size:,}": parts[f"{name}, {size:,} rows"] for size in sizes}
            for name, form in bench.twins.items()
            if form
        }
        bench.child("plot:parts", {"sizes": drawn, "file": bench.pictures / "performance-rows.png"})
    return _report(parts, _through_slack(bench, bench.pick(60, 6)))


def parts_of_a_question(arguments: JSON) -> JSON:
    """Time the parts of searching; documents have random vectors, which costs a search the same (child)."""
    from indexes.confidence.confidence import with_confidence  # noqa: PLC0415
    from indexes.retrieval.dense import CANDIDATES  # noqa: PLC0415
    from indexes.retrieval.index import Question  # noqa: PLC0415
    from indexes.text import normalize  # noqa: PLC0415

    folder = Path(arguments["folder"])
    settings = settings_of(arguments["form"], folder / "data")
    lines = list(rows(arguments["size"], mixed=False))
    write_csv(folder / "csv" / "kb.csv", lines)
    manager = models.random_documents()
    maintenance = library.opened(folder / "csv", manager, settings)
    encoder, index = library.encoder_of(manager, settings), maintenance.registry.loaded["kb"].index
    assert index.dense
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
        index.dense.cosines(vector, index.dense.nearest(vector, 2 * CANDIDATES))
        mark()
        hits = index.search(Question(question, normalized, vector), 10)
        mark()
        with_confidence(Question(question, normalized, vector), hits)
        mark()
        encode, lexical, dense, _, confidence = (ended - began for began, ended in pairwise(marks))
        for part, seconds in zip(PARTS, (encode, lexical, dense, confidence), strict=False):
            took[part].append(seconds)
    for question, _ in asked[1::2]:
        took["all"].append(maintenance.registry.search(question, ["kb"]).seconds)
    maintenance.close()
    manager.close()
    return {part: vars(Spread.of(seconds)) for part, seconds in took.items()}


def _through_slack(bench: Bench, count: int) -> JSON:
    """Mention the bot and use its command, one question after the other, through the real app."""
    size = bench.pick(1000, 100)
    folder = bench.folder / "slack"
    data, form = bench.folder / "slack-data", bench.twins[DEFAULT]
    lines = list(rows(size, mixed=False))
    asked = [question for question, _ in questions(lines, 2 * count + 4)]
    write_csv(folder / "kb-00.csv", lines)
    bench.listen()
    bench.child("preparing:snapshots", {"folder": folder, "data": data, "form": form})
    with LocalSlack(workspace=botprocess.workspace(1)) as slack:
        started = botprocess.settings(slack, folder, data, form)
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


def _report(parts: dict[str, JSON], app: JSON) -> Report:
    split = [
        [name, *(" / ".join(f"{found[part][p]:.1f}" for p in ("p50", "p95", "p99")) for part in PARTS)]
        for name, found in parts.items()
    ]
    through = [
        [name, *(f"{app[key][p]:.1f}" for p in ("p50", "p95", "p99"))]
        for name, key in (("encoding", "encode"), ("mention to reply", "mention"), ("command to reply", "command"))
    ]
    allowed = app["encode"]["p50"] * 1.25 + 8
    worst = max(app["mention"]["p50"], app["command"]["p50"])
    return Report(
        "latency",
        "One question",
        [
            Table("Where the time goes, ms, p50 / p95 / p99; twin of the default model", ["", *PARTS], split),
            Table("Through the real app, ms; twin", ["", "p50", "p95", "p99"], through),
        ],
        [
            Target(
                "Envelope to reply, p50",
                f"≤ encode x 1.25 + 8 ms = {allowed:.1f} ms",
                f"{worst:.1f} ms",
                worst <= allowed,
            ),
        ],
        raw={"parts": parts, "app": app},
    )
