"""The local Slack as tests and the terminal use it: start it, act as people, and look at what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from aiohttp import web

from bot.playground.slack.app_config import DEFAULT_EVENTS, DEFAULT_SCOPES, AppSettings, Timing
from bot.playground.slack.backend import EVENT_SCOPES, Backend, Listener
from bot.playground.slack.block_kit.validation import RESERVED_COMMANDS, check_command_name
from bot.playground.slack.entities import Message, View
from bot.playground.slack.fault_injection import FaultInjector
from bot.playground.slack.inspection import Inspection, Where, Who
from bot.playground.slack.interactions import Interaction, Interactions
from bot.playground.slack.loop_thread import LoopThread
from bot.playground.slack.sample_workspace import sample_workspace
from bot.playground.slack.user_actions import UserActions
from bot.playground.slack.web_api.dispatch import MethodContext, WebApi
from bot.playground.slack.web_api.http_server import WebServer
from bot.playground.slack.web_api.methods import METHODS
from bot.playground.slack.workspace import Workspace


class Page(Protocol):
    """What is served beside Slack's own routes, such as the page in the browser."""

    def serve(self, slack: LocalSlack, app: web.Application) -> Listener:
        """Add routes to the server; the listener that is returned hears of everything that happens."""
        ...


class LocalSlack(Inspection):
    """A Slack workspace on 127.0.0.1 with one app registered; use it as a context manager.

    People are named by Person, id or key ("alice"); channels by Channel, id or name; a Person as a channel
    means their direct messages with the bot. `registration_warnings` tells of command names that a real Slack may
    refuse; names that it surely refuses raise ValueError. With a `page`, people can use it in a
    browser too. Everything may be called from any thread. Messages, views and interactions are live objects: they show
    what becomes of them.
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        *,
        commands: tuple[str, ...] = ("/search", "/kb"),
        scopes: Collection[str] = DEFAULT_SCOPES,
        events: Collection[str] = DEFAULT_EVENTS,
        reserved: Collection[str] = RESERVED_COMMANDS,
        ack_seconds: float = Timing.ack,
        retry_delays: tuple[float, ...] = Timing.retry_delays,
        trigger_seconds: float = Timing.trigger,
        response_url_seconds: float = Timing.response_url,
        ping_seconds: float = Timing.ping,
        refresh_grace: float = Timing.refresh_grace,
        rate_limits: bool = False,
        page_size: int = 1000,
        port: int = 0,
        page: Page | None = None,
    ) -> None:
        self.workspace = workspace or sample_workspace()
        if unknown := set(events) - EVENT_SCOPES.keys():
            raise ValueError(f"{', '.join(sorted(unknown))}: no event of an app with agent_view, or none that is known")
        warnings = [check_command_name(name, frozenset(reserved)) for name in commands]
        self.app = AppSettings(frozenset(scopes), frozenset(events), commands)
        self.timing = Timing(
            ack=ack_seconds,
            retry_delays=retry_delays,
            trigger=trigger_seconds,
            response_url=response_url_seconds,
            ping=ping_seconds,
            refresh_grace=refresh_grace,
        )
        self._port = port
        self._page = page
        self._rate_limits = rate_limits
        self._page_size = page_size
        self.registration_warnings = [each for each in warnings if each]

    def note(self, text: str) -> None:
        """Tell whoever looks on something that is no part of the workspace: a line of plain text."""
        self._do(lambda: self._backend.tell("note", text))

    # -- Life ----------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen; `api_url` is known afterwards."""
        self._loop = LoopThread("local-slack")
        try:
            self._loop.run(self._start())
        except BaseException:
            self._loop.stop()
            raise
        return self

    async def _start(self) -> None:
        self._backend = Backend(self.workspace, self.app, self.timing)
        self._backend.hub.app_id = self.workspace.app_id
        interactions = Interactions(self._backend)
        self._interactions = interactions
        self._user_actions = UserActions(self._backend, interactions, self.app.commands)
        context = MethodContext(self._backend, interactions, self._page_size)
        self._web = WebServer(context, WebApi(context, METHODS, rate_limits=self._rate_limits))
        application = self._web.application()
        if self._page is not None:
            self._backend.listeners.append(self._page.serve(self, application))
        self._runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.workspace.base_url = f"http://{host}:{port}"
        self.faults = FaultInjector(self._loop, self._backend, self._web)

    def stop(self) -> None:
        """Close every connection and leave no thread behind. What happened can still be looked at."""
        if self._loop.stopped:
            return
        try:
            self._loop.run(self._stop())
        finally:
            self._loop.stop()

    async def _stop(self) -> None:
        await self._backend.hub.stop()
        await self._runner.cleanup()
        await asyncio.sleep(0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The server's address, without a slash at the end."""
        return self.workspace.base_url

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL must be for the app."""
        return f"{self.base_url}/api/"

    @property
    def bot_token(self) -> str:
        """SLACK_BOT_TOKEN."""
        return self.app.bot_token

    @property
    def app_token(self) -> str:
        """SLACK_APP_TOKEN."""
        return self.app.app_token

    # -- Acting as people: messages ------------------------------------------------------------------------

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
        """Let Slack add a link preview: a message_changed with the same text."""
        return self._do(lambda: self._user_actions.unfurl(message, title))

    def react(self, who: Who, message: Message, name: str, *, add: bool = True) -> None:
        """React with an emoji, or take the reaction back."""
        self._do(lambda: self._backend.react(self.workspace.person(who), message, name, add=add))

    def other_bot_says(
        self, where: Where, text: str, *, name: str = "Jenkins", thread_ts: str | None = None
    ) -> Message:
        """Let another app post."""
        return self._do(lambda: self._user_actions.other_bot(self.workspace.channel(where), text, name, thread_ts))

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
        """Share a file; its Message has it in `files`."""
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

    # -- Acting as people: channels ------------------------------------------------------------------------

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

    def rename(self, where: Where, name: str) -> None:
        """Rename a channel."""
        self._do(lambda: self._user_actions.rename(self.workspace.channel(where), name))

    def archive(self, where: Where) -> None:
        """Archive a channel."""
        self._do(lambda: self._user_actions.archive(self.workspace.channel(where)))

    # -- Acting as people: commands, buttons, forms --------------------------------------------------------

    def command(
        self, who: Who, where: Where, line: str, *, thread_ts: str | None = None, wait: bool = True
    ) -> Interaction:
        """Type a slash command; by default wait until it is acked, or too late for that."""
        return self._interact(
            lambda: self._user_actions.command(
                self.workspace.person(who), self.workspace.channel(where), line, thread_ts=thread_ts
            ),
            wait=wait,
        )

    def press(
        self, who: Who, on: Message | View, what: str | int, value: Any = None, *, wait: bool = True
    ) -> Interaction:
        """Use something on a message or view, named by action_id, value, words or number (from 0).

        `value` is what to choose or type: an option's value, words or index, a list of these, an id, a text.
        """
        return self._interact(lambda: self._user_actions.press(self.workspace.person(who), on, what, value), wait=wait)

    def shortcut(self, who: Who, callback_id: str, message: Message | None = None, *, wait: bool = True) -> Interaction:
        """Use a global shortcut, or a shortcut on a message."""
        return self._interact(
            lambda: self._user_actions.shortcut(self.workspace.person(who), callback_id, message), wait=wait
        )

    def submit(
        self, who: Who, view: View, values: Mapping[str, Any] | None = None, *, wait: bool = True
    ) -> Interaction:
        """Fill in a modal (inputs named by block_id, action_id or label) and submit it."""
        filled = dict(values or {})
        return self._interact(lambda: self._user_actions.submit(self.workspace.person(who), view, filled), wait=wait)

    def close_view(self, who: Who, view: View, *, wait: bool = True) -> Interaction:
        """Close a modal without submitting it."""
        return self._interact(lambda: self._user_actions.close(self.workspace.person(who), view), wait=wait)

    def suggest(self, who: Who, on: Message | View, what: str | int, text: str, *, wait: bool = True) -> Interaction:
        """Type into a menu whose choices come from the app; they are the `options` of the interaction."""
        return self._interact(lambda: self._user_actions.suggest(self.workspace.person(who), on, what, text), wait=wait)

    def attach(self, who: Who, view: View, name: str, filename: str, data: bytes) -> dict[str, Any]:
        """Choose a file in a file input of a modal (named by block_id, action_id or label)."""
        return self._do(lambda: self._user_actions.attach(self.workspace.person(who), view, name, filename, data))

    def show(self, who: Who, where: Where, *, thread_ts: str = "", tab: str = "messages") -> None:
        """Let the pages that are open show this, as this person sees it."""
        shown = {"as": self.person(who).id, "channel": self.channel(where).id, "thread_ts": thread_ts, "tab": tab}
        self._do(lambda: self._backend.tell("shown", shown))

    def visit(self, who: Who, tab: str = "home") -> None:
        """Open the app's home or messages tab, and don't wait."""
        self._do(lambda: self._backend.home_opened(self.workspace.person(who), tab))

    def open_home(self, who: Who, tab: str = "home", *, timeout: float = 20.0) -> View | None:
        """Open the app's home (or messages) tab, and wait for the app to publish; what is there then."""
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
