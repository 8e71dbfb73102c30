"""An agent: the official SDK's client, over streamable HTTP or with a `kotae mcp` that it starts itself."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent

Value = TypeVar("Value")
SECONDS = 60.0


@dataclass(frozen=True)
class Agent:
    """Calls tools; `mode` is how the SDK agrees on a version: "legacy" is the handshake of 2025 and before."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def search(self, query: str, **wanted: Any) -> Any:
        """What was found, as data; the same must stand in the text, for agents that read no data."""
        result = await self.call("search_knowledge", query=query, **wanted)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        return result.structured_content

    async def refused(self, tool: str = "search_knowledge", **arguments: Any) -> str:
        """Why a call fails: the tool says so, or the request isn't even taken."""
        try:
            result = await self.call(tool, **arguments)
        except MCPError as error:
            return error.error.message
        assert result.is_error, result
        assert result.structured_content is None
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    return "\n".join(each.text for each in result.content if isinstance(each, TextContent))


def over_http(
    address: str, token: str | None, work: Callable[[Agent], Awaitable[Value]], mode: str = "auto", **headers: str
) -> Value:
    """Do some work as an agent that was given an address and a token."""
    known = {"Authorization": f"Bearer {token}"} if token is not None else {}

    async def run() -> Value:
        async with AsyncExitStack() as opened:
            http = httpx2.AsyncClient(headers={**known, **headers}, timeout=SECONDS, trust_env=False)
            transport = streamable_http_client(
                f"http://{address}/mcp", http_client=await opened.enter_async_context(http)
            )
            return await work(Agent(await opened.enter_async_context(Client(transport, mode=mode, cache=None))))

    return finished(run)


def over_stdio(server: StdioServerParameters, log: Path, work: Callable[[Agent], Awaitable[Value]]) -> Value:
    """Do some work as an agent that starts its server; what the server prints to stderr is added to `log`."""

    async def run() -> Value:
        with log.open("a") as errors:
            async with Client(stdio_client(server, errors), cache=None, read_timeout_seconds=SECONDS) as client:
                return await work(Agent(client))

    return finished(run)


def finished(work: Callable[[], Awaitable[Value]]) -> Value:
    """Run it in a thread of its own: once a test had a browser, Playwright's event loop runs in the main thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, work).result()
