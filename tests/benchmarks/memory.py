"""Resident memory of the real bot: by knowledge bases, and by backend."""

from bot.playground import LocalSlack
from tests.benchmarks import botprocess
from tests.benchmarks.bench import DEFAULT, FAST, Bench, ratio, shown
from tests.benchmarks.corpus import questions, rows, write_folder
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_most

BASES = (1, 10, 50)
LEXICAL = "lexical"
QUESTIONS = 20


def measure(bench: Bench) -> Report:
    """Start the bot for each combination and look at it after some questions."""
    size = bench.pick(1000, 50)
    bases = BASES if not bench.quick else (1, 3)
    backends = {**bench.backends, LEXICAL: None}
    found: dict[str, dict[int, float | None]] = {backend: {} for backend in backends}
    for number in bases:
        bench.listen()
        folder = write_folder(bench.folder / f"memory-{number}", number, size)
        for backend, model in backends.items():
            knowledge: JSON = {"folder": folder, "data": folder / backend, "bases": number, "size": size}
            lexical = backend == LEXICAL
            found[backend][number] = _resident(knowledge, None) if lexical else _built(bench, knowledge, model)
    twins = _twins(bench, bases[0], size)
    most = bases[-1]
    default = found[DEFAULT]
    lines = [
        [backend, *(shown(sizes[number], "{:.0f}") for number in bases), shown(ratio(sizes[most], sizes[1]), "{:.2f}x")]
        for backend, sizes in found.items()
    ]
    return Report(
        "memory",
        f"Resident memory of the whole bot, knowledge bases of {size:,} rows",
        [
            Table("MB, all-MiniLM-L6-v2", ["", *(f"{number} knowledge bases" for number in bases), "growth"], lines),
            Table(
                f"MB, twin of the default model, {bases[0]} knowledge base",
                ["", "MB", "of the default backend's"],
                [
                    [backend, shown(value, "{:.0f}"), shown(ratio(value, twins[DEFAULT]), "{:.2f}x")]
                    for backend, value in twins.items()
                ],
            ),
        ],
        [
            at_most(f"{most} knowledge bases, of one", ratio(default[most], default[1]), 1.3),
            at_most(f"{FAST}, of the default backend; twin", ratio(twins[FAST], twins[DEFAULT]), 0.4),
        ],
        raw={"found": found, "twins": twins},
    )


def _twins(bench: Bench, bases: int, size: int) -> dict[str, float | None]:
    folder = write_folder(bench.folder / "memory-twins", bases, size)
    return {
        backend: _built(bench, {"folder": folder, "data": folder / backend, "bases": bases, "size": size}, model)
        for backend, model in bench.twins.items()
    }


def _built(bench: Bench, knowledge: JSON, model: str | None) -> float | None:
    """Leave snapshots behind, then start the bot and look; None for a backend that isn't installed."""
    if model is None:
        return None
    bench.child("preparing:snapshots", {**knowledge, "model": model})
    return _resident(knowledge, model)


def _resident(knowledge: JSON, model: str | None) -> float:
    with LocalSlack(workspace=botprocess.workspace(knowledge["bases"])) as slack:
        settings = botprocess.settings(slack, knowledge["folder"], knowledge["data"], model)
        with botprocess.BotProcess(settings) as bot:
            bot.wait_for("dense" if model else "lexical", 900)
            slack.wait_connected()
            for number, (question, _) in enumerate(questions(list(rows(knowledge["size"])), QUESTIONS)):
                channel = f"kb-{number % knowledge['bases']:02}"
                botprocess.reply_to(slack, slack.mention("alice", channel, question))
            memory = bot.memory
            bot.close()
    return memory
