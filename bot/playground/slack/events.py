"""Events: which ones the app receives, and what listeners in this process are told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.app_config import AppSettings, Timing
from bot.playground.slack.calls import Call
from bot.playground.slack.entities import Channel
from bot.playground.slack.faults import Faults
from bot.playground.slack.socket_mode.envelopes import Envelope
from bot.playground.slack.socket_mode.hub import Hub
from bot.playground.slack.workspace import Workspace, new_id

log = logging.getLogger(__name__)
JSON = dict[str, Any]
Listener = Callable[[str, Any], None]

EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "app_home_opened": "",
    "file_shared": "files:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "channel_rename": "channels:read",
    "channel_archive": "channels:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
}
MESSAGE_EVENTS = {"channel": "message.channels", "group": "message.groups", "mpim": "message.mpim", "im": "message.im"}


class EventDispatcher:
    """Sends events to the app over Socket Mode, and notifies listeners in this process."""

    def __init__(self, workspace: Workspace, app: AppSettings, timing: Timing) -> None:
        self.workspace = workspace
        self.app = app
        self.timing = timing
        self.calls: list[Call] = []
        self.warnings: list[str] = []
        self.manifests: list[JSON] = []
        self.listeners: list[Listener] = []
        self.active_at = time.monotonic()
        self.faults = Faults()
        self.hub = Hub(timing, self.faults, self.tell)

    def tell(self, what: str, thing: Any) -> None:
        """Notify listeners; `what` is message, changed, deleted, view, channel, call, envelope, ack, note and so on."""
        self.active_at = time.monotonic()
        for listener in list(self.listeners):
            try:
                listener(what, thing)
            except Exception:
                log.exception("a listener failed on %s", what)

    def warn(self, text: str) -> None:
        """Record something that Slack accepts but its documentation advises against."""
        self.warnings.append(text)
        self.tell("warning", text)

    # -- Events --------------------------------------------------------------------------------------------

    def emit(self, event: JSON, channel: Channel | None = None, subscription: str = "") -> Envelope | None:
        """Send an event if the app subscribed to it, has the scope, and is a member of the channel."""
        subscription = subscription or event["type"]
        scope = EVENT_SCOPES[subscription]
        if subscription not in self.app.events or (scope and scope not in self.app.scopes):
            return None
        if channel is not None and not self.workspace.in_channel(self.workspace.bot, channel):
            return None
        event.setdefault("event_ts", self.workspace.new_ts())
        shared = channel is not None and channel.is_ext_shared
        body = payloads.event_body(self.workspace, event, new_id("Ev"), shared=shared)
        return self.hub.deliver("events_api", body)

    def emit_message_event(self, channel: Channel, event: JSON) -> None:
        """Send a message event, for which the subscription depends on the kind of channel."""
        event = {"type": "message", "channel": channel.id, "channel_type": channel.kind, **event}
        self.emit(event, channel, MESSAGE_EVENTS[channel.kind])
