"""Which payloads are kept before they are acked: those that somebody waits for, and what auto-reply may answer."""

from collections.abc import Mapping
from typing import Any

from handlers.answers.decision import SPOKEN
from handlers.channel_rules import AutoReply
from handlers.request import payload_key
from handlers.services import Services
from handlers.store.questions import Questions

LATER = {"message_changed", "message_deleted"}
"""Subtypes of events about a message that was posted before; an answer follows it."""


def keep(services: Services, kind: str, body: Mapping[str, Any]) -> None:
    """Keep a payload in the inbox if it may have to be done after a restart.

    `kind` is the envelope's type. Calls nobody but the database, and waits `WAIT_SECONDS` at most for what it writes.
    What is said in channels comes in such numbers that nothing is read for it: a database that hangs would keep the
    acks of all else waiting.
    """
    key = payload_key(body)
    if key and (kind != "events_api" or _is_for_us(services, body["event"])):
        services.inbox.keep(key, _sender(body), {name: value for name, value in body.items() if name != "token"})


def _is_for_us(services: Services, event: Mapping[str, Any]) -> bool:
    """Tell whether the bot may have to answer an event: the rest of what is said in channels is not its business."""
    if event.get("type") == "app_mention":
        return not event.get("bot_id")
    subtype = event.get("subtype")
    if event.get("type") != "message" or subtype not in SPOKEN | LATER:
        return False
    versions = _versions(event)
    if any(version.get("bot_id") for version in versions):
        return False
    return (
        event.get("channel_type") == "im"
        or any(services.is_mentioned(version.get("text", "")) for version in versions)
        or (subtype in LATER and _has_answer(services, event))
        or (
            event.get("channel_type") != "mpim"
            and services.channels.last_known(event["channel"]).auto_reply is not AutoReply.OFF
        )
    )


def _versions(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if event.get("subtype") not in LATER:
        return [event]
    return [event.get("message") or {}, event.get("previous_message") or {}]


def _has_answer(services: Services, event: Mapping[str, Any]) -> bool:
    ts = event.get("deleted_ts") or event["message"]["ts"]
    if services.database.trouble:  # then nothing can be kept either
        return False
    return Questions(services.database).reply_to(event["channel"], ts) is not None


def _sender(body: Mapping[str, Any]) -> str:
    """Return who sent a payload; their rows go with `kotae forget`."""
    if "event" in body:
        event = body["event"]
        return str(event.get("user") or (event.get("message") or event.get("previous_message") or {}).get("user", ""))
    return str(body["user"]["id"] if "user" in body else body.get("user_id", ""))
