"""What a script of pictures can do besides what can be typed in the terminal."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import insert

from bot.app import Bot
from bot.playground.slack.entities import Message
from bot.playground.terminal.session import Session
from handlers.learning import misses
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.privacy.announcement import announce
from handlers.store.database import new_id
from handlers.store.questions import AskedQuestion, FoundHit, Origin, Questions, questions
from handlers.synonyms.mining import look_for_synonyms

LULL = 2.0
DAY = 24 * 3600
WEEK = 7
KEPT_DAYS = 90
NOTICED = 6.0
"""How long it may take until a lost file is noticed, in seconds."""
ANSWERED = (3, 5, 4, 6, 7, 2, 1, 6, 8, 5, 7, 9, 3, 2, 7, 9, 8, 10, 9, 4, 2, 9, 11, 8, 10, 12, 3, 2, 10)
MISSED = (2, 3, 2, 2, 3, 1, 0, 2, 3, 1, 2, 2, 0, 1, 1, 2, 1, 2, 1, 0, 0, 1, 2, 0, 1, 1, 0, 0, 1)
"""Questions of the last days, for the picture of the trend."""


class Stage:
    """Plays the lines of a script; each of these begins with its name and a colon."""

    def __init__(self, session: Session, bot: Bot, knowledge: Path, sent: Path) -> None:
        self._session = session
        self._slack = session.slack
        self._bot = bot
        self._knowledge = knowledge
        self._sent = sent
        self._acts: dict[str, Callable[[str], object]] = {
            "send": self._send,
            "shortcut": self._shortcut,
            "row": self._row,
            "lose": self._lose,
            "digest": self._digest,
            "announce": self._announce,
            "trouble": self._trouble,
            "past": self._past,
            "visit": self._visit,
            "leave": self._leave,
            "right": self._right,
            "words": self._words,
        }

    @property
    def name(self) -> str:
        """Who acts."""
        return self._session.me.real_name

    def take(self, line: str) -> None:
        """Play a line."""
        command = re.fullmatch(r":(\w+)\s*(.*)", line)
        if command and command[1] in self._acts:
            self._acts[command[1]](command[2])
            self._session.waiter.settle(LULL)
        else:
            self._session.take(line)

    def _send(self, name: str) -> None:
        """`:send FILE`: upload a file of the folder `sent`."""
        here = self._session
        self._slack.upload(here.me, here.place, name, (self._sent / name).read_bytes())

    def _shortcut(self, argument: str) -> None:
        """`:shortcut ID`: use a message shortcut on what was said last, be it in a thread; `:shortcut ID global`."""
        if argument.endswith(" global"):
            self._session.take(f":shortcut {argument}")
            return
        callback_id = argument
        self._slack.shortcut(self._session.me, callback_id, self._last_said())

    def _last_said(self) -> Message:
        history = self._slack.history(self._session.place)
        said = [each for root in history for each in (root, *self._slack.replies(root)) if not each.bot_id]
        return max(said, key=lambda message: message.ts)

    def _row(self, argument: str) -> None:
        """`:row FILE TEXT`: add a line to a knowledge base's file, as an editor would."""
        name, _, line = argument.partition(" ")
        with (self._knowledge / name).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _lose(self, name: str) -> None:
        """`:lose FILE`: delete a knowledge base's file, and wait until the bot notices."""
        (self._knowledge / name).unlink()
        self._session.waiter.settle(NOTICED)

    def _announce(self, _: str) -> None:
        """`:announce`: tell admins a week ahead that the words of old questions will be removed."""
        announce(self._bot.services, KEPT_DAYS, time.time() + WEEK * DAY)

    def _digest(self, _: str) -> None:
        """`:digest`: post what the weekly digest would be now."""
        if digest := misses.digest(self._bot.services, WEEK, self._session.place.id):
            self._bot.services.messenger.post(self._session.place.id, digest)

    def _trouble(self, method: str) -> None:
        """`:trouble METHOD`: let Slack refuse the next call of a method."""
        self._slack.faults.error(method, "access_denied")

    def _visit(self, _: str) -> None:
        """`:visit`: open the Messages tab."""
        self._slack.visit(self._session.me, "messages")

    def _leave(self, _: str) -> None:
        """`:leave`: remove the bot from the channel."""
        self._slack.remove(self._slack.workspace.bot, self._session.place)

    def _right(self, argument: str) -> None:
        """`:right RECORD QUESTION`: have asked, and said that it was this record of the channel's knowledge base."""
        record, _, text = argument.partition(" ")
        database, me, place = self._bot.services.database, self._session.me.id, self._session.place
        hit = FoundHit(place.name, record, 1.0, 1.0)
        asked = AskedQuestion(Origin.SEARCH, place.id, me, text, (hit,), 1.0, 0.9, answered=True)
        if number := Questions(database).add(asked):
            AliasVotes(database).add(AliasVote(me, number, text, place.name, record, agrees=True))

    def _words(self, _: str) -> None:
        """`:words`: look for synonyms as housekeeping does."""
        look_for_synonyms(self._bot.services, time.time() + DAY)

    def _past(self, question: str) -> None:
        """`:past QUESTION`: some weeks in which it was asked, and sometimes not answered."""
        database = self._bot.services.database
        counts = zip(reversed(ANSWERED), reversed(MISSED), strict=True)
        days = [(ago, [True] * good + [False] * bad) for ago, (good, bad) in enumerate(counts, start=1)]
        rows = [self._asked(question, ago, answered=answered) for ago, asked in days for answered in asked]
        database.write("remember questions", insert(questions).values(rows))

    def _asked(self, question: str, ago: int, *, answered: bool) -> dict[str, object]:
        place = self._session.place
        return {
            "id": new_id(),
            "at": time.time() - ago * DAY,
            "source": "search",
            "channel": place.id,
            "user": self._session.me.id,
            "text": question,
            "hits": [asdict(FoundHit(place.name, "1", 1.0, 1.0))],
            "confidence": float(answered),
            "threshold": 0.9,
            "answered": answered,
        }
