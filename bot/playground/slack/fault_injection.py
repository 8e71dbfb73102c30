"""Fault injection, as `slack.faults`: from any thread."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal

from bot.playground.slack.backend import Backend
from bot.playground.slack.faults import Duplicate, EnvelopeFault, HttpFault
from bot.playground.slack.loop_thread import LoopThread
from bot.playground.slack.socket_mode.connection import Connection
from bot.playground.slack.web_api.http_server import WebServer

Reason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


class FaultInjector:
    """Injects faults. `times=None` means every time until `clear()`."""

    def __init__(self, loop: LoopThread, backend: Backend, web: WebServer) -> None:
        self._loop = loop
        self._backend = backend
        self._web = web

    # -- Envelopes -----------------------------------------------------------------------------------------

    def duplicate(self, how: Duplicate = "envelope", times: int | None = 1) -> None:
        """Deliver the next envelopes twice.

        "envelope" sends the same envelope again, "retry" sends the event as a retry although it was acked,
        "event" sends it under a new event_id.
        """
        self._add_envelope_fault(EnvelopeFault("duplicate", times, how))

    def delay(self, seconds: float, times: int | None = 1) -> None:
        """Deliver the next envelopes late."""
        self._add_envelope_fault(EnvelopeFault("delay", times, seconds=seconds))

    def _add_envelope_fault(self, fault: EnvelopeFault) -> None:
        self._loop.do(lambda: self._backend.faults.envelopes.append(fault))

    # -- Connections ---------------------------------------------------------------------------------------

    def disconnect(self, reason: Reason = "refresh_requested") -> None:
        """Send a disconnect envelope over every connection; all reasons but a warning close it afterwards."""
        self._loop.run(self._backend.hub.disconnect(reason, self._open()))

    def close_frame(self) -> None:
        """Close every connection with a WebSocket close frame."""
        self._each_async(lambda connection: connection.close())

    def garbage(self, *frames: str | bytes) -> None:
        """Send frames that mean nothing over every connection."""
        for frame in frames:
            self._each_async(lambda connection, frame=frame: connection.send_frame(frame))  # type: ignore[misc]

    def tcp_fin(self) -> None:
        """End every TCP connection without a close frame."""
        self._each(lambda connection: connection.hang_up())

    def tcp_reset(self) -> None:
        """Reset every TCP connection."""
        self._each(lambda connection: connection.reset())

    def freeze(self, *, new: bool = False, http: bool = False) -> None:
        """Stop reading and writing on all connections, with `new` on later ones too; with `http` all calls hang."""

        def act() -> None:
            self._backend.faults.freeze_new_sockets = new
            for connection in self._open():
                connection.thawed.clear()
            if http:
                self._web.thawed.clear()

        self._loop.do(act)

    def thaw(self) -> None:
        """Resume after `freeze`."""

        def act() -> None:
            self._backend.faults.freeze_new_sockets = False
            self._web.thawed.set()
            for connection in self._open():
                connection.thawed.set()

        self._loop.do(act)

    def never_pong(self, *, new: bool = False) -> None:
        """Answer no pings on the open connections, with `new` on later ones too."""

        def act() -> None:
            self._backend.faults.silence_new_sockets = new
            for connection in self._open():
                connection.answers_pings = False

        self._loop.do(act)

    def refuse_connections(self, times: int) -> None:
        """Answer the next attempts to open a WebSocket with 503."""

        def act() -> None:
            self._backend.faults.refuse_sockets = times

        self._loop.do(act)

    def _open(self) -> list[Connection]:
        return list(self._backend.hub.connections)

    def _each(self, act: Callable[[Connection], None]) -> None:
        def act_on_all() -> None:
            for connection in self._open():
                act(connection)

        self._loop.do(act_on_all)

    def _each_async(self, act: Callable[[Connection], Coroutine[Any, Any, object]]) -> None:
        for connection in self._open():
            self._loop.run(act(connection))

    # -- The Web API ---------------------------------------------------------------------------------------

    def rate_limit(self, method: str = "*", *, retry_after: int = 1, times: int | None = 1) -> None:
        """Answer calls with 429. `method` may have wildcards; response_url, upload and download are methods too."""
        self._add_http_fault(HttpFault(method, "rate_limit", times, retry_after))

    def server_error(
        self, method: str = "*", *, status: int = 503, times: int | None = 1, applied: bool = False
    ) -> None:
        """Answer calls with a 5xx status and an HTML body; with `applied`, perform them all the same."""
        self._add_http_fault(HttpFault(method, "status", times, status=status, applied=applied))

    def error(self, method: str, error: str, *, times: int | None = 1) -> None:
        """Refuse calls with one of Slack's error codes."""
        self._add_http_fault(HttpFault(method, "error", times, error=error))

    def slow(self, method: str = "*", *, seconds: float = 1, times: int | None = 1, applied: bool = False) -> None:
        """Delay calls by `seconds`; with `applied`, perform them at once, and delay the response alone."""
        self._add_http_fault(HttpFault(method, "slow", times, seconds, applied=applied))

    def drop_response(self, method: str, *, times: int | None = 1, applied: bool = True, halfway: bool = False) -> None:
        """Close the connection instead of responding, or `halfway` through; after performing the call if `applied`."""
        self._add_http_fault(HttpFault(method, "drop", times, applied=applied, halfway=halfway))

    def stale_read(self, method: str, *, times: int | None = 1) -> None:
        """Leave the newest message out of what is read, as if the call had reached a copy that is behind."""
        self._add_http_fault(HttpFault(method, "stale", times))

    def _add_http_fault(self, fault: HttpFault) -> None:
        self._loop.do(lambda: self._backend.faults.http.append(fault))

    def clear(self) -> None:
        """Remove all faults: nothing is frozen, pings are answered."""

        def act() -> None:
            faults = self._backend.faults
            faults.http.clear()
            faults.envelopes.clear()
            faults.refuse_sockets = 0
            faults.silence_new_sockets = False
            for connection in self._open():
                connection.answers_pings = True

        self._loop.do(act)
        self.thaw()
