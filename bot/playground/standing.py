"""What the trial says for as long as it is so: files that can't be used, and that only words are searched."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bot.background import BackgroundThread
from bot.playground.slack.notes import Note
from bot.playground.slack.server import LocalSlack
from handlers.services import Services
from handlers.texts import ENGLISH, JAPANESE, Texts
from indexes.messages import Translatable

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


class Standing(BackgroundThread):
    """Looks at the bot's knowledge bases, and keeps the notes of the local Slack up to date."""

    def __init__(self, slack: LocalSlack, services: Services, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__("kotae-standing")
        self._slack = slack
        self._services = services
        self._look_seconds = look_seconds

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self._look_seconds)

    def look(self) -> None:
        """Tell what has changed since the last look, if anything."""
        now = notes(self._services)
        if now != self._slack.standing:
            self._slack.stand(now)


def notes(services: Services) -> Mapping[str, Note]:
    """Return what is so now, by what it is about."""
    registry = services.registry
    found = {name: _unusable(name, why, is_old=False) for name, why in registry.failures.items()}
    found |= {name: _unusable(name, one.trouble, is_old=True) for name, one in registry.loaded.items() if one.trouble}
    if services.searches_words_only(registry.loaded):
        found[""] = _words_only(services.process().model_trouble)
    return found


def _unusable(name: str, why: Translatable, *, is_old: bool) -> Note:
    """Say what is wrong with a file, and what answers meanwhile."""
    english = "Its earlier rows answer until it is mended." if is_old else "It answers nothing until it is mended."
    japanese = "直るまでは、前の内容で答えます。" if is_old else "直るまでは、答えに使いません。"
    return Note(f"{name}: {ENGLISH.say(why)}. {english}", f"{name}: {JAPANESE.say(why)}。{japanese}", is_problem=True)


def _words_only(trouble: Translatable | None) -> Note:
    def said(words: Texts) -> str:
        return words("lexical.home") + (f" {words.say(trouble)}" if trouble else "")

    return Note(said(ENGLISH), said(JAPANESE))
