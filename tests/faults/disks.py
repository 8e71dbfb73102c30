"""A disk that is full, read-only or gone under a running bot: it answers, says so, and half-writes nothing."""

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from bot.playground import LocalSlack
from tests.faults.row import Row
from tests.faults.stage import ANSWER, CSV, QUESTION, bot_in, slack_for

TRIALS = 60
"""Of each kind."""
PAUSE_SECONDS = 3.0
"""Between trials, in each of which an admin sends three requests: more than one a second would be refused."""
Fault = Callable[[Path], "Iterator[None]"]


def full(folder: Path) -> Iterator[None]:
    """Let no file grow beyond what the database has already: writing fails as on a full disk."""
    del folder
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write from both folders, or put a file in the way where root may write anyway."""
    parts = [folder / "knowledge", folder / "data"]
    if os.geteuid() == 0:
        for part in parts:
            part.rename(part.with_name(f"{part.name}-away"))
            part.write_bytes(b"")
    else:
        for part in parts:
            part.chmod(0o500)
    try:
        yield
    finally:
        for part in parts:
            away = part.with_name(f"{part.name}-away")
            if away.exists():
                part.unlink()
                away.rename(part)
            else:
                part.chmod(0o700)


def vanished(folder: Path) -> Iterator[None]:
    """Take the knowledge folder away, as a disk that is unmounted does."""
    away = folder / "away"
    (folder / "knowledge").rename(away)
    try:
        yield
    finally:
        if (folder / "knowledge").exists():
            shutil.rmtree(folder / "knowledge")
            raise AssertionError("the folder that was gone was made anew")
        away.rename(folder / "knowledge")


FAULTS: Mapping[str, Fault] = MappingProxyType({each.__name__: each for each in (full, read_only, vanished)})


def run(share: float, _seed: int = 0) -> Row:
    """Let each fault happen while a bot runs, ask and change something meanwhile, and look afterwards."""
    problems, trials = list[str](), 0
    with tempfile.TemporaryDirectory() as name, slack_for(Path(name)) as slack, bot_in(slack, Path(name)):
        for kind, fault in FAULTS.items():
            for number in range(max(1, round(TRIALS * share))):
                time.sleep(PAUSE_SECONDS if trials else 0)
                trials += 1
                problems += filter(None, [_trial(slack, Path(name), fault, f"{kind} {number}")])
    return Row(trials, len(problems), problems[0] if problems else "answered, and refused to store")


def _trial(slack: LocalSlack, folder: Path, fault: Fault, label: str) -> str:
    csv = folder / "knowledge" / "it-help.csv"
    try:
        with contextmanager(fault)(folder):
            said = slack.reply(slack.command("alice", "it-help", f"/search {QUESTION}")).shown
            told = slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.7")).shown
            slack.reply(slack.command("olivia", "it-help", "/kb reload"))
        after = slack.reply(slack.command("alice", "it-help", f"/search {QUESTION}")).shown
        slack.reply(slack.command("olivia", "it-help", "/kb reload"))
    except (TimeoutError, AssertionError, OSError) as error:
        return f"{label}: {type(error).__name__}: {error}"
    if ANSWER not in said or ANSWER not in after:
        return f"{label}: not answered"
    if not told:
        return f"{label}: the admin was told nothing"
    return "" if csv.read_text("utf-8") == CSV else f"{label}: the file is another"
