"""A restart with nothing changed: ten knowledge bases of a thousand rows."""

import time
from pathlib import Path

from bot.playground import LocalSlack
from tests.benchmarks import botprocess
from tests.benchmarks.bench import Bench, median_of, ratio, shown
from tests.benchmarks.corpus import questions, rows, write_folder
from tests.benchmarks.forms import DEFAULT, INT8, TORCH
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_least, at_most

PEERS = ("bare", "naive", "txtai", "langchain")
TURNS = 3
NAIVE_TURNS = 2
"""It takes a minute each time."""
NAMES = {
    "kotae": "Kotae",
    "int8": f"Kotae, {INT8}",
    "torch": f"Kotae, {TORCH}",
    "bare": "bare import + model load",
    "naive": "naive: encode everything",
    "txtai": "txtai",
    "langchain": "LangChain + FAISS",
}


def measure(bench: Bench) -> Report:
    """Let all of them restart in turns."""
    bases, size = bench.pick(10, 2), bench.pick(1000, 50)
    folder = write_folder(bench.kept / "restart", bases, size)
    question = questions(list(rows(size, seed=0)), 1)[0][0]
    common: JSON = {
        "folder": folder,
        "model": bench.minilm,
        "data": bench.kept / "restart-data",
        "question": question,
    }
    forms = dict(zip(("kotae", "int8", "torch"), bench.forms.values(), strict=True))
    results: dict[str, list[JSON]] = {name: [] for name in (*forms, *PEERS)}
    app: list[JSON] = []
    for name in results:
        if name != "naive":
            _prepare(bench, name, common, forms)
    for turn in range(bench.pick(TURNS, 1)):
        bench.listen()
        for name, runs in results.items():
            if name != "naive" or turn < NAIVE_TURNS:
                runs.append(_start(bench, name, common, forms))
        app.append(whole_bot(bench, folder, turn))
    return _report(results, app, bases, size)


def _prepare(bench: Bench, name: str, common: JSON, forms: dict[str, JSON | None]) -> None:
    """Leave everybody's own files behind, and the libraries in the page cache."""
    if name not in forms:
        bench.peer(name, {**common, "questions": []})
    elif form := forms[name]:
        bench.child("preparing:snapshots", {**common, "form": form})


def _start(bench: Bench, name: str, common: JSON, forms: dict[str, JSON | None]) -> JSON:
    if name not in forms:
        return bench.peer(name, {**common, "questions": []})
    form = forms[name]
    if form is None:
        return {"error": "not yet"}
    return bench.child("starting:kotae", {**common, "form": form})


def whole_bot(bench: Bench, folder: Path, turn: int) -> JSON:
    """Start the real bot on a local Slack: seconds until it is connected, and until its first reply."""
    data = botprocess.fresh(bench.kept / "restart-data", bench.folder / f"restart-{turn}")
    with LocalSlack(workspace=botprocess.workspace(bench.pick(10, 2))) as slack:
        settings = botprocess.settings(slack, folder, data, bench.forms[DEFAULT])
        with botprocess.BotProcess(settings) as bot:
            connected = bot.wait_for("connected")["at"] - bot.started
            slack.wait_connected()
            asked = slack.mention("alice", "kb-00", "How do I add a feature flag?")
            botprocess.reply_to(slack, asked)
            replied = time.monotonic() - bot.started
            bot.wait_for("dense", 600)
            bot.close()
    return {"connected": connected, "replied": replied}


def _report(results: dict[str, list[JSON]], app: list[JSON], bases: int, size: int) -> Report:
    ready = {name: median_of(runs, "ready") for name, runs in results.items()}
    lexical = {name: median_of(runs, "lexical") for name, runs in results.items()}
    lines = []
    for name, runs in results.items():
        error = str(runs[0].get("error", ""))
        lines.append(
            [
                NAMES[name],
                shown(lexical[name], "{:.2f}"),
                error or shown(ready[name], "{:.2f}"),
                shown(ratio(ready[name], ready["bare"]), "{:.2f}x"),
                shown(ratio(ready["naive"], ready[name]), "{:.1f}x"),
            ]
        )
    header = ["", "lexical answer, s", "ready, s", "of the bare load", "faster than naive"]
    whole = Table(
        "The whole bot, from the process's start",
        ["", "seconds"],
        [
            ["connected to Slack", shown(median_of(app, "connected"), "{:.2f}")],
            ["first reply in the channel", shown(median_of(app, "replied"), "{:.2f}")],
        ],
    )
    peers = [value for name in ("txtai", "langchain") if (value := ready[name]) is not None]
    soonest = min(peers, default=None)
    return Report(
        "restart",
        f"Restart with {bases} knowledge bases of {size} rows, unchanged",
        [Table("Seconds from the process's start, all-MiniLM-L6-v2", header, lines), whole],
        [
            at_most("Texts encoded", median_of(results["kotae"], "encoded"), 0, " texts"),
            at_least("First answer by words, faster than naive", ratio(ready["naive"], lexical["kotae"]), 40),
            at_least("Dense-ready, faster than naive", ratio(ready["naive"], ready["kotae"]), 30),
            at_least("Dense-ready, faster than the sooner peer", ratio(soonest, ready["kotae"]), 5),
        ],
        raw={"runs": results, "app": app},
        bars={
            "Restart: seconds until ready": {NAMES[name]: value for name, value in ready.items() if value is not None}
        },
    )
