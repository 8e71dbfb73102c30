"""A local Slack, a raw client, and a small Bolt app connected over the real protocols."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.playground import LocalSlack
from tests.playground.helpers import JSON, Connect, Refusal, client_of, hang_up


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack(retry_delays=(0.1, 0.1, 0.1)) as running:
        yield running


@pytest.fixture
def lively() -> Iterator[LocalSlack]:
    """For Bolt apps: the SDK's client notices that it is to close when the next ping arrives."""
    with LocalSlack(retry_delays=(0.1, 0.1, 0.1), ping_seconds=0.05) as running:
        yield running


@pytest.fixture
def client(slack: LocalSlack) -> WebClient:
    return client_of(slack)


@pytest.fixture
def app(lively: LocalSlack) -> App:
    """An app that acks every message event, so that nothing is retried."""
    app = App(client=client_of(lively))
    app.event("message")(lambda: None)
    return app


@pytest.fixture
def connect() -> Iterator[Connect]:
    handlers: list[SocketModeHandler] = []

    def connect(slack: LocalSlack, app: App, **options: Any) -> SocketModeHandler:
        handler = SocketModeHandler(app, slack.app_token, **options)
        handlers.append(handler)
        before, greeted = slack.connections, threading.Event()
        handler.client.on_message_listeners.append(lambda _: greeted.set())
        handler.connect()  # type: ignore[no-untyped-call]
        slack.wait_connected(before + 1)
        assert greeted.wait(60)  # the SDK's thread that begins to receive after `close` receives for ever
        return handler

    yield connect
    for handler in handlers:
        hang_up(handler)


@pytest.fixture
def refused() -> Refusal:
    """Call a method that must be refused; gives the body of the answer."""

    def call(method: Callable[..., Any], *args: Any, **kwargs: Any) -> JSON:
        with pytest.raises(SlackApiError) as refusal:
            method(*args, **kwargs)
        body: JSON = refusal.value.response.data
        return body

    return call
