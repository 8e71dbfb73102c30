"""Queries of the local Slack's state and history, and waiting for changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from bot.playground.slack.app_config import Timing
from bot.playground.slack.backend import Backend
from bot.playground.slack.calls import Call
from bot.playground.slack.entities import Channel, Message, Person, View
from bot.playground.slack.events import Listener
from bot.playground.slack.interactions import Interaction, Interactions
from bot.playground.slack.loop_thread import LoopThread
from bot.playground.slack.socket_mode.envelopes import Envelope
from bot.playground.slack.workspace import Workspace

Result = TypeVar("Result")
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.005, 0.025
_SHARE = 0.05
"""Seconds between two looks, and as what share of the time waited: who waits for long needs no more looks."""
Who = Person | str
Where = Channel | Person | str


class Inspection:
    """The part of LocalSlack that reads and waits."""

    workspace: Workspace
    timing: Timing
    _loop: LoopThread
    _backend: Backend
    _interactions: Interactions

    def _do(self, work: Callable[[], Result]) -> Result:
        return self._loop.do(work)

    # -- Looking -------------------------------------------------------------------------------------------

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return self.workspace.bot.id

    @property
    def people(self) -> Mapping[str, Person]:
        """People by key: hanako, alice, ichiro, olivia, guest, multi, external, partner, stranger, gone, bot."""
        return {person.key: person for person in self.workspace.people.values()}

    def person(self, who: Who) -> Person:
        """Find a person by id, key, handle or real name."""
        return self.workspace.person(who)

    def channel(self, where: Where) -> Channel:
        """Find a channel by id or name, or a person's direct messages with the bot."""
        return self._do(lambda: self.workspace.channel(where))

    def history(self, where: Where) -> list[Message]:
        """Messages of a channel, oldest first, without replies in threads and ephemeral messages."""
        return self._do(lambda: self.workspace.history(self.workspace.channel(where)))

    def replies(self, message: Message) -> list[Message]:
        """Replies in the thread that this message starts, oldest first."""
        return self._do(lambda: self.workspace.replies(message))

    def bot_messages(self, where: Where | None = None) -> list[Message]:
        """The bot's messages in one channel or in all, threads included, without ephemeral ones."""

        def find() -> list[Message]:
            channels = list(self.workspace.channels.values()) if where is None else [self.workspace.channel(where)]
            messages = [each for channel in channels for each in channel.messages]
            return [each for each in messages if each.bot_id == self.workspace.bot_id and not each.deleted]

        return self._do(find)

    def ephemerals(self, who: Who, where: Where | None = None) -> list[Message]:
        """Ephemeral messages for this person, oldest first."""

        def find() -> list[Message]:
            person = self.workspace.person(who)
            place = None if where is None else self.workspace.channel(where).id
            mine = (each for each in self.workspace.ephemerals if each.ephemeral_to == person.id)
            return [each for each in mine if not each.deleted and place in (None, each.channel)]

        return self._do(find)

    def home(self, who: Who) -> View | None:
        """The view that the app published on this person's home tab."""
        return self._do(lambda: self.workspace.home(self.workspace.person(who)))

    def views(self, who: Who) -> list[View]:
        """This person's open modals, the topmost last."""
        return self._do(lambda: self.workspace.modals(self.workspace.person(who)))

    @property
    def calls(self) -> list[Call]:
        """Every call by the app, in order; uses of response_url, upload and download count."""
        return list(self._backend.calls)

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.method == method]

    @property
    def envelopes(self) -> list[Envelope]:
        """Every payload for the app with its deliveries, in order."""
        return list(self._backend.hub.envelopes)

    @property
    def refusals(self) -> list[Call]:
        """The calls that failed or were refused; none, for a correct app without injected faults."""
        return [call for call in self.calls if not call.ok]

    @property
    def acked_too_late(self) -> list[Envelope]:
        """The payloads whose first delivery was not acked in time."""
        return [each for each in self.envelopes if each.outcome != "waiting" and not each.acked_within(self.timing.ack)]

    @property
    def interactions(self) -> list[Interaction]:
        """Every command, press, shortcut and submission that was sent to the app."""
        return list(self._interactions.all)

    @property
    def warnings(self) -> list[str]:
        """What Slack accepts but advises against, and acks of unknown envelopes."""
        unknown = (f"an ack of no known envelope: {each}" for each in self._backend.hub.unknown_acks)
        return [*self._backend.warnings, *unknown]

    @property
    def connections(self) -> int:
        """How many WebSockets the app has open."""
        return len(self._backend.hub.connections)

    @property
    def connections_opened(self) -> int:
        """How many WebSockets the app has opened so far."""
        return self._backend.hub.opened

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(what, thing)` on the server's thread for every event; returns a function that removes it."""
        self._do(lambda: self._backend.listeners.append(listener))
        return lambda: self._do(lambda: self._backend.listeners.remove(listener))

    # -- Waiting -------------------------------------------------------------------------------------------

    def wait_until(self, predicate: Callable[[], Result], timeout: float = 60.0, what: str = "") -> Result:
        """Wait for a true result of the predicate, and return it. Raises TimeoutError, which names the latest calls."""
        begun = time.monotonic()
        while not (result := predicate()):
            waited = time.monotonic() - begun
            if waited > timeout:
                raise TimeoutError(f"{what or 'it'} did not happen within {timeout:g} s; {self._lately()}")
            time.sleep(min(max(_SHARE * waited, _SHORTEST_PAUSE), _LONGEST_PAUSE))
        return result

    def _lately(self) -> str:
        calls = ", ".join(f"{each.method} {each.error or each.status}" for each in self.calls[-5:])
        waiting = sum(each.outcome == "waiting" for each in self.envelopes)
        return f"{self.connections} connections, {waiting} envelopes waiting, last calls: {calls or 'none'}"

    def wait_connected(self, count: int = 1, timeout: float = 60.0) -> None:
        """Wait until the app has `count` connections ready for payloads."""
        ready = self._backend.hub.ready
        self.wait_until(lambda: self._do(ready) >= count, timeout, f"{count} connection(s)")

    def quiet(self, seconds: float = 0.3, timeout: float = 60.0) -> None:
        """Wait until nothing was called, posted or delivered for `seconds`, and no ack is pending."""

        def still() -> bool:
            silent_for = time.monotonic() - self._backend.active_at
            return silent_for >= seconds and not self._backend.hub.awaiting_ack()

        self.wait_until(lambda: self._do(still), timeout, f"{seconds:g} s of silence")

    def reply(self, to: Message | Interaction, timeout: float = 60.0) -> Message:
        """Wait for the bot's first reply: to an interaction, or to a message in its thread or DM."""
        if isinstance(to, Interaction):
            return self.wait_until(lambda: list(to.messages), timeout, "an answer")[0]
        return self.wait_until(lambda: self._answers(to), timeout, "an answer")[0]

    def _answers(self, message: Message) -> list[Message]:
        thread = message.thread_ts or message.ts
        direct = self.channel(message.channel).is_im
        found = (each for each in self.bot_messages(message.channel) if float(each.ts) > float(message.ts))
        return [each for each in found if each.thread_ts == thread or (direct and each.thread_ts is None)]
