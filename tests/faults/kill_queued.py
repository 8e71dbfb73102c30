"""kill -9 while requests wait: what was acked is done after the restart, and done once."""

import csv
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.playground import Envelope, Interaction, LocalSlack, Message, sample_workspace
from tests.faults.row import Row
from tests.faults.running import environment_for, serve
from tests.slack.conftest import IT_HELP

KILLS = 160
"""Of the long form; each while about thirty requests wait."""
PEOPLE = tuple(f"person-{number}" for number in range(8))
"""Each makes one request of each kind at a time; more would be refused politely, being more than the queue takes."""
QUESTION = "パスワードを忘れました。どうすれば再設定できますか？"
SURE = 'promise = 0\n[channels.it-help]\nauto_reply = "on"\nthreshold = 0.5\n'
SLOW_SECONDS = 0.3
ANSWERED_SECONDS = 90.0


@dataclass(frozen=True)
class Asked:
    """A request, and how many answers it has; `most` of them are allowed."""

    kind: str
    envelopes: Callable[[], list[Envelope]]
    answers: Callable[[], int]
    most: int = 1

    @property
    def was_acked(self) -> bool:
        """Whether the bot said that it has taken it."""
        return any(each.outcome == "acked" for each in self.envelopes())

    @property
    def is_right(self) -> bool:
        """Whether it was answered, and not too often."""
        return 1 <= self.answers() <= self.most


def run(share: float, seed: int = 0) -> Row:
    """Kill the bot many times."""
    kills, chance = max(1, round(KILLS * share)), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as running:
        wrong: list[str] = []
        longest, trials, most = 0.0, 0, 0
        for number in range(kills):
            asked, waiting, seconds = running.kill(number, chance.random())
            wrong += [f"{each.kind}: {each.answers()} answers" for each in asked if not each.is_right]
            longest, trials, most = max(longest, seconds), trials + len(asked), max(most, waiting)
    worst = wrong[0] if wrong else f"all done {longest:.1f} s after the start; {most} waited at a kill"
    return Row(trials, len(wrong), worst, longest)


class World:
    """A local Slack, and a bot in a process of its own."""

    def __init__(self, slack: LocalSlack, folder: Path) -> None:
        self.slack = slack
        self.folder = folder
        self.log = folder / "stderr.txt"
        self._starts = 0
        self.process = self.start()

    def kill(self, number: int, pause: float) -> tuple[list[Asked], int, float]:
        """Ask, kill after a pause in seconds, restart.

        Returns what was acked, how much of that waited, and the seconds until all was done.
        """
        self.slack.wait_until(self.has_read, what="the knowledge bases")
        forms = [self._form(number, each) for each in range(2)]
        self.slack.faults.slow("*", seconds=SLOW_SECONDS, times=None)
        asked = list(self._ask(forms))
        self.slack.wait_until(lambda: sum(each.was_acked for each in asked) > len(asked) * 0.8, what="acks")
        time.sleep(pause)
        self.stop(signal.SIGKILL)
        self.slack.faults.clear()
        acked = [each for each in asked if each.was_acked]
        waiting = sum(not each.answers() for each in acked)
        started = time.monotonic()
        self.process = self.start()
        while not all(each.answers() for each in acked) and time.monotonic() - started < ANSWERED_SECONDS:
            time.sleep(0.1)
        seconds = time.monotonic() - started
        self.slack.quiet(1.0)
        return acked, waiting, seconds

    def stop(self, number: int) -> None:
        """Send the process a signal, and wait for its end."""
        self.process.send_signal(number)
        self.process.wait(30)
        self.slack.wait_until(lambda: self.slack.connections == 0, what="the end of the connection")

    def start(self) -> subprocess.Popen[bytes]:
        """Start a bot, and wait until it is connected."""
        self._starts += 1
        process = serve(self.folder, self.log, environment_for(self.slack))
        self.slack.wait_connected(timeout=60)
        return process

    def has_read(self) -> bool:
        """Tell whether the last bot has read the knowledge bases."""
        return self.log.read_text(encoding="utf-8").count("knowledge bases by words") == self._starts

    def _ask(self, forms: list[Callable[[], Asked]]) -> Iterator[Asked]:
        """Ask in every way."""
        for who in PEOPLE:
            yield self._posted("mention", self.slack.mention(who, "it-help", QUESTION))
            yield self._posted("auto-reply", self.slack.say(who, "it-help", QUESTION))
            yield self._direct(who)
            yield _pressed("command", self.slack.command(who, "it-help", f"/search {QUESTION}", wait=False))
        for form in forms:
            yield form()

    def _posted(self, kind: str, message: Message) -> Asked:
        return Asked(kind, lambda: self._envelopes(message), lambda: len(self.slack.replies(message)))

    def _direct(self, who: str) -> Asked:
        person = self.slack.person(who)
        before = len(self.slack.bot_messages(person))
        message = self.slack.dm(who, QUESTION)
        return Asked(
            "direct message",
            lambda: self._envelopes(message),
            lambda: len(self.slack.bot_messages(person)) - before,
        )

    def _form(self, number: int, each: int) -> Callable[[], Asked]:
        """Open a form for a new entry; return what submits it."""
        question = f"Form {number}-{each}?"
        opened = self.slack.command("olivia", "it-help", "/kb add")
        self.slack.wait_until(lambda: opened.views, what="the form")

        def submit() -> Asked:
            typed = {"question": question, "answer": "Yes."}
            sent = self.slack.submit("olivia", opened.views[0], typed, wait=False)
            return _pressed("form", sent, lambda: self._entries(question))

        return submit

    def _entries(self, question: str) -> int:
        with (self.folder / "knowledge" / "it-help.csv").open(encoding="utf-8", newline="") as file:
            return sum(question in row for row in csv.reader(file))

    def _envelopes(self, message: Message) -> list[Envelope]:
        return [each for each in self.slack.envelopes if each.event.get("ts") == message.ts]


def _pressed(kind: str, interaction: Interaction, answers: Callable[[], int] | None = None) -> Asked:
    """Return what was asked by a command or a form; the answer to a command can't be read back, so two are allowed."""

    def envelopes() -> list[Envelope]:
        return [interaction.envelope] if interaction.envelope else []

    if answers:
        return Asked(kind, envelopes, answers)
    return Asked(kind, envelopes, lambda: len(interaction.messages), most=2)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Start a workspace with a bot that answers unasked in #it-help."""
    (folder / "knowledge").mkdir()
    (folder / "knowledge" / "it-help.csv").write_text(IT_HELP, encoding="utf-8")
    (folder / "kotae.toml").write_text(SURE, encoding="utf-8")
    timing: dict[str, Any] = {"ack_seconds": 3.0, "retry_delays": (1.0, 2.0, 4.0)}
    workspace = sample_workspace()
    people = [workspace.add_person(who, who.title()) for who in PEOPLE]
    next(each for each in workspace.channels.values() if each.name == "it-help").members += [each.id for each in people]
    with LocalSlack(workspace, commands=("/search", "/kb"), **timing) as slack:
        running = World(slack, folder)
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()
