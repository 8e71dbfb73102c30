"""Interactive payloads: their trigger_ids, response_urls and acks."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack import payloads
from bot.playground.slack.backend import Backend
from bot.playground.slack.block_kit.blocks import SUGGESTIONS
from bot.playground.slack.block_kit.validation import check_attachments, check_message_blocks, check_text
from bot.playground.slack.entities import Channel, Message, Person, View
from bot.playground.slack.errors import RefusedError
from bot.playground.slack.socket_mode.envelopes import Envelope, Kind
from bot.playground.slack.views import Views

JSON = dict[str, Any]


@dataclass(eq=False)
class Interaction:
    """An action of a person that the app must ack within 3 s, and its outcome."""

    kind: str
    person: Person
    channel: Channel | None = None
    envelope: Envelope | None = None
    error: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    source: Message | None = None
    view: View | None = None
    finished: bool = False
    asked_for: tuple[str, str, str] | None = None
    """Of a block_suggestion: the message or view, and the ids of block and element."""
    options: list[JSON] = field(default_factory=list)
    option_groups: list[JSON] = field(default_factory=list)

    @property
    def payload(self) -> JSON:
        """The payload sent to the app; empty when Slack refused the action itself."""
        return self.envelope.payload if self.envelope else {}

    @property
    def acked_after(self) -> float | None:
        """Seconds until the app acked; None when it never did."""
        return self.envelope.acked_after if self.envelope else None

    @property
    def ack(self) -> JSON | None:
        """The body of the ack, if it came in time."""
        return self.envelope.ack if self.envelope else None

    @property
    def trigger_id(self) -> str:
        """The trigger_id, which opens one modal within 3 s."""
        return str(self.payload.get("trigger_id", ""))

    @property
    def response_url(self) -> str:
        """The response_url, which takes 5 responses within 30 min; empty for actions in views."""
        return str(self.payload.get("response_url", ""))


@dataclass
class Trigger:
    """An issued trigger_id; `until` is a time of the monotonic clock."""

    interaction: Interaction
    until: float
    used: bool = False


@dataclass
class Hook:
    """An issued response_url; `until` is a time of the monotonic clock."""

    interaction: Interaction
    until: float
    uses: int = 0


class Interactions:
    """Sends people's actions to the app, and takes its acks and responses."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.views = Views(backend)
        self.all: list[Interaction] = []
        self._triggers: dict[str, Trigger] = {}
        self._hooks: dict[str, Hook] = {}

    # -- Going out -----------------------------------------------------------------------------------------

    def start(self, interaction: Interaction, facts: JSON, *, answerable: bool, kind: Kind = "interactive") -> None:
        """Send the payload with a new trigger_id and, if `answerable`, a response_url."""
        payload = {**facts, "trigger_id": self._trigger(interaction)}
        if answerable:
            payload["response_url"] = self._hook(interaction)
        self.all.append(interaction)
        interaction.envelope = self.backend.hub.deliver(
            kind, payload, lambda envelope: self._finished(interaction, envelope)
        )

    def ask(self, interaction: Interaction, facts: JSON) -> None:
        """Send a payload without trigger_id and response_url; the ack is the only response."""
        self.all.append(interaction)
        interaction.envelope = self.backend.hub.deliver(
            "interactive", facts, lambda envelope: self._finished(interaction, envelope)
        )

    def command(self, person: Person, channel: Channel, name: str, text: str) -> Interaction:
        """Send a slash command."""
        interaction = Interaction("command", person, channel)
        ours = self.backend.workspace
        facts = {
            "token": payloads.TOKEN,
            "team_id": ours.team_id,
            "team_domain": ours.domain,
            "channel_id": channel.id,
            "channel_name": payloads.channel_name(channel),
            "user_id": person.id,
            "user_name": person.handle,
            "command": name,
            "text": text,
            "api_app_id": ours.app_id,
            "is_enterprise_install": "false",
        }
        self.start(interaction, facts, answerable=True, kind="slash_commands")
        return interaction

    def _trigger(self, interaction: Interaction) -> str:
        trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger] = Trigger(interaction, time.monotonic() + self.backend.timing.trigger)
        return trigger

    def _hook(self, interaction: Interaction) -> str:
        kind = "commands" if interaction.kind == "command" else "actions"
        path = f"/{kind}/{self.backend.workspace.team_id}/{secrets.randbelow(10**13)}/{secrets.token_hex(12)}"
        self._hooks[path] = Hook(interaction, time.monotonic() + self.backend.timing.response_url)
        return self.backend.workspace.base_url + path

    def take_trigger(self, trigger_id: str) -> Interaction:
        """Return the interaction of a trigger_id; raises RefusedError when it was used or expired."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise RefusedError("invalid_trigger_id" if trigger_id else "invalid_arguments")
        if trigger.used:
            raise RefusedError("exchanged_trigger_id")
        if time.monotonic() > trigger.until:
            raise RefusedError("expired_trigger_id")
        trigger.used = True
        return trigger.interaction

    # -- Coming back ---------------------------------------------------------------------------------------

    def _finished(self, interaction: Interaction, envelope: Envelope) -> None:
        if envelope.outcome == "undelivered":
            interaction.error = "dispatch_failed"
        elif envelope.outcome == "unacked":
            interaction.error = "operation_timeout"
        else:
            self._take_ack(interaction, envelope.ack)
        interaction.finished = True
        self.backend.tell("interaction", interaction)

    def _take_ack(self, interaction: Interaction, ack: JSON | None) -> None:
        try:
            if interaction.kind == "view_submission":
                self._take_form_answer(interaction, ack or {})
            elif interaction.kind == "block_suggestion":
                _take_options(interaction, ack or {})
            elif ack and interaction.kind == "command":
                self._answer(interaction, ack)
        except RefusedError as refused:
            interaction.error = refused.error
            self.backend.warn(f"the ack was refused: {refused.error} {' '.join(refused.details)}")

    def _take_form_answer(self, interaction: Interaction, ack: JSON) -> None:
        view = interaction.view
        if view is None:
            return
        interaction.errors, shown = self.views.after_submission(interaction.person, view, ack)
        interaction.views += shown

    def respond(self, path: str, body: JSON) -> None:
        """Handle a POST to a response_url."""
        hook = self._hooks.get(path)
        if hook is None:
            raise RefusedError("no_such_hook")
        if time.monotonic() > hook.until:
            raise RefusedError("expired_url")
        if hook.uses >= self.backend.timing.response_url_uses:
            raise RefusedError("used_url")
        hook.uses += 1
        self._answer(hook.interaction, body)

    def _answer(self, interaction: Interaction, body: JSON) -> None:
        source = interaction.source
        if body.get("delete_original") is True:
            if source is not None and not source.deleted:
                self.backend.delete(source)
        elif body.get("replace_original") is True and source is not None:
            self._replace(interaction, source, body)
        else:
            self._post(interaction, body)

    def _replace(self, interaction: Interaction, source: Message, body: JSON) -> None:
        if source.deleted:
            raise RefusedError("message_not_found")
        self.backend.change(source, self.backend.workspace.bot.id, **self._content(body))
        interaction.messages.append(source)

    def _post(self, interaction: Interaction, body: JSON) -> None:
        channel = interaction.channel
        if channel is None:
            raise RefusedError("channel_not_found")
        if body.get("replace_original") is True:
            self.backend.warn("replace_original in the answer to a command: there is no message to replace")
        content = self._content(body)
        ts = body.get("thread_ts")
        content["thread_ts"] = self.backend.thread(channel, ts) if ts else None
        message = self.backend.bot_message(channel, **content)
        if body.get("response_type") == "in_channel":
            self.backend.post(message)
        else:
            message.ephemeral_to = interaction.person.id
            self.backend.post_ephemeral(message)
        interaction.messages.append(message)

    def _content(self, body: JSON) -> JSON:
        """Return the checked text, blocks and attachments of a response."""
        text = body.get("text") or ""
        blocks = check_message_blocks(body["blocks"]) if body.get("blocks") else []
        attachments = check_attachments(body["attachments"]) if body.get("attachments") else []
        if not isinstance(text, str) or not (text or blocks or attachments):
            raise RefusedError("no_text")
        check_text(text)
        self.backend.check_advice(text)
        self.backend.check_pictures(blocks, "/blocks", "invalid_blocks")
        return {"text": text, "blocks": blocks, "attachments": attachments}


def _take_options(interaction: Interaction, ack: JSON) -> None:
    if problems := [*SUGGESTIONS(ack, "")]:
        raise RefusedError("invalid_options", *problems)
    interaction.options = ack.get("options", [])
    interaction.option_groups = ack.get("option_groups", [])
