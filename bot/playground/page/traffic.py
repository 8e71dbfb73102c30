"""The inspector's entries: every payload sent to the app and every call it made, with their times."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from bot.playground.slack.calls import Call
from bot.playground.slack.socket_mode.envelopes import Delivery, Envelope

JSON = dict[str, Any]
MOST_ENTRIES = 300
ANSWERS = ("chat.postMessage", "chat.postEphemeral", "chat.update", "response_url", "views.open", "views.push")


class Traffic:
    """Keeps the latest entries; one is sent again whenever it changes."""

    def __init__(self) -> None:
        self._entries: deque[JSON] = deque(maxlen=MOST_ENTRIES)
        self._numbers: dict[Envelope | Call, int] = {}
        self._count = 0
        self._unanswered: deque[Envelope] = deque(maxlen=MOST_ENTRIES)
        self._answered: dict[Envelope, float] = {}

    @property
    def entries(self) -> list[JSON]:
        """The latest entries, oldest first."""
        return list(self._entries)

    def take(self, what: str, thing: Any) -> list[JSON]:
        """Record an event of the server; return the entries that are new or changed."""
        if isinstance(thing, Call):
            return [*self._answering(thing), self._put(thing, _call(thing))]
        if isinstance(thing, Envelope):
            if what == "envelope":
                self._unanswered.append(thing)
            return [self._put(thing, self._envelope(thing))]
        if isinstance(thing, Delivery):
            found = (each for each in self._unanswered if thing in each.deliveries)
            return [self._put(each, self._envelope(each)) for each in found]
        if what == "warning":
            self._count += 1
            entry = {"id": self._count, "way": "warning", "name": str(thing), "at": time.time()}
            self._entries.append(entry)
            return [entry]
        return []

    def _put(self, thing: Envelope | Call, entry: JSON) -> JSON:
        """Add an entry, or replace the one for the same thing."""
        number = self._numbers.get(thing)
        if number is None:
            self._count += 1
            self._numbers[thing] = number = self._count
            self._entries.append({})
        entry = {"id": number, **entry}
        for place, each in enumerate(self._entries):
            if not each or each["id"] == number:
                self._entries[place] = entry
                break
        return entry

    def _answering(self, call: Call) -> list[JSON]:
        """Update the entry of the payload that this call answers first, if any."""
        if call.method not in ANSWERS and call.method != "views.publish":
            return []
        found = next((each for each in reversed(self._unanswered) if answers(call, each)), None)
        if found is None or not found.deliveries:
            return []
        self._unanswered.remove(found)
        self._answered[found] = call.at + call.seconds - found.deliveries[0].at
        return [self._put(found, self._envelope(found))]

    def _envelope(self, it: Envelope) -> JSON:
        first = it.deliveries[0].at if it.deliveries else time.monotonic()
        return {
            "way": "in",
            "kind": it.kind,
            "name": name(it),
            "at": _clock(first),
            "outcome": it.outcome,
            "acked": it.acked_after,
            "answered": self._answered.get(it),
            "attempts": len(it.deliveries),
            "payload": it.payload,
            "ack": it.ack,
        }


def _call(it: Call) -> JSON:
    return {
        "way": "out",
        "name": it.method,
        "at": _clock(it.at),
        "seconds": it.seconds,
        "status": it.status,
        "ok": it.ok,
        "error": it.error,
        "dropped": it.dropped,
        "payload": it.args,
        "response": it.response,
    }


def _clock(moment: float) -> float:
    """A time of the monotonic clock in seconds since 1970."""
    return time.time() - (time.monotonic() - moment)


def name(envelope: Envelope) -> str:
    """A short name for a payload."""
    payload = envelope.payload
    if envelope.kind == "events_api":
        event = envelope.event
        return " ".join(filter(None, [str(event.get("type")), event.get("subtype")]))
    if envelope.kind == "slash_commands":
        return f"{payload.get('command')} {payload.get('text', '')}".strip()
    what = payload.get("callback_id") or payload.get("view", {}).get("callback_id") or payload.get("action_id", "")
    actions = ", ".join(str(each.get("action_id")) for each in payload.get("actions", []))
    return f"{payload.get('type')} {actions or what}".strip()


def answers(call: Call, envelope: Envelope) -> bool:
    """Whether this call answers the person who caused that payload."""
    payload, args = envelope.payload, call.args
    if call.path:
        return str(payload.get("response_url", "")).endswith(call.path)
    if args.get("trigger_id"):
        return bool(args["trigger_id"] == payload.get("trigger_id"))
    event = envelope.event
    if call.method == "views.publish":
        return args.get("user_id") in (event.get("user"), payload.get("user", {}).get("id"))
    if args.get("channel") != event.get("channel") or event.get("bot_id"):
        return False
    return args.get("thread_ts") in (event.get("ts"), event.get("thread_ts"), None) and call.method in ANSWERS
