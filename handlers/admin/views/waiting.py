"""The list of channels and their knowledge bases, and the question about a channel that waits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block

from handlers.admin.views import admin
from handlers.slack.blocks import Message, actions, button, notice, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.channel_rules import Channel, Waiting

SERVE, DECLINE = "channel_serve", "channel_decline"
NAME = 100
NAMES = 500
LISTED = 8
"""Waiting channels that are listed at a time; the others follow once these are decided."""


def value(waiting: "Waiting") -> str:
    """Return a button's value, the channel and the name: ``C012AB3CD:name``."""
    return f"{waiting.channel}:{waiting.name}"


def asked(waiting: "Waiting", texts: Texts) -> Message:
    """Ask an admin whether a channel is to be served."""
    return Message(_question(waiting, texts), _blocks(waiting, texts))


def decided(waiting: "Waiting", texts: Texts, *, served: bool) -> Message:
    """Say what was decided."""
    key = "waiting.served" if served else "waiting.declined"
    return notice(texts(key, channel=f"<#{waiting.channel}>", names=_names(waiting)))


def channels(
    waiting: Sequence["Waiting"],
    configured: Sequence["Channel"],
    shared: Sequence[str],
    left: Mapping[str, Sequence[str]],
    texts: Texts,
) -> Message:
    """List the channels that wait for an admin, then all that have something of their own; see `admin.channels`."""
    listed = admin.channels(configured, shared, left, texts)
    return Message(listed.text, [*_waiting(waiting, texts), *listed.blocks])


def _waiting(waiting: Sequence["Waiting"], texts: Texts) -> list[Block]:
    if not waiting:
        return []
    blocks = [block for each in waiting[:LISTED] for block in _blocks(each, texts)]
    more = [section(texts("kb.more_problems", count=len(waiting) - LISTED))] if len(waiting) > LISTED else []
    return [section(texts("waiting.title")), *blocks, *more]


def _blocks(waiting: "Waiting", texts: Texts) -> list[Block]:
    serve = button(texts("button.serve"), SERVE, value(waiting))
    decline = button(texts("button.dont_serve"), DECLINE, value(waiting))
    return [section(_question(waiting, texts)), actions(serve, decline)]


def _question(waiting: "Waiting", texts: Texts) -> str:
    key = "waiting.section" if waiting.is_configured else "waiting.ask"
    return texts(key, channel=f"<#{waiting.channel}>", name=one_line(waiting.name, NAME), names=_names(waiting))


def _names(waiting: "Waiting") -> str:
    return one_line(", ".join(waiting.knowledge_bases) or "–", NAMES)
