"""Passing an agent's calls on to the running bot, through its HTTP door."""

from collections.abc import Mapping
from typing import Any

import anyio
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, TextContent
from mcp_types.version import LATEST_MODERN_VERSION

from bot.addresses import split
from bot.api.models import SearchAnswer
from bot.api.tools import PATH, REPORTING, SEARCHING
from handlers.doors.errors import RelayError
from handlers.doors.searching import Query

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 30.0
"""How long an answer is waited for; the bot gives up before."""


def connections(token: str | None) -> httpx2.AsyncClient:
    """Return the connections of whoever holds a token, or none: making them takes longer than a call."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(headers=headers, timeout=ANSWER_SECONDS, trust_env=False)


class Relay:
    """The `tools.Answering` of a bot that listens at HOST:PORT; see `connections`."""

    def __init__(self, http: httpx2.AsyncClient, address: str) -> None:
        self._http = http
        self._address = address

    async def is_open(self) -> bool:
        """Tell whether somebody listens there."""
        host, port = split(self._address)
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                stream = await anyio.connect_tcp(host, port)
        except (OSError, TimeoutError):
            return False
        await stream.aclose()
        return True

    async def search(self, query: Query) -> SearchAnswer:
        """See `tools.Answering`; raises RelayError with what the bot says."""
        wanted = {"query": query.text, "top_k": query.top_k, "min_confidence": query.min_confidence}
        names = {} if query.knowledge_bases is None else {"knowledge_bases": list(query.knowledge_bases)}
        return SearchAnswer.model_validate(await self._call(SEARCHING, {**wanted, **names}))

    async def report(self, question: str, note: str) -> None:
        """See `tools.Answering`; raises RelayError with what the bot says."""
        await self._call(REPORTING, {"query": question, "note": note})

    async def _call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        try:
            result = await self._result(tool, arguments)
        except (httpx2.HTTPError, ExceptionGroup):
            raise RelayError("door.broke_off", address=self._address) from None
        if isinstance(result, MCPError):
            raise RelayError("door.relayed", said=result.error.message)
        if result.is_error:
            raise RelayError("door.relayed", said=_text(result).removeprefix(f"Error executing tool {tool}: "))
        return result.structured_content

    async def _result(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult | MCPError:
        transport = streamable_http_client(f"http://{self._address}{PATH}", http_client=self._http)
        async with Client(transport, mode=LATEST_MODERN_VERSION, cache=None) as bot:
            wanted = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=dict(arguments)))
            try:  # `bot.call_tool` would list the tools first, to compare the answer with what they promise
                return await bot.session.send_request(wanted, CallToolResult)
            except MCPError as refused:  # outside, the task groups of the transport would have put it into a group
                return refused


def _text(result: CallToolResult) -> str:
    return "\n".join(each.text for each in result.content if isinstance(each, TextContent))
