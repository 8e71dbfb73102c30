"""Resident memory of the real bot: by knowledge bases, and by the form of the model."""

from pathlib import Path

from bot.playground import LocalSlack
from tests.benchmarks import botprocess
from tests.benchmarks.bench import Bench, ratio, shown
from tests.benchmarks.corpus import questions, rows, write_folder
from tests.benchmarks.forms import DEFAULT, TORCH
from tests.benchmarks.processes import JSON
from tests.benchmarks.report import Report, Table, at_most

BASES = (1, 10, 50)
LEXICAL = "lexical"
QUESTIONS = 20


def measure(bench: Bench) -> Report:
    """Start the bot for each combination and look at it after some questions."""
    size = bench.pick(1000, 50)
    bases = BASES if not bench.quick else (1, 3)
    forms = {**bench.forms, LEXICAL: None}
    found: dict[str, dict[int, float | None]] = {form: {} for form in forms}
    for number in bases:
        bench.listen()
        folder = write_folder(bench.folder / f"memory-{number}", number, size)
        for name, form in forms.items():
            knowledge: JSON = {"folder": folder, "name": name, "bases": number, "size": size}
            found[name][number] = _resident(knowledge, None) if name == LEXICAL else _built(bench, knowledge, form)
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
                ["", "MB", "of torch's"],
                [
                    [backend, shown(value, "{:.0f}"), shown(ratio(value, twins[TORCH]), "{:.2f}x")]
                    for backend, value in twins.items()
                ],
            ),
        ],
        [
            at_most(f"Memory of {most} knowledge bases, of one", ratio(default[most], default[1]), 1.3),
            at_most("Memory of the default, of that through torch; twin", ratio(twins[DEFAULT], twins[TORCH]), 0.45),
        ],
        raw={"found": found, "twins": twins},
    )


def _twins(bench: Bench, bases: int, size: int) -> dict[str, float | None]:
    folder = write_folder(bench.folder / "memory-twins", bases, size)
    return {
        name: _built(bench, {"folder": folder, "name": name, "bases": bases, "size": size}, form)
        for name, form in bench.twins.items()
    }


def _built(bench: Bench, knowledge: JSON, form: JSON | None) -> float | None:
    """Leave snapshots behind, which serve every form, then start the bot; None for a form that there isn't yet."""
    if form is None:
        return None
    folder = Path(knowledge["folder"])
    bench.child("preparing:snapshots", {**knowledge, "data": folder / "prepared", "form": form})
    botprocess.fresh(folder / "prepared", folder / knowledge["name"])
    return _resident(knowledge, form)


def _resident(knowledge: JSON, form: JSON | None) -> float:
    with LocalSlack(workspace=botprocess.workspace(knowledge["bases"])) as slack:
        folder = Path(knowledge["folder"])
        settings = botprocess.settings(slack, folder, folder / knowledge["name"], form)
        with botprocess.BotProcess(settings) as bot:
            bot.wait_for("dense" if form else "lexical", 900)
            slack.wait_connected()
            for number, (question, _) in enumerate(questions(list(rows(knowledge["size"])), QUESTIONS)):
                channel = f"kb-{number % knowledge['bases']:02}"
                botprocess.reply_to(slack, slack.mention("alice", channel, question))
            memory = bot.memory
            bot.close()
    return memory
