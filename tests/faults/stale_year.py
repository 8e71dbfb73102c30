"""A year in the life of a knowledge base whose rows have dates: owners are asked, press, and don't.

What must be asked is kept beside the bot: every row with its owner and the last day before it is due.
"""

import random
import re
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.app import Bot
from bot.playground import LocalSlack, Message
from bot.reviews import WeeklyReviews
from handlers.texts import ENGLISH, JAPANESE
from tests.faults.row import Row
from tests.faults.stage import bot_in, slack_for

ROWS, WEEKS, DAYS = 1_000, 52, 180
OWNERS = ("alice", "hanako", "ichiro", "olivia")
BEGIN = datetime(2026, 1, 5, 10, tzinfo=UTC)
"""A Monday, after nine."""
SHOWN = 10
RESTARTS = 8
COUNT = re.compile(r"\*Are these still right\?\* (\d+) entr|確認の時期が来た項目が(\d+)件")


@dataclass
class Entry:
    """A row as it should be: `last` is the last day before it is due."""

    title: str
    owner: str
    last: date


@dataclass
class Year:
    """The knowledge base beside the bot, the clock, and what went wrong."""

    slack: LocalSlack
    chance: random.Random
    entries: dict[str, Entry]
    at: datetime = BEGIN
    trials: int = 0
    problems: list[str] = field(default_factory=list)

    def due(self, owner: str) -> list[Entry]:
        """What an owner must be asked about, the longest overdue first."""
        found = [(each.last, int(id_), each) for id_, each in self.entries.items() if each.owner == owner]
        return [each for last, _, each in sorted(found, key=lambda one: one[:2]) if last < self.at.date()]

    def asked(self, owner: str) -> list[Message]:
        """The messages in which an owner was asked, all year."""
        sent = self.slack.bot_messages(self.slack.person(owner))
        return [each for each in sent if any(texts("review.hint") in each.shown for texts in (ENGLISH, JAPANESE))]

    def expect(self, what: str, *, holds: bool) -> None:
        """Count a trial, and note what doesn't hold."""
        self.trials += 1
        if not holds:
            self.problems.append(f"{self.at:%Y-%m-%d}: {what}")


def run(share: float, seed: int = 0) -> Row:
    """Let a year pass; the bot is restarted some times."""
    with tempfile.TemporaryDirectory() as name, slack_for(Path(name)) as slack:
        year = Year(slack, random.Random(seed), {})
        _write(year, Path(name), max(20, round(ROWS * share)))
        with ExitStack() as running:
            for week in range(WEEKS):
                if week % (WEEKS // RESTARTS) == 0:
                    running.close()
                    bot = running.enter_context(_bot(slack, Path(name), lambda: year.at))
                _pass_week(year, bot)
    worst = year.problems[0] if year.problems else f"{sum(len(year.asked(each)) for each in OWNERS)} messages, all due"
    return Row(year.trials, len(year.problems), worst)


def _bot(slack: LocalSlack, folder: Path, clock: Callable[[], datetime]) -> AbstractContextManager[Bot]:
    return bot_in(slack, folder, clock=clock, knowledge_bases={"it-help": {"review_after": f"{DAYS}d"}}, timezone="UTC")


def _write(year: Year, folder: Path, count: int) -> None:
    """Write rows that were checked on any day of the half year before; every third has a date of its own."""
    lines = ["id,question,answer,owner,updated,review by"]
    for number in range(count):
        owner, updated = year.chance.choice(OWNERS), BEGIN.date() - timedelta(year.chance.randrange(DAYS))
        own = updated + timedelta(year.chance.randrange(30, 365)) if number % 3 == 0 else None
        year.entries[str(number)] = Entry(f"Question {number:04}?", owner, own or updated + timedelta(DAYS))
        lines.append(
            f"{number},Question {number:04}?,Answer {number}.,{year.slack.person(owner).id},{updated},{own or ''}"
        )
    (folder / "knowledge" / "it-help.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pass_week(year: Year, bot: Bot) -> None:
    """Look several times whether it is time to ask, compare what came, and let owners press."""
    before = {owner: len(year.asked(owner)) for owner in OWNERS}
    is_first = year.at == BEGIN
    expected = {owner: [] if is_first else year.due(owner) for owner in OWNERS}
    for hours in (0, 1, 30):
        WeeklyReviews(bot.services, lambda hours=hours: year.at + timedelta(hours=hours), pause_seconds=0).ask_if_due()  # type: ignore[misc]
    for owner, due in expected.items():
        fresh = year.asked(owner)[before[owner] :]
        year.expect(f"{owner} got {len(fresh)} messages for {len(due)} rows", holds=len(fresh) == bool(due))
        for message in fresh:
            _compare(year, owner, message, due)
            _press(year, owner, message)
    year.at += timedelta(days=7)


def _compare(year: Year, owner: str, message: Message, due: list[Entry]) -> None:
    told = COUNT.search(message.shown)
    count = int(told[1] or told[2]) if told else 0
    shown = re.findall(r"Question \d{4}\?", message.shown)
    year.expect(f"{owner} was asked about {count} rows of {len(due)}", holds=count == len(due))
    year.expect(f"{owner} was shown {shown}", holds=shown == [each.title for each in due[:SHOWN]])


def _press(year: Year, owner: str, message: Message) -> None:
    """Let an owner say of some rows that they are right; in some weeks nobody has time."""
    for _ in range(year.chance.choice([0, 0, 1, 7])):
        due = year.due(owner)
        if not due:
            return
        before = message.blocks
        year.slack.press(owner, message, "review_right")
        year.slack.wait_until(lambda before=before: message.blocks != before, what="what is left")  # type: ignore[misc]
        due[0].last = year.at.date() + timedelta(DAYS)
