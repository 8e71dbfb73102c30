"""The interpreter of lines typed in the terminal."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.playground.slack.entities import Channel, Message, Person, View
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.server import LocalSlack
from bot.playground.slack.text import separate_mention
from bot.playground.terminal import listings
from bot.playground.terminal.listings import admin_command, an_admin
from bot.playground.terminal.mrkdwn import clean
from bot.playground.terminal.resolver import Resolver
from bot.playground.terminal.screen import Screen
from bot.playground.terminal.waiting import QUIET, Waiter
from handlers.texts import Texts
from indexes.messages import Translatable, reason

PATIENCE = 30.0
GLOBAL = "global"
"""Behind the name of a shortcut that belongs to no message."""
PRESSED = 3.0
UNASKED = 1.5
LONGEST_WAIT = 3600.0
COMMAND = re.compile(r"[:：]([a-z]+)(?:\s+(.*))?", re.DOTALL)
NUMBER = re.compile(r"(\d{1,6})(?:\s+(.*))?", re.DOTALL)
WRITTEN = ("", "thread_broadcast", "file_share")


class Session:
    """The state of a terminal session: who the user is and where; and the commands."""

    def __init__(self, slack: LocalSlack, screen: Screen, patience: float = PATIENCE) -> None:
        self.slack = slack
        self.screen = screen
        self.resolver = Resolver(slack, screen)
        self.waiter = Waiter(slack, screen, patience)
        self.thread: Message | None = None
        self.ended = False
        self._commands: dict[str, Callable[[str], None]] = {
            "as": self._become,
            "people": lambda _: screen.table(listings.people(slack.workspace, self.texts)),
            "in": self._go,
            "channels": lambda _: screen.table(self._channels()),
            "dm": self._go_direct,
            "thread": self._reply_in_thread,
            "edit": self._edit,
            "delete": self._delete,
            "home": self._home,
            "press": self._press,
            "fill": self._fill,
            "wait": self._wait,
            "invite": self._invite,
            "upload": self._upload,
            "shortcut": self._shortcut,
            "submit": self._submit,
            "close": self._close,
            "help": lambda _: screen.table(listings.usage(slack, self.me)),
            "quit": self._quit,
        }

    @property
    def texts(self) -> Texts:
        """The words of the terminal."""
        return self.screen.texts

    def _cannot(self, key: str, **values: object) -> NotPossibleError:
        return NotPossibleError(self.texts(key, **values))

    def _why(self, error: Exception) -> str:
        why = reason(error)
        return self.texts.say(why) if isinstance(why, Translatable) else str(why)

    @property
    def me(self) -> Person:
        """The person whom the user is."""
        return self.screen.person

    @property
    def place(self) -> Channel:
        """The channel where the user is."""
        return self.screen.place

    @property
    def prompt(self) -> str:
        """The prompt: who and where the user is."""
        kind = f"{'direct' if self.place.is_im else 'channel'}{'_thread' if self.thread else ''}"
        names = {"me": self.me.real_name, "bot": self.screen.bot_name, "channel": self.place.name}
        return f"{clean(self.texts(f'terminal.prompt.{kind}', **names)).rstrip()} "

    def take(self, line: str) -> None:
        """Perform a typed line. What is not possible is explained in one line."""
        text = clean(line).strip()
        self.screen.draw()
        try:
            if text:
                self._do(text)
        except (NotPossibleError, LookupError, TimeoutError) as error:
            self.screen.draw()
            said = str(error) if self.texts.language == "ja" else f"{str(error)[:1].upper()}{str(error)[1:]}"
            self.screen.problem(f"{said}{self.texts('terminal.full_stop')}")
        self.screen.problems()

    def _do(self, text: str) -> None:
        if command := COMMAND.fullmatch(text):
            self._obey(command[1], (command[2] or "").strip())
        elif text.startswith("/"):
            self._slash(text)
        elif not self._used_number(text):
            self._say(text)

    def _obey(self, name: str, argument: str) -> None:
        if name not in self._commands:
            raise self._cannot("terminal.no_command", name=name)
        self._commands[name](argument)

    def _channels(self) -> Table:
        return listings.channels(self.slack.workspace, self.me, self._visible(), self.texts)

    def _quit(self, _: str) -> None:
        self.ended = True

    # -- Writing -------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.screen.home_is_open = False
        bot = self.screen.bot_name
        typed = separate_mention(text, bot)
        message = self.slack.say(self.me, self.place, typed, thread_ts=self.thread.ts if self.thread else None)
        if self.slack.bot not in self.place.members:
            self.screen.hint(self.texts("terminal.unheard", bot=bot, channel=self.place.name))
        elif self.place.is_im or f"<@{self.slack.bot}>" in message.text:
            self.waiter.await_answer()
        elif not self.waiter.settle(UNASKED):
            how = {"command": admin_command(self.slack), "admin": an_admin(self.slack)}
            self.screen.hint(self.texts("terminal.silent", bot=bot, **how))

    def _slash(self, text: str) -> None:
        self.screen.home_is_open = False
        thread_ts = self.thread.ts if self.thread else None
        interaction = self.slack.command(self.me, self.place, text, thread_ts=thread_ts, wait=False)
        self.waiter.await_outcome(interaction, text.split(maxsplit=1)[0], self.waiter.patience)

    def _edit(self, text: str) -> None:
        if not text:
            raise self._cannot("terminal.edit_what")
        self.slack.edit(self._my_last(), text)
        self.waiter.settle(UNASKED)

    def _delete(self, _: str) -> None:
        self.slack.delete(self._my_last())
        self.waiter.settle(UNASKED)

    def _my_last(self) -> Message:
        for message in reversed(self._messages()):
            if message.user == self.me.id and message.subtype in WRITTEN:
                return message
        raise self._cannot("terminal.nothing_written")

    def _messages(self) -> list[Message]:
        return [each for each in list(self.place.messages) if not each.deleted]

    def _reply_in_thread(self, argument: str) -> None:
        if argument.casefold() == "off":
            self.thread = None
            return
        written = [each for each in self._messages() if each.subtype in WRITTEN]
        if not written:
            raise self._cannot("terminal.no_thread")
        last = written[-1]
        self.thread = self.slack.workspace.message(self.place, last.thread_ts or last.ts) or last
        self.slack.show(self.me, self.place, thread_ts=self.thread.ts)
        self.screen.hint(self.texts("terminal.in_thread", message=self.screen.beginning(self.thread)))

    # -- Using what has a number ---------------------------------------------------------------------------

    def _used_number(self, text: str) -> bool:
        """Handle a line that begins with a control's number; return False when it is a message instead."""
        match = NUMBER.fullmatch(text)
        if not match:
            return False
        number, words = int(match[1]), match[2]
        known = 0 < number <= len(self.screen.numbered)
        if words is None and not known:
            raise self._cannot("terminal.no_number", number=number)
        if not known or (words is not None and not self.screen.numbered[number - 1].takes_value):
            return False
        self._use(number, words)
        return True

    def _press(self, words: str) -> None:
        number, choice = self.resolver.latest(words)
        self._use(number, choice)

    def _fill(self, argument: str) -> None:
        label, sign, words = (part.strip() for part in argument.partition("="))
        if not sign or not label:
            raise self._cannot("terminal.fill_what")
        self._use(self.resolver.latest(label)[0], words)

    def _wait(self, seconds: str) -> None:
        try:
            end = time.monotonic() + min(float(seconds), LONGEST_WAIT)
        except ValueError:
            raise self._cannot("terminal.wait_what") from None
        while time.monotonic() < end:
            self.screen.draw()
            time.sleep(0.02)

    def _use(self, number: int, words: str | None) -> None:
        numbered = self.screen.numbered[number - 1]
        control = numbered.control
        if not numbered.is_there:
            raise self._cannot("terminal.not_there", number=number)
        if numbered.takes_value and words is None:
            example = "1" if control.options else self.texts("terminal.example")
            raise self._cannot("terminal.choice_what", number=number, example=example)
        value = self.resolver.value(numbered, words) if words is not None else None
        if isinstance(numbered.on, View):
            self.screen.home_is_open = numbered.on.type == "home"
        interaction = self.slack.press(self.me, numbered.on, numbered.index, value, wait=False)
        if control.in_input:
            self.screen.hint(f"{control.label}: {words}")
        else:
            self.waiter.await_outcome(interaction, f"[{number}]", PRESSED)

    # -- Home and forms ------------------------------------------------------------------------------------

    def _home(self, _: str) -> None:
        self.screen.home_is_open = True
        self.slack.show(self.me, self.slack.channel(self.me), tab="home")
        view = self.slack.open_home(self.me)
        if not self.waiter.settle(QUIET):
            if view is None:
                raise self._cannot("terminal.no_home", bot=self.screen.bot_name)
            self.screen.view(view)

    def _shortcut(self, argument: str) -> None:
        callback_id, _, kind = argument.partition(" ")
        written = [each for each in self._messages() if each.subtype in WRITTEN]
        if not callback_id or not (written or kind == GLOBAL):
            raise self._cannot("terminal.shortcut_what")
        interaction = self.slack.shortcut(self.me, callback_id, None if kind == GLOBAL else written[-1], wait=False)
        self.waiter.await_outcome(interaction, callback_id, PRESSED)

    def _submit(self, _: str) -> None:
        view = self._form()
        interaction = self.slack.submit(self.me, view, wait=False)
        if interaction.errors:
            self.screen.view(view)
        else:
            self.waiter.await_outcome(interaction, ":submit", PRESSED)

    def _close(self, _: str) -> None:
        self.slack.close_view(self.me, self._form(), wait=False)
        self.waiter.settle(QUIET)

    def _form(self) -> View:
        if forms := self.slack.views(self.me):
            return forms[-1]
        raise self._cannot("terminal.no_form")

    # -- Who and where -------------------------------------------------------------------------------------

    def _become(self, name: str) -> None:
        if not name:
            raise self._cannot("terminal.who")
        person = self.resolver.person(name)
        if person.is_bot or person.deleted:
            raise self._cannot("terminal.not_you", person=person.real_name)
        stays = not self.place.is_im and self.slack.workspace.person_sees(person, self.place)
        self._move(person, self.place if stays else self.slack.channel(person))

    def _go(self, name: str) -> None:
        if not name:
            raise self._cannot("terminal.where")
        wanted = unicodedata.normalize("NFKC", name).removeprefix("#").casefold()
        for channel in self._visible():
            if channel.name.casefold() == wanted:
                self._move(self.me, channel)
                return
        raise self._cannot("terminal.no_channel", name=name, me=self.me.real_name)

    def _go_direct(self, _: str) -> None:
        self._move(self.me, self.slack.channel(self.me))

    def _visible(self) -> list[Channel]:
        ours = self.slack.workspace
        return [each for each in list(ours.channels.values()) if not each.is_im and ours.person_sees(self.me, each)]

    def _move(self, person: Person, place: Channel) -> None:
        self.screen.person, self.screen.place = person, place
        self.slack.show(person, place)
        self.screen.home_is_open = False
        self.thread = None
        topic = f": {place.topic}" if place.topic else ""
        names = {"person": person.real_name, "place": self.screen.name_of(place), "topic": topic}
        title = self.texts("terminal.at_place", **names)
        self.screen.table(Rule(Text(clean(title), style="bold"), align="left", style="dim"))
        self.screen.history()
        if self.slack.bot not in place.members:
            self.screen.hint(self.texts("terminal.not_in", bot=self.screen.bot_name, channel=place.name))

    def _invite(self, _: str) -> None:
        if self.slack.bot in self.place.members:
            raise self._cannot("terminal.is_in", bot=self.screen.bot_name)
        if self.me.id not in self.place.members:
            raise self._cannot("terminal.no_member", me=self.me.real_name, channel=self.place.name)
        self.slack.invite_bot(self.place, by=self.me)
        self.waiter.settle(UNASKED)

    def _upload(self, name: str) -> None:
        if not name:
            raise self._cannot("terminal.upload_what")
        try:
            file = Path(name).expanduser()
            data = file.read_bytes()
        except (OSError, RuntimeError) as error:  # RuntimeError: there is nobody with such a home
            raise self._cannot("terminal.no_file", file=name, why=self._why(error)) from None
        thread_ts = self.thread.ts if self.thread else None
        self.slack.upload(self.me, self.place, file.name, data, thread_ts=thread_ts)
        self.waiter.settle(UNASKED)

    def sample_place(self) -> str:
        """A channel for examples, where the bot can be mentioned."""
        members = {self.me.id, self.slack.bot}
        names = [f"#{each.name}" for each in self._visible() if members <= set(each.members)]
        return "#it-help" if "#it-help" in names or not names else names[0]
