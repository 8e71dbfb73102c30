"""`kotae mcp`: the tools over stdin and stdout, for an agent on the same machine.

The running bot answers, if its HTTP door is open; otherwise what it has stored is searched here. stdout has protocol
messages only; the SDK sends whatever else is printed to stderr.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from threading import Lock

import anyio
from anyio import to_thread

from bot.addresses import reachable
from bot.api import tools
from bot.api.models import SearchAnswer
from bot.api.relay import Relay, connections
from bot.knowledge_reader import KnowledgeReader, reading
from bot.settings import Settings
from bot.signals import call_at_end
from bot.status import read_status
from handlers.doors.errors import NotNowError, NotTakenError
from handlers.doors.searching import Query, choose, find
from handlers.readers import seen_by
from handlers.store.tokens import RefusedTokenError, Token, Tokens, reader


def serve(settings: Settings) -> None:
    """Answer one agent until it closes stdin. Raises what `reading` does, if no bot is there to answer."""
    given = settings.environment.kotae_token
    token = given.get_secret_value() if given else None
    with closing(Stored(settings, token)) as stored:
        _end_with(stored)
        anyio.run(_serve, settings, token, stored)


def _end_with(stored: "Stored") -> None:
    """Close what is open at a signal, too, and end then: the thread that reads stdin would wait for ever."""

    def end() -> None:
        stored.close()
        os._exit(0)

    call_at_end(end)


async def _serve(settings: Settings, token: str | None, stored: "Stored") -> None:
    async with connections(token) as http:
        nearest = Nearest(settings, lambda address: Relay(http, address), stored)
        await nearest.prepare()
        await tools.server(lambda _: nearest).run_stdio_async()


class Nearest:
    """The `tools.Answering` of the running bot if its door is open, else of what it has stored."""

    def __init__(self, settings: Settings, relay_to: Callable[[str], Relay], stored: "Stored") -> None:
        self._settings = settings
        self._relay_to = relay_to
        self._stored = stored

    async def prepare(self) -> None:
        """Begin to read what is stored, if there is no bot that could answer."""
        if await self._bot() is None:
            self._stored.open()

    async def search(self, query: Query) -> SearchAnswer:
        """See `tools.Answering`."""
        if bot := await self._bot():
            return await bot.search(query)
        return await to_thread.run_sync(self._stored.search, query)

    async def report(self, question: str, note: str) -> None:
        """See `tools.Answering`; raises NotTakenError when there is no bot to take it."""
        bot = await self._bot()
        if bot is None:
            raise NotTakenError("door.not_taken")
        await bot.report(question, note)

    async def _bot(self) -> Relay | None:
        """Return the bot of this DATA_DIR, or the one at API_BIND, if it listens."""
        status = read_status(self._settings.environment.data_dir) or {}
        address = status.get("process", {}).get("http") or self._settings.environment.api_bind
        relay = self._relay_to(reachable(address)) if address else None
        return relay if relay and await relay.is_open() else None


class Stored:
    """Searches what a bot has stored, for whoever holds a token or none."""

    def __init__(self, settings: Settings, token: str | None) -> None:
        self._settings = settings
        self._token = token
        self._opened = ExitStack()
        self._lock = Lock()
        self._reader: KnowledgeReader | None = None

    def open(self) -> KnowledgeReader:
        """Begin to read, unless that was done; raises what `reading` does."""
        with self._lock:
            if self._reader is None:
                self._reader = self._opened.enter_context(reading(self._settings))
            return self._reader

    def close(self) -> None:
        """Close what was opened, when it has been opened as a whole; nothing can be opened afterwards."""
        self._lock.acquire()  # for good
        self._opened.close()

    def search(self, query: Query) -> SearchAnswer:
        """Search as the bot would; raises DoorError, RefusedTokenError or what `reading` does."""
        stored = self.open()
        token = None if self._token is None else _checked(stored, self._token)
        if not stored.wait_ready():
            raise NotNowError("door.starting")
        stored.follow()
        names = choose(seen_by(reader(token, stored.registry.loaded), stored.public), query.knowledge_bases, token)
        return SearchAnswer.of(find(stored.registry, names, query, stored.threshold))


def _checked(stored: KnowledgeReader, plain: str) -> Token:
    """Return what is known of a token; raises RefusedTokenError."""
    if stored.database is None:
        raise RefusedTokenError("token.refused")
    return Tokens(stored.database).check(plain)
