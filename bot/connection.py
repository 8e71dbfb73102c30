"""The Socket Mode connection: the builtin client, a watchdog, and an orderly close.

The builtin client opens the new socket before it closes the old one, so a refresh loses nothing. By itself it takes
most of a minute to notice a dead peer and never notices one that has not answered a single ping. The watchdog
therefore checks the age of the last pong, not the client's state.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.socket_mode.builtin.connection import Connection as Session
from slack_sdk.socket_mode.builtin.connection import ConnectionState
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.ack_clock import AckClock

log = logging.getLogger(__name__)

PING_SECONDS = 3.0
MISSED_PONGS = 3
"""Missing pongs after which the connection counts as dead."""
REFRESH_SECONDS = 60.0
"""How long opening the new socket may take."""
CLOSE_SECONDS = 5.0
"""How long closing may take: the SDK waits for its reading thread, which a dead socket may not wake."""
CONCURRENCY = 32
"""Envelopes handled at once; each is acked within milliseconds."""

Keep = Callable[[str, Mapping[str, Any]], None]
"""Keeps the payload of an envelope of some type, so that it can be acked."""


class Connection:
    """One connection to Slack, kept alive while it is open; `keep` sees each payload before the app does."""

    def __init__(
        self, app: App, app_token: str, acks: AckClock, keep: Keep, ping_seconds: float = PING_SECONDS
    ) -> None:
        self._handler = SocketModeHandler(app, app_token, ping_interval=ping_seconds, concurrency=CONCURRENCY)
        self._handler.client.on_message_listeners += [acks.arrived, self._hasten_refresh]
        self._handler.client.socket_mode_request_listeners[:] = [self._handle]  # instead of the handler alone
        self._acks = acks
        self._keep = keep
        self._ping_seconds = ping_seconds
        self._session: Session | None = None
        self._session_since = 0.0
        self._closed = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="kotae-watchdog", daemon=True)

    def open(self) -> None:
        """Connect, and keep connected; raises SlackApiError when Slack refuses the app-level token."""
        self._handler.connect()  # type: ignore[no-untyped-call]
        self._watchdog.start()
        log.info("Connected to Slack")

    def close(self) -> None:
        """Take no more envelopes, once all that have arrived are acked. Accepted ones go on."""
        self._closed.set()
        self._acks.wait_for_all()
        if self._watchdog.ident is not None:
            self._watchdog.join()
        self._wake_sdk_threads()
        closing = threading.Thread(target=self._close_sdk, name="kotae-close", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            log.warning("The socket did not close within %.0f s and is left to the end of the process", CLOSE_SECONDS)

    def _close_sdk(self) -> None:
        try:
            self._handler.close()  # type: ignore[no-untyped-call]
        except AttributeError:  # the SDK's reading thread closed the same socket at the same moment
            self._handler.close()  # type: ignore[no-untyped-call]

    def _wake_sdk_threads(self) -> None:
        """Wake the SDK's threads, which would keep `close` waiting: for a ping interval, and then for a second."""
        client = self._handler.client
        client.closed, client.auto_reconnect_enabled = True, False
        _shut_down(client.current_session)
        client.message_queue.put("{}")

    @property
    def pong_age(self) -> float | None:
        """Seconds since Slack last answered a ping on this socket; None while none has been answered."""
        session = self._handler.client.current_session
        pong = session.last_ping_pong_time if session else None
        return None if pong is None else time.time() - pong

    def _handle(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            self._keep_first(request)
            self._handler.handle(client, request)  # type: ignore[arg-type]
        finally:
            self._acks.acked(request)

    def _keep_first(self, request: SocketModeRequest) -> None:
        """Keep a payload before it is acked; if that fails, it is handled all the same."""
        try:
            self._keep(request.type, request.payload)
        except Exception:
            log.exception("A payload could not be kept for a restart")

    def _hasten_refresh(self, message: str) -> None:
        """Close the old socket as soon as there is a new one.

        The SDK closes the old one only when something arrives on it, the next pong at the latest, and until then reads
        nothing from the new one: commands sent to it would go unacked for up to a whole ping interval.
        """
        if '"disconnect"' in message and json.loads(message).get("type") == "disconnect":
            client = self._handler.client
            replaced = (client.current_session, client.current_session_state)
            threading.Thread(target=_close_replaced, args=replaced, name="kotae-refresh", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(self._ping_seconds / 3):
            if self._silence() > MISSED_PONGS * self._ping_seconds:
                log.warning("Slack has not answered for %.0f s; reconnecting", self._silence())
                self._reconnect()

    def _silence(self) -> float:
        """Seconds since the last pong, or since the socket was opened when there was none."""
        session = self._handler.client.current_session
        if session is not self._session:
            self._session, self._session_since = session, time.time()
        pong = session.last_ping_pong_time if session else None
        return time.time() - max(pong or 0.0, self._session_since)

    def _reconnect(self) -> None:
        try:
            self._handler.client.connect_to_new_endpoint(force=True)
        except Exception as error:  # noqa: BLE001 - the SDK's own thread may close the same socket; the watch must go on
            log.warning("Reconnecting failed (%s); trying again", type(error).__name__)
        self._session_since = time.time()


def _close_replaced(session: Session, state: ConnectionState) -> None:
    """Wake the thread that reads this socket, once another has taken its place."""
    until = time.monotonic() + REFRESH_SECONDS
    while not state.terminated and time.monotonic() < until:
        time.sleep(0.01)
    _shut_down(session)


def _shut_down(session: Session | None) -> None:
    with suppress(OSError, AttributeError):  # closed already
        session.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
