"""LocalSlack: a Slack server for one app, to start, act in and inspect."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from aiohttp import web

from bot.manifest import RESERVED_COMMANDS
from bot.playground.slack.app_config import DEFAULT_EVENTS, DEFAULT_SCOPES, AppSettings, Timing
from bot.playground.slack.backend import Backend
from bot.playground.slack.block_kit.validation import check_command_name
from bot.playground.slack.control_actions import ControlActions
from bot.playground.slack.events import EVENT_SCOPES, Listener
from bot.playground.slack.fault_injection import FaultInjector
from bot.playground.slack.interactions import Interactions
from bot.playground.slack.loop_thread import LoopThread
from bot.playground.slack.notes import Note
from bot.playground.slack.sample_workspace import sample_workspace
from bot.playground.slack.user_actions import UserActions
from bot.playground.slack.user_api import UserApi
from bot.playground.slack.web_api.dispatch import MethodContext, WebApi
from bot.playground.slack.web_api.http_server import WebServer
from bot.playground.slack.web_api.methods import METHODS
from bot.playground.slack.workspace import Workspace


class Page(Protocol):
    """Something that adds routes to the server, such as the page in the browser."""

    def serve(self, slack: LocalSlack, app: web.Application) -> Listener:
        """Add routes to the server, and return a listener for its events."""
        ...


class LocalSlack(UserApi):
    """A Slack workspace on 127.0.0.1 with one app registered; use it as a context manager.

    People are named by Person, id or key ("alice"); channels by Channel, id or name; a Person as a channel
    means their direct messages with the bot. `registration_warnings` lists command names that some Slack workspaces
    refuse; names that all refuse raise ValueError. `page` serves the workspace in the browser too. Everything may be
    called from any thread. Messages, views and interactions are live objects, which reflect later changes.
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
        self.app = AppSettings(frozenset(scopes), frozenset(events), commands, reserved=frozenset(reserved))
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
        self.standing: Mapping[str, Note] = {}
        """What is said for as long as it is so, by what it is about; see `stand`."""
        self.registration_warnings = [each for each in warnings if each]

    def note(self, note: Note) -> None:
        """Notify listeners of a line of plain text that is not part of the workspace."""
        self._do(lambda: self._backend.tell("note", note))

    def stand(self, notes: Mapping[str, Note]) -> None:
        """Replace what is said for as long as it is so, and notify listeners."""
        self.standing = dict(notes)
        self._do(lambda: self._backend.tell("standing", self.standing))

    # -- Life ----------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start the server; `api_url` is known afterwards."""
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
        self._controls = ControlActions(self._backend, interactions)
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
        """Close every connection and end the thread. State and history can still be read."""
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
        """The server's URL, without a trailing slash."""
        return self.workspace.base_url

    @property
    def port(self) -> int:
        """The port that the server listens at."""
        return int(self.base_url.rpartition(":")[2])

    @property
    def api_url(self) -> str:
        """The value of SLACK_API_URL for the app."""
        return f"{self.base_url}/api/"

    @property
    def bot_token(self) -> str:
        """The value of SLACK_BOT_TOKEN for the app."""
        return self.app.bot_token

    @property
    def app_token(self) -> str:
        """The value of SLACK_APP_TOKEN for the app."""
        return self.app.app_token

    @property
    def config_token(self) -> str:
        """An app configuration token, which creates apps."""
        return self.app.config_token

    @property
    def manifests(self) -> list[dict[str, Any]]:
        """The manifests from which the app was created."""
        return list(self._backend.manifests)
