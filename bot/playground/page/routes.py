"""The page's routes on the local Slack's server: static files, a stream of events, and actions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from bot.playground.page import serializers
from bot.playground.page.actions import ACTIONS
from bot.playground.page.guard import Guard, headers
from bot.playground.page.traffic import Traffic
from bot.playground.slack.entities import Channel, Message, Person, View
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.interactions import Interaction
from bot.playground.slack.notes import Note
from bot.playground.slack.server import LocalSlack

JSON = dict[str, Any]
Explain = Callable[[JSON], JSON]
STATIC = Path(__file__).with_name("static")
KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Content types of the page's files: what the system says of them, anybody may have changed."""
MOST_WAITING = 2000
"""Events queued for one slow tab; beyond that it is disconnected, and starts from a snapshot when it reconnects."""
HELLO_SECONDS = 10.0


@dataclass(eq=False)
class Tab:
    """One open page, and the person who uses it."""

    person: Person
    waiting: asyncio.Queue[JSON] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    overrun: bool = False

    def put(self, told: JSON) -> None:
        """Queue an event for the tab."""
        try:
            self.waiting.put_nowait(told)
        except asyncio.QueueFull:
            self.overrun = True


class Page:
    """Serves the page. `features` are those of the app's manifest; `questions` are suggested, by knowledge base.

    `knowledge` is the folder whose files are edited, which may be a copy.
    """

    def __init__(
        self,
        features: Mapping[str, Any] | None = None,
        questions: Mapping[str, Sequence[str]] | None = None,
        *,
        guard: Guard | None = None,
        knowledge: Path = Path(),
        is_copy: bool = False,
    ) -> None:
        self.guard = guard or Guard()
        self.knowledge, self.is_copy = knowledge, is_copy
        self.start_afresh: Callable[[], None] | None = None
        self.features = features or {}
        self.questions = questions or {}
        self.explain: Explain | None = None
        self._traffic = Traffic()
        self._tabs: list[Tab] = []
        self._files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}

    def address(self, slack: LocalSlack) -> str:
        """The page's URL. The token is in the fragment, which browsers put into no request and no Referer."""
        return f"{slack.base_url}/#{self.guard.token}"

    def tell(self, what: str, value: Any) -> None:
        """Send every open page an event of the trial's own; call it on the event loop."""
        for tab in self._tabs:
            tab.put({"type": what, what: value})

    def serve(self, slack: LocalSlack, app: web.Application) -> Callable[[str, Any], None]:
        """Add the routes, and return the listener for the server's events."""
        self._slack = slack
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{path:.+}", self._static)
        app.router.add_get("/page/events", self._events)
        app.router.add_get("/page/files/{file}", self._file)
        app.router.add_post("/page/actions/{action}", self._perform)
        app.router.add_post("/page/upload", self._upload)
        app.router.add_post("/page/attach", self._attach)
        app.router.add_post("/page/explain", self._explained)
        app.router.add_post("/page/afresh", self._afresh)
        return self._happened

    # -- Files of the page ---------------------------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.Response:
        return self._served(request, "index.html")

    async def _static(self, request: web.Request) -> web.Response:
        return self._served(request, request.match_info["path"])

    def _served(self, request: web.Request, name: str) -> web.Response:
        self.guard.check_host(request)
        if name not in self._files:
            raise web.HTTPNotFound(headers=headers(request))
        body, kind = self._files[name].read_bytes(), KINDS[self._files[name].suffix]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers(request))

    # -- What happens --------------------------------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """A WebSocket: the page sends its person and token first, then receives all that this person sees."""
        self.guard.check_host(request)
        self.guard.check_origin(request)
        ws = web.WebSocketResponse(heartbeat=20)
        await ws.prepare(request)
        hello = await self._hello(ws)
        if hello is None:
            await ws.close(code=4403, message=b"token")
            return ws
        tab = Tab(self._person(hello))
        tab.put(self._snapshot(tab.person))
        self._tabs.append(tab)
        sending = asyncio.create_task(self._send(ws, tab))
        try:
            async for _ in ws:
                pass
        finally:
            self._tabs.remove(tab)
            sending.cancel()
        return ws

    async def _hello(self, ws: web.WebSocketResponse) -> JSON | None:
        try:
            message = await asyncio.wait_for(ws.receive(), HELLO_SECONDS)
            hello = message.json() if message.type == WSMsgType.TEXT else None
        except (TimeoutError, ValueError):
            return None
        return hello if isinstance(hello, dict) and self.guard.accepts(hello.get("token")) else None

    def _person(self, args: Mapping[str, Any]) -> Person:
        """The person who uses the page; by default somebody with the browser's language."""
        wanted = str(args.get("as") or "")
        humans = [each for each in self._slack.workspace.people.values() if not each.is_bot and not each.deleted]
        speaking = str(args.get("language") or "en")[:2]
        fitting = [each for each in humans if each.locale.startswith(speaking)] or humans
        return next((each for each in humans if wanted in (each.id, each.key)), fitting[0])

    def _snapshot(self, me: Person) -> JSON:
        slack = self._slack
        return {
            "type": "snapshot",
            **serializers.snapshot(slack.workspace, me),
            "features": self.features,
            "commands": list(slack.app.commands),
            "questions": self.questions,
            "knowledge": {"folder": str(self.knowledge), "isCopy": self.is_copy},
            "explains": self.explain is not None,
            "standing": _standing(slack.standing),
            "traffic": self._traffic.entries,
            "connections": slack.connections,
        }

    @staticmethod
    async def _send(ws: web.WebSocketResponse, tab: Tab) -> None:
        with contextlib.suppress(ConnectionError):
            while not tab.overrun:
                await ws.send_json(await tab.waiting.get())
            await ws.close(code=4408, message=b"too slow")

    def _happened(self, what: str, thing: Any) -> None:
        for entry in self._traffic.take(what, thing):
            self.tell("traffic", entry)
        if what == "connection":
            self.tell("connections", self._slack.connections)
        for tab in self._tabs:
            if told := self._told(tab.person, what, thing):
                tab.put(told)

    def _told(self, me: Person, what: str, thing: Any) -> JSON | None:
        workspace = self._slack.workspace
        if isinstance(thing, Message | View):
            return serializers.told(workspace, thing) if serializers.sees(workspace, me, thing) else None
        if isinstance(thing, Channel):
            return {"type": "channels", "channels": serializers.channels(workspace, me)}
        if isinstance(thing, Interaction) and thing.person is me and thing.error:
            failed = {"kind": thing.kind, "error": thing.error, "command": thing.payload.get("command", "")}
            return {"type": "failed", "failed": failed}
        if isinstance(thing, Note):
            return {"type": what, what: asdict(thing)}
        if what == "standing":
            return {"type": what, what: _standing(thing)}
        return {"type": what, what: thing} if what in ("status", "shown") else None

    # -- What people do ------------------------------------------------------------------------------------

    async def _perform(self, request: web.Request) -> web.Response:
        """Perform one of ACTIONS; its arguments are JSON."""
        action = ACTIONS.get(request.match_info["action"])
        self.guard.check(request)
        if action is None:
            raise web.HTTPNotFound(headers=headers(request))
        args = await _json(request)
        return await self._answer(request, lambda: action(self._slack, self._person(args), args))

    async def _upload(self, request: web.Request) -> web.Response:
        """Share a file in a channel or a direct message."""
        self.guard.check(request)
        query, data = request.query, await request.read()

        async def share() -> JSON:
            place, comment = self._slack.channel(query["channel"]), query.get("comment", "")
            thread = query.get("thread_ts") or None
            me = self._person(query)
            self._slack.upload(me, place, query["name"], data, comment=comment, thread_ts=thread)
            return {}

        return await self._answer(request, share)

    async def _attach(self, request: web.Request) -> web.Response:
        """Attach a file to an input of a modal."""
        self.guard.check(request)
        query, data = request.query, await request.read()

        async def attach() -> JSON:
            view = self._slack.workspace.views[query["view"]]
            file = self._slack.attach(self._person(query), view, query["block_id"], query["name"], data)
            return {"file": file}

        return await self._answer(request, attach)

    async def _explained(self, request: web.Request) -> web.Response:
        """Explain the answer in one of the bot's messages or views."""
        self.guard.check(request)
        content = await _json(request)
        explain = self.explain or (lambda _: {"why": [], "hits": []})

        async def explained() -> JSON:
            return {"explained": await asyncio.to_thread(partial(explain, content))}

        return await self._answer(request, explained)

    async def _afresh(self, request: web.Request) -> web.Response:
        """End this trial and start another one with a new copy; the page's token stays."""
        self.guard.check(request)
        if self.start_afresh is None:
            raise web.HTTPNotFound(headers=headers(request))
        self.start_afresh()
        return web.json_response({}, headers=headers(request))

    async def _answer(self, request: web.Request, act: Callable[[], Any]) -> web.Response:
        """Perform the action; when it isn't possible, respond 409 with the reason."""
        try:
            return web.json_response(await act(), headers=headers(request))
        except (NotPossibleError, LookupError, TypeError) as error:
            reason = str(error.args[0]) if error.args else type(error).__name__
            return web.json_response({"reason": reason}, status=409, headers=headers(request))

    async def _file(self, request: web.Request) -> web.Response:
        """Serve a file's bytes, with a content type that no browser runs."""
        self.guard.check(request)
        file = self._slack.workspace.files.get(request.match_info["file"])
        if file is None or file.deleted:
            raise web.HTTPNotFound(headers=headers(request))
        return web.Response(body=file.data, content_type="application/octet-stream", headers=headers(request))


def _standing(notes: Mapping[str, Note]) -> list[JSON]:
    return [asdict(note) for note in notes.values()]


async def _json(request: web.Request) -> JSON:
    """Read the request's JSON object."""
    try:
        sent = await request.json()
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise web.HTTPBadRequest(text="The request must be a JSON object.")
    return sent
