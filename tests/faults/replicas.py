"""Three replicas are killed, hung, restarted and reloaded while people ask: each question is answered once.

``python -m tests.faults.replicas`` prints how many mentions a second one, two and three of them answer.
"""

import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bot.playground import Envelope, Interaction, LocalSlack, Message, sample_workspace
from tests.faults.row import Row
from tests.faults.running import environment_for, serve
from tests.postgresql import serving
from tests.processes import run as run_python
from tests.slack.conftest import IT_HELP

QUESTIONS = 1000
"""Of the long form."""
REPLICAS = 3
PEOPLE = tuple(f"person-{number}" for number in range(60))
"""As many, so that nobody asks more than one person may in a short time."""
QUESTION = "パスワードを忘れました。どうすれば再設定できますか？"
SURE = 'promise = 0\n[channels.it-help]\nauto_reply = "on"\nthreshold = 0.5\n'
THROUGHPUT_SECONDS = 20.0
PER_SECOND = 8.0
"""How many questions are asked; two cores answer about three times as many."""
PAUSE_SECONDS = 1.0
"""The pause between two faults."""
HUNG_SECONDS = 10.0
"""How long a replica hangs; the others think it dead after six."""
STARTED_SECONDS = 120.0
STOPPED_SECONDS = 60.0
ANSWERED_SECONDS = 120.0
SETTLED_SECONDS = 4.0
"""After so long without news nothing comes any more: who took over waits for three at most."""


def _environment(slack: LocalSlack, folder: Path, database: str, name: str) -> dict[str, str]:
    """Return the settings of a process; all have the same but for DATA_DIR."""
    data = str(folder / f"data-{name}")
    return environment_for(slack, DATABASE_URL=database, DATA_DIR=data, PYTHONFAULTHANDLER="1")


