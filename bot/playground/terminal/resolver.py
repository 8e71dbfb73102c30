"""Resolves typed words to controls, choices and people."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from bot.playground.slack.block_kit.controls import Control
from bot.playground.slack.entities import Person
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.server import LocalSlack
from bot.playground.terminal.screen import Numbered, Screen


class Resolver:
    """Looks words up on the screen and in the workspace; raises NotPossibleError when nothing matches."""

    def __init__(self, slack: LocalSlack, screen: Screen) -> None:
        self.slack = slack
        self.screen = screen

    def latest(self, words: str) -> tuple[int, str | None]:
        """Find the control drawn last with these words on it: its number, and the choice in it that they name."""
        there = [(number, each) for number, each in enumerate(self.screen.numbered, start=1) if each.is_there]
        for fits in (str.__eq__, str.__contains__):
            for number, each in reversed(there):
                if words and fits(each.control.label, words):
                    return number, None
                for option in each.control.options if words else ():
                    if fits(option["text"]["text"], words):
                        return number, option["text"]["text"]
        raise NotPossibleError(self.screen.texts("terminal.no_control", words=words))

    def value(self, numbered: Numbered, words: str) -> Any:
        """Return what `press` takes for these words: an option's value, an id, a text, or a list of them."""
        control = numbered.control
        if control.type.endswith("external_select"):
            return self._offered(numbered, words)
        several = control.type.startswith("multi_") or control.type == "checkboxes"
        if several:
            return [self._one_value(control, each.strip()) for each in re.split("[,、]", words) if each.strip()]
        return self._one_value(control, words)

    def _offered(self, numbered: Numbered, words: str) -> Any:
        """Return the app's first option for these words."""
        asked = self.slack.suggest(self.screen.person, numbered.on, numbered.index, words)
        offered = asked.options + [option for group in asked.option_groups for option in group["options"]]
        if not offered:
            raise NotPossibleError(self.screen.texts("terminal.no_offer", bot=self.screen.bot_name, words=words))
        return offered[:1] if numbered.control.type.startswith("multi_") else offered[0]

    def _one_value(self, control: Control, words: str) -> Any:
        if control.options:
            return control.option(int(words) - 1 if re.fullmatch(r"\d{1,6}", words) else words)["value"]
        if "users_select" in control.type:
            return self.person(words).id
        if "channels_select" in control.type or "conversations_select" in control.type:
            return self.slack.channel(words).id
        return words

    def person(self, name: str) -> Person:
        """Find somebody by key, handle, name or one word of the name."""
        wanted = unicodedata.normalize("NFKC", name).removeprefix("@").casefold()
        for person in self.slack.people.values():
            names = (person.key, person.handle, person.real_name, *person.real_name.split())
            if wanted in (each.casefold() for each in names):
                return person
        raise NotPossibleError(self.screen.texts("terminal.nobody", name=name))
