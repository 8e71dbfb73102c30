"""`/mcp`: the tools over streamable HTTP, in the running bot. Each request stands alone: any replica can take it."""

from functools import partial
from typing import Any

from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.api import errors, tools
from bot.api.guard import MOST_BYTES
from bot.api.models import SearchAnswer
from bot.api.routes import Door, caller_of
from handlers.doors.caller import Caller
from handlers.doors.searching import Query, search
from handlers.doors.unanswered import report
from handlers.store.questions import Origin
from indexes.errors import KnowledgeBaseError

CALLER = "kotae.caller"
"""Where a request says who sent it, once that is known."""


def add_mcp(app: FastAPI, door: Door) -> FastAPI:
    """Add the address to an application, whose lifespan is then the one of the tools."""

    def in_bot(call: tools.Call) -> InBot:
        request: Any = call.request_context.request
        return InBot(door, request.scope[CALLER])

    server = tools.server(in_bot)
    manager = StreamableHTTPSessionManager(
        server._lowlevel_server,  # noqa: SLF001 - its own `streamable_http_app` is an application, with checks of its own
        json_response=True,
        stateless=True,
        max_request_body_size=MOST_BYTES,
    )
    app.router.routes.append(Route(tools.PATH, Endpoint(door, manager), methods=["POST"], include_in_schema=False))
    app.router.lifespan_context = lambda _: manager.run()
    return app


class InBot:
    """The `tools.Answering` of the bot itself, for one caller."""

    def __init__(self, door: Door, caller: Caller) -> None:
        self._door = door
        self._caller = caller

    async def search(self, query: Query) -> SearchAnswer:
        """See `tools.Answering`."""
        work = partial(search, self._door.services, self._caller, query, Origin.MCP)
        return SearchAnswer.of(await self._door.in_turn(self._caller, work))

    async def report(self, question: str, note: str) -> None:
        """See `tools.Answering`."""
        work = partial(report, self._door.services, self._caller, question, note, Origin.MCP)
        await self._door.in_turn(self._caller, work)


class Endpoint:
    """Finds out who calls, by the same rules and within the same limits as any address, and passes the call on."""

    def __init__(self, door: Door, manager: StreamableHTTPSessionManager) -> None:
        self._door = door
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        request = Request(scope, receive)
        try:
            scope[CALLER] = await caller_of(request, self._door, None)
        except KnowledgeBaseError as error:
            await _refusal(error, request)(scope, receive, send)
            return
        await self._manager.handle_request(scope, receive, send)


def _refusal(error: KnowledgeBaseError, request: Request) -> Response:
    """Answer with status and headers of the other addresses, and the sentence where agents look for it."""
    refused = errors.response(error, request.headers)
    body = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=INVALID_REQUEST, message=str(error)))
    kept = {name: value for name, value in refused.headers.items() if name not in {"content-length", "content-type"}}
    content = body.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(content, refused.status_code, kept, "application/json")
