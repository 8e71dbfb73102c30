"""kill -9 right after a change was confirmed: at the next start it is there."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

from bot.playground import LocalSlack, Message
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.schema import open_or_recover
from handlers.store.channel_settings import ChannelSettings
from handlers.store.database import Database
from handlers.texts import ENGLISH
from tests.faults.row import Row
from tests.faults.stage import CSV, BotProcess, slack_for
from tests.slack.conftest import approve

KILLS = 1000
Check = Callable[[Database], bool]
"""Tells, with the database of the bot that was killed, whether a change is there."""


class Changes:
    """Changes things as an admin does; each returns, once the bot has confirmed it, what must be there from then on."""

    def __init__(self, slack: LocalSlack, folder: Path) -> None:
        self._slack = slack
        self._csv = folder / "knowledge" / "it-help.csv"
        self._number = 0

    def add(self) -> Check:
        """Add an entry in the form."""
        answer = f"Yes, number {self._next()}."
        asked = self._slack.command("olivia", "it-help", "/kb add")
        self._slack.wait_until(lambda: asked.views, what="the form")
        self._slack.submit("olivia", asked.views[0], {"question": f"Is it {self._number}?", "answer": answer})
        self._slack.wait_until(lambda: self._has_confirmed(answer), what="the confirmation")
        return lambda _: answer.encode() in self._csv.read_bytes()

    def upload(self) -> Check:
        """Send a file and apply it."""
        data = f"{CSV}n{self._next()},Is {self._number} open?,Yes.,Other\n".encode()
        before = len(self._direct())
        self._slack.upload("olivia", self._slack.person("olivia"), "it-help.csv", data)
        self._slack.wait_until(lambda: len(self._direct()) > before, what="the card")
        self._apply(self._direct()[before])
        return lambda _: self._csv.read_bytes() == data

    def rollback(self) -> Check:
        """Bring the version before back."""
        self.upload()
        wanted = self._csv.read_bytes()
        self.upload()
        self._apply(self._slack.reply(self._slack.command("olivia", "it-help", "/kb rollback")))
        return lambda _: self._csv.read_bytes() == wanted

    def learn(self) -> Check:
        """Have two people confirm a phrasing."""
        phrase = f"router trouble {self._next()}"
        for who in ("alice", "hanako"):
            approve(self._slack, who, self._slack.reply(self._slack.command(who, "it-help", f"/search {phrase}")))
            self._slack.quiet()
        return lambda database: any(each.phrasing == phrase for each in LearnedAliases(database).newest(50))

    def settings(self) -> Check:
        """Set the threshold."""
        value = f"0.{self._next() % 90 + 10}"
        self._slack.reply(self._slack.command("olivia", "it-help", f"/kb threshold {value}"))
        channel = self._slack.channel("it-help").id
        return lambda database: float(ChannelSettings(database).of(channel)["threshold"].value) == float(value)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _has_confirmed(self, answer: str) -> bool:
        """Tell whether the form, or a message if it was closed, says that the entry is added."""
        said = ENGLISH("edit.added", name="it-help")
        views = [str(view.blocks) for view in self._slack.workspace.views.values()]
        messages = [message.shown for message in [*self._direct(), *self._slack.ephemerals("olivia")]]
        return any(said in each and answer in each for each in [*views, *messages])

    def _direct(self) -> list[Message]:
        return self._slack.bot_messages(self._slack.person("olivia"))

    def _apply(self, card: Message) -> None:
        self._slack.press("olivia", card, "upload_apply")
        self._slack.wait_until(lambda: "is in place for" in card.shown, what="the confirmation")


def run(share: float, _seed: int = 0) -> Row:
    """Kill a bot after each confirmed change, and look for the change before the next start."""
    trials = max(5, round(KILLS * share))
    with tempfile.TemporaryDirectory() as name, slack_for(Path(name)) as slack:
        problems = list(_problems(slack, Path(name), trials))
    return Row(trials, len(problems), problems[0] if problems else "nothing lost")


def _problems(slack: LocalSlack, folder: Path, trials: int) -> Iterator[str]:
    changes = Changes(slack, folder)
    kinds = (changes.add, changes.upload, changes.rollback, changes.learn, changes.settings)
    for number, change in enumerate(islice(cycle(kinds), trials)):
        bot = BotProcess(slack, folder)
        try:
            is_there = change()
        except TimeoutError as error:
            yield f"{change.__name__} {number}: {error}"
            continue
        finally:
            bot.kill()
        database = open_or_recover(f"sqlite:///{folder / 'data' / 'state.db'}", folder / "data")
        if not is_there(database) or database.recovery.current:
            yield f"{change.__name__} {number}: confirmed, and lost"
        database.close()
