"""What admins are told after a start without a damaged database, and the settings that they confirm."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block

from handlers.admin.views import admin
from handlers.slack.blocks import Message, actions, button, notice, section
from handlers.slack.mrkdwn import moment
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.channel_rules import Channel
    from handlers.store.recovery import Recovery

CONFIRM, SHOW = "recovery_confirm", "recovery_show"
DIGITS = 16
"""Hexadecimal digits of what stands for the settings in the button's value."""


def asked(
    recovery: "Recovery", configured: Sequence["Channel"], shared: Sequence[str], texts: Texts, *, changed: bool = False
) -> Message:
    """Say what happened, show the settings, and ask an admin to confirm them; `changed` if they were shown before."""
    said = [what(recovery, texts), texts("recovery.changed" if changed else "recovery.ask")]
    confirm = actions(button(texts("button.settings_right"), CONFIRM, value(configured)))
    nameless = [replace(each, set_by=None) for each in configured]  # nobody is to be notified by a message to others
    listed = admin.channels(nameless, shared, {}, texts)
    return Message("\n".join(said), [*(section(each) for each in said), *listed.blocks, confirm])


def what(recovery: "Recovery", texts: Texts) -> str:
    """Say what happened to the database."""
    if not recovery.reason or recovery.is_about_settings:
        return texts("recovery.settings")
    if recovery.stored_at is None:
        return texts("recovery.empty", file=recovery.damaged or "–")
    when = moment(recovery.stored_at)
    if not recovery.damaged:
        return texts("recovery.gone", when=when)
    return texts("recovery.replaced", file=recovery.damaged, when=when)


def in_status(recovery: "Recovery | None", texts: Texts) -> list[Block]:
    """Return what the status says of it, with the way to the settings; nothing once they are confirmed."""
    if recovery is None:
        return []
    text = f"{what(recovery, texts)}\n{texts('recovery.held_back')}"
    return [section(text), actions(button(texts("button.settings_show"), SHOW, "show"))]


def damaged_now(texts: Texts) -> Message:
    """Say that the daily check found the database damaged."""
    return notice(texts("recovery.damaged_now"))


def value(configured: Sequence["Channel"]) -> str:
    """Return what stands for the settings shown, so that others are not confirmed in their place."""
    shown = [
        (each.id, each.knowledge_bases, each.auto_reply.value, each.threshold, each.promise, each.unproved.value)
        for each in configured
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:DIGITS]