class Replica:
    """A bot in a process of its own, with its own DATA_DIR."""

    def __init__(self, folder: Path, number: int, environment: dict[str, str]) -> None:
        self.log = folder / f"log-{number}.txt"
        self._folder = folder
        self._environment = environment
        self._starts = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._starts += 1
        return serve(self._folder, self.log, self._environment)

    def restart(self, number: signal.Signals) -> None:
        """End the process by a signal, and start another one."""
        self.process.send_signal(number)
        try:
            self.process.wait(STOPPED_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # the log then says where each thread is
            self.process.wait()
            raise
        self.process = self._start()

    def hang(self) -> None:
        """Stop the process for a while, as a machine that swaps or is moved stops."""
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(HUNG_SECONDS)
        self.process.send_signal(signal.SIGCONT)

    def has_read(self) -> bool:
        """Tell whether the process has read the knowledge bases."""
        return self.log.read_text(encoding="utf-8").count("knowledge bases by words") == self._starts

    def end(self) -> None:
        """Kill the process, whatever it does."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Asked:
    """A question; `answers` counts what it has got, `most` of them are allowed."""

    kind: str
    who: str
    envelopes: Callable[[], Sequence[Envelope]]
    answers: Callable[[], int]
    most: int = 1

    @property
    def is_due(self) -> bool:
        """Whether it is to be answered: Slack sends an event again until it is acked, but a command once."""
        return self.kind != "command" or any(each.outcome == "acked" for each in self.envelopes())

    @property
    def is_right(self) -> bool:
        """Whether it was answered, and not too often."""
        return int(self.is_due) <= self.answers() <= self.most


@dataclass
class World:
    """A workspace, and the replicas that serve it."""

    slack: LocalSlack
    replicas: list[Replica]
    asked: list[Asked] = field(default_factory=list)
    faults: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    """Set when nobody is to ask any more."""

    def wait_ready(self) -> None:
        """Wait until all replicas answer."""
        everybody = len(self.replicas)
        self.slack.wait_until(
            lambda: len(self._ready()) == self.slack.connections == everybody,
            timeout=STARTED_SECONDS,
            what="all replicas",
        )

    def ask(self, number: int) -> None:
        """Ask so many questions, in turn in every way and by everybody."""
        ways = cycle([self.mention, self._say, self._write, self._command])
        for way, who in islice(zip(ways, cycle(PEOPLE), strict=False), number):
            self.asked.append(way(who))
            if self.over.wait(1 / PER_SECOND):
                return

    def break_something(self, chance: random.Random) -> None:
        """Do to one replica what may happen to it, as long as there is another."""
        self.slack.wait_until(lambda: len(self._ready()) > 1, timeout=STARTED_SECONDS, what="a second replica")
        one = chance.choice(self._ready())
        faults: list[Callable[[], None]] = [
            partial(one.restart, signal.SIGKILL),
            one.hang,
            partial(one.restart, signal.SIGTERM),
            self._reload,
        ]
        faults[self.faults % len(faults)]()
        self.faults += 1

    def _ready(self) -> list[Replica]:
        return [each for each in self.replicas if each.has_read()]

    def _reload(self) -> None:
        self.slack.command("olivia", "it-help", "/kb reload", wait=False)

    def wait_answered(self) -> None:
        """Wait until everything is answered, and a moment longer for what must not come."""
        until = time.monotonic() + ANSWERED_SECONDS
        while not all(each.is_right for each in self.asked) and time.monotonic() < until:
            time.sleep(0.2)
        self.slack.quiet(SETTLED_SECONDS)

    def wrong(self) -> list[Asked]:
        """List what was not answered, or too often."""
        return [each for each in self.asked if not each.is_right]

    def mention(self, who: str) -> Asked:
        """Mention the bot in the channel."""
        return self._posted("mention", who, self.slack.mention(who, "it-help", QUESTION))

    def _say(self, who: str) -> Asked:
        return self._posted("auto-reply", who, self.slack.say(who, "it-help", QUESTION))

    def _posted(self, kind: str, who: str, message: Message) -> Asked:
        return Asked(kind, who, lambda: (), lambda: len(self.slack.replies(message)))

    def _write(self, who: str) -> Asked:
        """Write to the bot; the answers of one person are counted together, so each question has its number."""
        person = self.slack.person(who)
        before = len([each for each in self.asked if each.kind == "direct message" and each.who == who])
        self.slack.dm(who, QUESTION)
        answers = lambda: min(max(len(self.slack.bot_messages(person)) - before, 0), 1)  # noqa: E731
        return Asked("direct message", who, lambda: (), answers)

    def _command(self, who: str) -> Asked:
        """Search by the command; a private answer can't be read back, so that after a fault two are allowed."""
        sent = self.slack.command(who, "it-help", f"/search {QUESTION}", wait=False)
        return Asked("command", who, partial(_envelopes, sent), lambda: len(sent.messages), most=2)

    def extra_direct_messages(self) -> int:
        """Count the direct messages beyond one for each question that was written to the bot."""
        asked = sum(each.kind == "direct message" for each in self.asked)
        return sum(len(self.slack.bot_messages(self.slack.person(who))) for who in PEOPLE) - asked


def _envelopes(interaction: Interaction) -> list[Envelope]:
    return [interaction.envelope] if interaction.envelope else []


@contextmanager
def world(folder: Path, database: str, number: int = REPLICAS) -> Iterator[World]:
    """Start a workspace with so many replicas, which answer unasked in #it-help."""
    (folder / "knowledge").mkdir()
    (folder / "knowledge" / "it-help.csv").write_text(IT_HELP, encoding="utf-8")
    (folder / "kotae.toml").write_text(SURE, encoding="utf-8")
    timing: dict[str, Any] = {"ack_seconds": 3.0, "retry_delays": (1.0, 2.0, 4.0, 8.0, 16.0)}
    workspace = sample_workspace()
    people = [workspace.add_person(who, who.title()) for who in PEOPLE]
    next(each for each in workspace.channels.values() if each.name == "it-help").members += [each.id for each in people]
    with LocalSlack(workspace, commands=("/search", "/kb"), **timing) as slack:
        replicas: list[Replica] = []
        try:
            importing = _environment(slack, folder, database, "import")
            run_python("-m", "bot", "import", "--yes", cwd=folder, env=importing).check_returncode()
            for each in range(number):
                replicas += [Replica(folder, each, _environment(slack, folder, database, str(each)))]
            running = World(slack, replicas)
            running.wait_ready()
            yield running
        finally:
            for replica in replicas:
                replica.end()


@contextmanager
def _served(number: int) -> Iterator[World]:
    """Start a database server, and so many replicas."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        folder = Path(name) / "bot"
        folder.mkdir()
        with world(folder, server.make(), number) as running:
            yield running


def broken(running: World, questions: int, seed: int) -> None:
    """Ask while one replica after the other breaks."""
    chance = random.Random(seed)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(running.ask, questions)
        try:
            while not asking.done():
                running.break_something(chance)
                wait([asking], PAUSE_SECONDS)
        finally:
            running.over.set()
        asking.result()
    running.wait_ready()
    running.wait_answered()


def run(share: float, _seed: int = 0) -> Row:
    """Ask 1,000 questions while replicas break."""
    questions = max(40, round(QUESTIONS * share))
    with _served(REPLICAS) as running:
        broken(running, questions, seed=time.time_ns())
        wrong, extra = running.wrong(), running.extra_direct_messages()
        return Row(len(running.asked), len(wrong) + abs(extra), _worst(running, wrong, extra))


def _worst(running: World, wrong: Sequence[Asked], extra: int) -> str:
    if wrong:
        found = Counter((each.kind, each.answers()) for each in wrong)
        return ", ".join(f"{count} x {kind} with {answers} answers" for (kind, answers), count in found.items())
    if extra:
        return f"{extra:+} direct messages"
    commands = [each for each in running.asked if each.kind == "command"]
    twice, refused = sum(each.answers() == 2 for each in commands), sum(not each.is_due for each in commands)
    return f"{running.faults} faults; commands answered twice: {twice}, not taken, as Slack then says: {refused}"


def throughput(running: World, asked_ahead: int = 40) -> float:
    """Return how many mentions a second are answered while so many wait; nobody is limited, being one of many."""
    started = time.monotonic()
    while time.monotonic() - started < THROUGHPUT_SECONDS:
        waiting = [each for each in running.asked[-2 * asked_ahead :] if not each.is_right]
        for who in islice(cycle(PEOPLE), len(running.asked), len(running.asked) + asked_ahead - len(waiting)):
            running.asked.append(running.mention(who))
        time.sleep(0.05)
    return sum(each.is_right for each in running.asked) / (time.monotonic() - started)


def main() -> None:
    """Print how many mentions a second are answered by one replica, by two and by three."""
    for number in range(1, REPLICAS + 1):
        with _served(number) as running:
            sys.stdout.write(f"{number} replicas: {throughput(running):.0f} mentions a second\n")


if __name__ == "__main__":
    main()
