"""The terminal's output: everything that arrives for its person, in order."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from bot.playground.slack.block_kit.controls import INITIAL, Control, controls
from bot.playground.slack.entities import Channel, Message, Person, View
from bot.playground.slack.notes import Note
from bot.playground.slack.server import LocalSlack
from bot.playground.terminal.block_renderer import Numbers, render
from bot.playground.terminal.mrkdwn import Paragraph, clean, mrkdwn, snippet
from bot.texts import ENGLISH
from handlers.texts import Texts

WIDTH = 100
"""Maximum width in columns: longer lines are hard to read."""
REPLIES = 3
DRAWN = ("message", "changed", "deleted", "view", "note", "standing")


@dataclass(frozen=True)
class Numbered:
    """A control on the screen, used by its number."""

    on: Message | View
    index: int
    control: Control

    @property
    def takes_value(self) -> bool:
        """Whether it takes a text or an option."""
        return self.control.type in INITIAL or self.control.type in ("overflow", "feedback_buttons")

    @property
    def is_there(self) -> bool:
        """Whether its message or view still has it."""
        found = controls(self.on.blocks)
        gone = self.on.deleted if isinstance(self.on, Message) else not self.on.open
        if gone or self.index >= len(found):
            return False
        now = found[self.index]
        return (now.block_id, now.action_id) == (self.control.block_id, self.control.action_id)


class Screen:
    """Draws what one person sees. `arrived` is called on the server's thread, everything else on others."""

    def __init__(
        self, slack: LocalSlack, console: Console, person: Person, place: Channel, texts: Texts = ENGLISH
    ) -> None:
        self.slack = slack
        self.workspace = slack.workspace
        self.console = console
        self.person = person
        self.place = place
        self.texts = texts
        self.home_is_open = False
        self.heard = 0
        self.active_at = time.monotonic()
        self.numbered: list[Numbered] = []
        self._arrivals: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._drawn: dict[Message, tuple[Any, ...]] = {}
        self._standing: Mapping[str, Note] = {}
        self._drawing = threading.Lock()

    # -- Arrivals ------------------------------------------------------------------------------------------

    def arrived(self, what: str, thing: Any) -> None:
        """Queue an event of the server for drawing."""
        self.active_at = time.monotonic()
        if what in DRAWN:
            self._arrivals.put((what, thing))

    @property
    def pending(self) -> bool:
        """Whether anything is queued."""
        return not self._arrivals.empty()

    def draw(self) -> None:
        """Draw what arrived since the last time, if this person sees it."""
        with self._drawing:
            while self.pending:
                what, thing = self._arrivals.get()
                if isinstance(thing, Note):
                    self._note(thing)
                elif what == "standing":
                    self._standing_arrived(thing)
                elif isinstance(thing, View):
                    self._view_arrived(thing)
                elif self._sees(thing):
                    self._message_arrived(what, thing)

    def _note(self, note: Note) -> None:
        self.hint(clean(note.text(self.person.locale)))

    def _standing_arrived(self, notes: Mapping[str, Note]) -> None:
        """Draw what is new; what has to be mended is repeated by `problems` anyway."""
        before, self._standing = self._standing, notes
        for about, note in notes.items():
            if before.get(about) != note:
                self._note(note)

    def problems(self) -> None:
        """Draw again what has to be mended: it stays until it is."""
        for note in self._standing.values():
            if note.is_problem:
                self.problem(clean(note.text(self.person.locale)))

    def _sees(self, message: Message) -> bool:
        if message.ephemeral_to is not None:
            return message.ephemeral_to == self.person.id
        return message.channel == self.place.id or self.person.id in self.workspace.channels[message.channel].members

    def _message_arrived(self, what: str, message: Message) -> None:
        if what == "deleted":
            self._deleted(message)
        elif what == "message" and message.user == self.person.id and not message.subtype:
            self._drawn[message] = _content(message)
        elif self._drawn.get(message) != _content(message):
            self.heard += message.user != self.person.id
            self.message(message)
        elif message.reactions:
            reactions = "  ".join(f":{name}: {len(users)}" for name, users in message.reactions.items())
            self.line(
                Text.assemble(
                    mrkdwn(reactions, self.workspace), self.texts("terminal.reacted", message=self._snippet(message))
                ),
                "dim",
            )

    def _deleted(self, message: Message) -> None:
        if message.subtype == "tombstone" and message.deleted:
            return  # its words were gone before
        author, text, *_ = self._drawn.pop(message, _content(message))
        self.heard += author != self.person.id
        self.hint(self.texts("terminal.deleted", message=snippet(text, self.workspace)))

    def _view_arrived(self, view: View) -> None:
        if view.user != self.person.id or (view.type == "home" and not self.home_is_open):
            return
        self.heard += 1
        if view.open:
            self.view(view)
        else:
            self.hint(self.texts("terminal.closed", title=clean(view.title)))

    # -- Messages ------------------------------------------------------------------------------------------

    def message(self, message: Message) -> None:
        """Draw a message with its author, its place, and numbers on its controls."""
        self._drawn[message] = _content(message)
        if message.subtype in ("channel_join", "tombstone"):
            self.line(mrkdwn(message.text, self.workspace), "dim")
            return
        indent = 4 if message.is_reply else 0
        notes = " · ".join(("", *self._notes(message)))
        header = Text.assemble((self._author(message), "bold"), (notes, "dim"))
        self._print(header, indent)
        for each in self._body(message):
            self._print(each, indent + 2)

    def history(self, count: int = 5) -> None:
        """Draw the last messages of the current place, with the last replies to each."""
        for message in self.slack.history(self.place)[-count:]:
            self.message(message)
            replies = self.slack.replies(message)
            if len(replies) > REPLIES:
                self.hint(self.texts("terminal.earlier", count=len(replies) - REPLIES))
            for reply in replies[-REPLIES:]:
                self.message(reply)

    def _author(self, message: Message) -> str:
        person = self.workspace.people.get(message.user)
        return clean(person.real_name if person else message.username or message.user)

    def _notes(self, message: Message) -> Iterable[str]:
        if message.channel != self.place.id:
            yield self.texts("terminal.note.place", place=self.name_of(self.workspace.channels[message.channel]))
        if message.is_reply:
            yield self.texts("terminal.note.thread", message=self._thread(message))
        if message.ephemeral_to is not None:
            yield self.texts("terminal.note.private")
        if message.edited:
            yield self.texts("terminal.note.edited")

    def _thread(self, message: Message) -> str:
        root = self.workspace.message(self.workspace.channels[message.channel], message.thread_ts or "")
        return self.beginning(root) if root else self.texts("terminal.gone")

    def beginning(self, message: Message) -> str:
        """Return a message's author and first words."""
        return self.texts("terminal.beginning", author=self._author(message), message=self._snippet(message))

    def _snippet(self, message: Message) -> str:
        return snippet(message.text or message.shown, self.workspace)

    def _body(self, message: Message) -> list[RenderableType]:
        if message.blocks:
            body = render(message.blocks, self.workspace, self._number(message), message.state)
        else:
            body = [Paragraph(mrkdwn(message.text, self.workspace))] if message.text else []
        files = [self.texts("terminal.file", name=clean(file.name)) for file in message.files]
        body += [Paragraph(Text(each, style="dim")) for each in files]
        for attachment in message.attachments:
            words = attachment.get("text") or attachment.get("fallback") or attachment.get("title") or ""
            body += render(attachment.get("blocks", []), self.workspace, {}, {})
            body += [Paragraph(mrkdwn(str(words), self.workspace))] if words else []
        return body

    def _number(self, on: Message | View) -> Numbers:
        """Number every control; numbers are unique within the session."""
        numbers = {}
        for index, control in enumerate(controls(on.blocks)):
            self.numbered.append(Numbered(on, index, control))
            numbers[control.block_id, control.action_id] = len(self.numbered)
        return numbers

    # -- Views ---------------------------------------------------------------------------------------------

    def view(self, view: View) -> None:
        """Draw a modal or the home tab."""
        title = self.texts("terminal.home", bot=self.bot_name) if view.type == "home" else clean(view.title)
        self._print(Rule(Text(title, style="bold"), align="left", style="dim"), 0)
        numbers = self._number(view)
        for each in render(view.blocks, self.workspace, numbers, view.state):
            self._print(each, 2)
        for block_id, error in view.errors.items():
            self.problem(f"{self._label(view, block_id)}: {error}")
        fillable = [number for number in numbers.values() if self.numbered[number - 1].takes_value]
        if fillable:
            self.hint(self.texts("terminal.fill_by_number", number=fillable[0]))
        if view.type == "modal":
            self.hint(self.texts("terminal.submit"))

    def _label(self, view: View, block_id: str) -> str:
        return next((each.label for each in controls(view.blocks) if each.block_id == block_id), block_id)

    # -- Lines ---------------------------------------------------------------------------------------------

    @property
    def bot_name(self) -> str:
        """The bot's name."""
        return self.workspace.bot.real_name

    def name_of(self, channel: Channel) -> str:
        """A channel's name as shown to people."""
        return self.texts("terminal.direct", bot=self.bot_name) if channel.is_im else f"#{channel.name}"

    def hint(self, text: str) -> None:
        """Print a hint."""
        self.line(Text(clean(text)), "dim")

    def problem(self, text: str) -> None:
        """Print what was not possible, and what to do."""
        self.line(Text(clean(text)), "yellow")

    def line(self, text: Text, style: str = "") -> None:
        """Print a paragraph."""
        text.stylize(style)
        self._print(Paragraph(text), 0)

    def table(self, table: RenderableType) -> None:
        """Print a table or another renderable."""
        self._print(table, 0)

    def _print(self, what: RenderableType, indent: int) -> None:
        self.console.print(_Indented(what, indent), width=min(self.console.width, WIDTH), end="")


def _content(message: Message) -> tuple[Any, ...]:
    return message.user, message.text or message.shown, message.blocks, message.attachments


class _Indented:
    """An indented renderable; unlike rich's Padding it leaves no trailing spaces."""

    def __init__(self, what: RenderableType, indent: int) -> None:
        self.what = what
        self.indent = indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrower = options.update(width=max(10, options.max_width - self.indent))
        for line in console.render_lines(self.what, narrower, pad=False):
            yield Segment(" " * self.indent)
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                yield from line[:-1]
                yield line[-1]._replace(text=line[-1].text.rstrip())
            yield Segment.line()
