"""The HTTP server: routes, faults, and the record of every call."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.playground.slack.calls import Call
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.faults import HttpFault
from bot.playground.slack.web_api.arguments import Args
from bot.playground.slack.web_api.dispatch import MethodContext, WebApi, refusal

JSON = dict[str, Any]
Answer = tuple[int, dict[str, str], JSON | str | bytes]
MOST_BYTES = 256 * 1024 * 1024
SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Slack</body></html>"
LOST_URLS = ("no_such_hook", "expired_url", "used_url")


class WebServer:
    """Handles requests, applies faults, and records calls."""

    def __init__(self, context: MethodContext, api: WebApi) -> None:
        self.context = context
        self.backend = context.backend
        self.api = api
        self.thawed = asyncio.Event()
        self.thawed.set()

    def application(self) -> web.Application:
        """Create the aiohttp application."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_route("*", "/api/{method}", self.call)
        app.router.add_route("*", "/{kind:commands|actions}/{tail:.*}", self.response_url)
        app.router.add_get("/link/", self.backend.hub.connect)
        app.router.add_post("/upload/v1/{file}", self.upload)
        app.router.add_get("/files-pri/{team_and_file}/{tail:.*}", self.download)
        return app

    # -- Routes --------------------------------------------------------------------------------------------

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Handle a call of a Web API method."""
        name = request.match_info["method"]
        values = await _arguments(request)
        token = _bearer(request) or str(values.pop("token", ""))
        shown = {key: value for key, value in values.items() if key != "token"}
        return await self._answered(request, name, shown, lambda: self.api.perform(name, token, Args(values)))

    async def response_url(self, request: web.Request) -> web.StreamResponse:
        """Handle a POST to a response_url."""
        body = await _arguments(request)

        def perform() -> Answer:
            try:
                self.context.interactions.respond(request.path, body)
            except RefusedError as refused:
                return 404 if refused.error in LOST_URLS else 400, {}, refusal(refused)
            return 200, {}, "ok"

        return await self._answered(request, "response_url", body, perform)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take the bytes of a file, raw or as a form."""
        data = await _uploaded_bytes(request)
        file = self.backend.workspace.files.get(request.match_info["file"])

        def perform() -> Answer:
            if file is None or file.complete or str(len(data)) != request.query.get("length"):
                return 400, {}, "the file is unknown, or has another length"
            file.data = data
            return 200, {}, f"OK - {len(data)}"

        return await self._answered(request, "upload", {"bytes": len(data)}, perform)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Serve url_private: the file for the bot's token, else a sign-in page."""
        file_id = request.match_info["team_and_file"].partition("-")[2]
        file = self.backend.workspace.files.get(file_id)

        def perform() -> Answer:
            if _bearer(request) != self.backend.app.bot_token or "files:read" not in self.backend.app.scopes:
                return 200, {"Content-Type": "text/html; charset=utf-8"}, SIGN_IN
            if file is None or file.deleted or not self.backend.file_visible_to_bot(file):
                return 404, {}, "not found"
            return 200, {"Content-Type": file.mimetype}, file.data

        return await self._answered(request, "download", {"file": file_id}, perform)

    # -- Answering -----------------------------------------------------------------------------------------

    async def _answered(
        self, request: web.Request, name: str, args: JSON, perform: Callable[[], Answer]
    ) -> web.StreamResponse:
        call = Call(name, args, time.monotonic(), path=request.path if name == "response_url" else "")
        self.backend.calls.append(call)
        faults = self.backend.faults.take_http(name)
        await self.thawed.wait()
        await _pause(faults, applied=False)
        refusing = next((each for each in faults if each.refuses), None)
        status, headers, body = _refusal(refusing) if refusing else perform()
        if any(each.kind == "stale" for each in faults) and isinstance(body, dict):
            body["messages"] = _without_newest(body["messages"])
        if denying := next((each for each in faults if each.kind == "status" and each.applied), None):
            status, headers, body = _refusal(denying)
        await _pause(faults, applied=True)
        call.status, call.response = status, body if isinstance(body, dict) else {"ok": status == HTTPStatus.OK}
        call.seconds = time.monotonic() - call.at
        call.dropped = any(each.kind == "drop" for each in faults)
        self.backend.tell("call", call)
        response = _response(status, headers, body)
        if any(each.halfway for each in faults):
            return await _half(response, request)
        if call.dropped and request.transport is not None:
            request.transport.abort()
        return response


async def _pause(faults: list[HttpFault], *, applied: bool) -> None:
    for fault in faults:
        if fault.kind == "slow" and fault.applied is applied:
            await asyncio.sleep(fault.seconds)


def _without_newest(messages: list[JSON]) -> list[JSON]:
    newest = max((float(each["ts"]) for each in messages), default=0.0)
    return [each for each in messages if float(each["ts"]) != newest]


def _refusal(fault: HttpFault) -> Answer:
    if fault.kind == "rate_limit":
        return 429, {"Retry-After": f"{fault.seconds:.0f}"}, {"ok": False, "error": "ratelimited"}
    if fault.kind == "status":
        headers = {"Content-Type": "text/html", "Retry-After": formatdate(usegmt=True)}  # as a proxy may say it
        return fault.status, headers, f"<html><body>{fault.status} error</body></html>"
    return 200, {}, {"ok": False, "error": fault.error}


def _response(status: int, headers: dict[str, str], body: JSON | str | bytes) -> web.Response:
    if isinstance(body, dict):
        return web.json_response(body, status=status, headers=headers)
    if isinstance(body, bytes):
        return web.Response(status=status, headers=headers, body=body)
    return web.Response(status=status, headers=headers, text=body)


async def _half(whole: web.Response, request: web.Request) -> web.StreamResponse:
    """Send half of what was announced, and close the connection."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    half = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _arguments(request: web.Request) -> JSON:
    """Merge query, form and JSON body."""
    values: JSON = dict(request.query)
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        return values | {key: value for key, value in form.items() if isinstance(value, str)}
    body = await request.text()
    if body.lstrip().startswith("{"):
        try:
            values |= json.loads(body)
        except ValueError:
            values["invalid_json"] = body
    return values


async def _uploaded_bytes(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for value in (await request.post()).values():
        if isinstance(value, web.FileField):
            return value.file.read()
    return b""
