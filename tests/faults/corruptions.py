"""Damage in any file of DATA_DIR or the knowledge folder: the bot starts, answers as before, and says what is wrong."""

import random
import shutil
import tempfile
from pathlib import Path

from bot.playground import LocalSlack
from handlers.channel_rules import AutoReply
from indexes.encoder import ModelManager
from indexes.records import Source
from tests.encoders import hashing_manager
from tests.faults.damage import damage
from tests.faults.row import Row
from tests.faults.stage import ANSWER, QUESTION, bot_in, slack_for

TRIALS = 500
COMMANDS = ("status", "versions it-help", "misses", "audit", "learned", "stats", "channels")
APOLOGY = "reference"
"""A word of the apology for errors that nobody thought of."""


def run(share: float, seed: int = 0) -> Row:
    """Start the bot over damaged copies of a folder that has everything in it."""
    trials, problems, chance = max(1, round(TRIALS * share)), list[str](), random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder, manager = Path(name), hashing_manager()
        try:
            with slack_for(folder / "used") as slack:
                use(slack, folder / "used", manager)
                for _ in range(trials):
                    problems += filter(None, [_trial(slack, folder, chance, manager)])
        finally:
            manager.close()
    return Row(trials, len(problems), problems[0] if problems else "answered, settings to be confirmed")


def use(slack: LocalSlack, folder: Path, manager: ModelManager) -> None:
    """Use the bot for a day, so that every kind of file is there."""
    with bot_in(slack, folder, manager) as bot:
        slack.wait_until(lambda: bot.services.registry.encoder is not None, what="the model")
        for line in (f"/search {QUESTION}", "/search where is the sauna", "/kb threshold 0.8", "/kb auto-reply off"):
            slack.reply(slack.command("olivia", "it-help", line))
        answer = slack.reply(slack.command("alice", "it-help", f"/search {QUESTION}"))
        slack.press("alice", answer, "vote", 0)
        slack.upload("olivia", slack.person("olivia"), "it-help.csv", b"question,answer\nIs it open?,Yes.\n")
        slack.wait_until(lambda: list((folder / "data" / "uploads").glob("*/about.json")), what="the upload")
        bot.housekeeping.keep_files()
        slack.quiet()


def files(folder: Path) -> list[Path]:
    """List the files that may be damaged; locks are empty."""
    return sorted(
        each for each in folder.rglob("*") if each.is_file() and each.stat().st_size and "lock" not in each.name
    )


def _trial(slack: LocalSlack, folder: Path, chance: random.Random, manager: ModelManager) -> str:
    """Damage one file and start; return what went wrong, or blank."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    shutil.rmtree(folder / "knowledge", ignore_errors=True)
    for part in ("data", "knowledge"):
        shutil.copytree(folder / "used" / part, folder / part)
    _move(folder)
    file, seed = chance.choice(files(folder / "data") + files(folder / "knowledge")), chance.getrandbits(32)
    where = f"{file.relative_to(folder)}, {damage(file, seed)}, seed {seed}"
    try:
        with bot_in(slack, folder, manager) as bot:
            said = slack.reply(slack.command("alice", "it-help", f"/search {QUESTION}")).shown
            shown = [slack.reply(slack.command("olivia", "it-help", f"/kb {command}")).shown for command in COMMANDS]
            rules = bot.services.channels.of(slack.channel("it-help").id)
            confirmed = bot.services.database.recovery.waiting is None
    except Exception as error:  # noqa: BLE001 - whatever keeps the bot from starting is what is looked for
        return f"{where}: {type(error).__name__}: {error}"
    if ANSWER not in said and file.parent.name != "knowledge":
        return f"{where}: not answered"
    if any(APOLOGY in each for each in [said, *shown]):
        return f"{where}: an apology"
    kept = (rules.auto_reply, rules.threshold) == (AutoReply.OFF, 0.8)
    return "" if kept or not confirmed else f"{where}: other settings, and nobody was asked"


def _move(folder: Path) -> None:
    """Give snapshots and versions the names that they have for the CSV in this folder."""
    for kind in ("snapshots", "versions"):
        for each in (folder / "data" / kind).iterdir():
            source = Source("it-help", folder / "knowledge" / "it-help.csv")
            if each.name.startswith("it-help-"):
                each.rename(each.with_name(source.folder))
