"""Actions as people, from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.control_actions import ControlActions
from bot.playground.slack.entities import Channel, Message, View
from bot.playground.slack.inspection import Inspection, Where, Who
from bot.playground.slack.interactions import Interaction
from bot.playground.slack.user_actions import UserActions


class UserApi(Inspection):
    """The part of LocalSlack that acts as people."""

    _user_actions: UserActions
    _controls: ControlActions

    # -- Messages ----------------------------------------------------------------------------------------

    def say(
        self,
        who: Who,
        where: Where,
        text: str,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        raw: bool = False,
    ) -> Message:
        """Type a message: escaped, with @names, #channels and links resolved as Slack does; `raw` sends it as it is."""
        return self._do(
            lambda: self._user_actions.say(
                self.workspace.person(who),
                self.workspace.channel(where),
                text if raw else self.workspace.typed(text),
                thread_ts=thread_ts,
                broadcast=broadcast,
            ),
        )

    def mention(self, who: Who, where: Where, text: str, *, thread_ts: str | None = None) -> Message:
        """Type a message that begins with a mention of the bot."""
        typed = f"<@{self.bot}> {self.workspace.typed(text)}".strip()
        return self.say(who, where, typed, thread_ts=thread_ts, raw=True)

    def dm(self, who: Who, text: str, *, thread_ts: str | None = None) -> Message:
        """Write to the bot directly."""
        return self.say(who, self.person(who), text, thread_ts=thread_ts)

    def edit(self, message: Message, text: str) -> Message:
        """Edit a message as its author."""
        return self._do(lambda: self._user_actions.edit(message, self.workspace.typed(text)))

    def delete(self, message: Message) -> None:
        """Delete a message; one with replies becomes a tombstone."""
        self._do(lambda: self._backend.delete(message))

    def unfurl(self, message: Message, title: str = "A preview") -> Message:
        """Add a link preview as Slack does: a message_changed with the same text."""
        return self._do(lambda: self._user_actions.unfurl(message, title))

    def react(self, who: Who, message: Message, name: str, *, add: bool = True) -> None:
        """Add a reaction, or remove it."""
        self._do(lambda: self._backend.react(self.workspace.person(who), message, name, add=add))

    def forward(
        self, who: Who, where: Where, original: Message, comment: str = "", *, thread_ts: str | None = None
    ) -> Message:
        """Forward a message, with an optional comment."""
        return self._do(
            lambda: self._user_actions.forward(
                self.workspace.person(who),
                self.workspace.channel(where),
                original,
                self.workspace.typed(comment),
                thread_ts=thread_ts,
            ),
        )

    def show_linked(self, message: Message, original: Message) -> Message:
        """Show a message below one that links to it, as Slack does a moment after that is posted."""
        return self._do(lambda: self._user_actions.show_linked(message, original))

    def permalink(self, message: Message) -> str:
        """Return the address of a message."""
        return payloads.permalink(self.workspace, message)

    def other_bot_says(
        self,
        where: Where,
        text: str,
        *,
        name: str = "Jenkins",
        thread_ts: str | None = None,
        blocks: list[dict[str, Any]] | None = None,
    ) -> Message:
        """Post a message by another app, or by a workflow."""
        return self._do(
            lambda: self._user_actions.other_bot(self.workspace.channel(where), text, name, thread_ts, blocks)
        )

    def upload(
        self,
        who: Who,
        where: Where,
        filename: str,
        data: bytes,
        *,
        comment: str = "",
        thread_ts: str | None = None,
    ) -> Message:
        """Share a file; the returned message has it in `files`."""
        return self._do(
            lambda: self._user_actions.upload(
                self.workspace.person(who),
                self.workspace.channel(where),
                filename,
                data,
                comment=self.workspace.typed(comment),
                thread_ts=thread_ts,
            ),
        )

    # -- Channels ----------------------------------------------------------------------------------------

    def invite_bot(self, where: Where, by: Who = "olivia") -> None:
        """Make the bot a member of a channel."""
        self.invite("bot", where, by)

    def invite(self, who: Who, where: Where, by: Who = "olivia") -> None:
        """Make somebody a member of a channel."""
        find = self.workspace.person
        self._do(lambda: self._backend.join(find(who), self.workspace.channel(where), find(by)))

    def remove(self, who: Who, where: Where) -> None:
        """Take somebody (or "bot") out of a channel."""

        def act() -> None:
            channel = self.workspace.channel(where)
            channel.members.remove(self.workspace.person(who).id)
            self._backend.tell("channel", channel)

        self._do(act)

    def create_channel(self, who: Who, name: str, *, is_private: bool = False) -> Channel:
        """Make a channel, with its creator as the only member."""
        return self._do(lambda: self._user_actions.create(self.workspace.person(who), name, is_private=is_private))

    def rename(self, where: Where, name: str, by: Who = "olivia") -> None:
        """Rename a channel."""
        self._do(lambda: self._user_actions.rename(self.workspace.person(by), self.workspace.channel(where), name))

    def archive(self, where: Where) -> None:
        """Archive a channel."""
        self._do(lambda: self._user_actions.archive(self.workspace.channel(where)))

    # -- Commands, buttons, forms ------------------------------------------------------------------------

    def command(
        self, who: Who, where: Where, line: str, *, thread_ts: str | None = None, wait: bool = True
    ) -> Interaction:
        """Type a slash command; by default wait for the ack or the timeout."""
        return self._interact(
            lambda: self._user_actions.command(
                self.workspace.person(who), self.workspace.channel(where), line, thread_ts=thread_ts
            ),
            wait=wait,
        )

    def press(
        self, who: Who, on: Message | View, what: str | int, value: Any = None, *, wait: bool = True
    ) -> Interaction:
        """Use a control on a message or view, named by action_id, value, label or index from 0.

        `value` is what to choose or type: an option's value, text or index, a list of these, an id, a text.
        """
        return self._interact(lambda: self._controls.press(self.workspace.person(who), on, what, value), wait=wait)

    def shortcut(self, who: Who, callback_id: str, message: Message | None = None, *, wait: bool = True) -> Interaction:
        """Use a global shortcut, or a shortcut on a message."""
        return self._interact(
            lambda: self._controls.shortcut(self.workspace.person(who), callback_id, message), wait=wait
        )

    def submit(
        self, who: Who, view: View, values: Mapping[str, Any] | None = None, *, wait: bool = True
    ) -> Interaction:
        """Fill in a modal (inputs named by block_id, action_id or label) and submit it."""
        filled = dict(values or {})
        return self._interact(lambda: self._controls.submit(self.workspace.person(who), view, filled), wait=wait)

    def close_view(self, who: Who, view: View, *, wait: bool = True) -> Interaction:
        """Close a modal without submitting it."""
        return self._interact(lambda: self._controls.close(self.workspace.person(who), view), wait=wait)

    def suggest(self, who: Who, on: Message | View, what: str | int, text: str, *, wait: bool = True) -> Interaction:
        """Type into a menu with external options; the app's response is in the interaction's `options`."""
        return self._interact(lambda: self._controls.suggest(self.workspace.person(who), on, what, text), wait=wait)

    def attach(self, who: Who, view: View, name: str, filename: str, data: bytes) -> dict[str, Any]:
        """Choose a file in a file input of a modal (named by block_id, action_id or label)."""
        return self._do(lambda: self._controls.attach(self.workspace.person(who), view, name, filename, data))

    def show(self, who: Who, where: Where, *, thread_ts: str = "", tab: str = "messages") -> None:
        """Make the open pages show this place as this person."""
        shown = {"as": self.person(who).id, "channel": self.channel(where).id, "thread_ts": thread_ts, "tab": tab}
        self._do(lambda: self._backend.tell("shown", shown))

    def visit(self, who: Who, tab: str = "home") -> None:
        """Open the app's home or messages tab without waiting."""
        self._do(lambda: self._backend.home_opened(self.workspace.person(who), tab))

    def open_home(self, who: Who, tab: str = "home", *, timeout: float = 20.0) -> View | None:
        """Open the app's home or messages tab; for the home tab, wait for the app to publish, and return the view."""
        person = self.person(who)
        before = self._do(lambda: (view := self.workspace.home(person)) and view.hash)
        self.visit(person, tab)
        if tab != "home":
            return None
        try:
            self.wait_until(lambda: (view := self.home(person)) and view.hash != before, timeout)
        except TimeoutError:
            return self.home(person)
        return self.home(person)

    def _interact(self, act: Callable[[], Interaction], *, wait: bool) -> Interaction:
        interaction = self._do(act)
        if wait:
            self.wait_until(lambda: interaction.finished, self.timing.ack + 10, "the end of the interaction")
        return interaction
