"""What a view returns: blocks, and the plain text of notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from handlers.texts import Texts

NOTIFICATION = 300
"""Characters of a notification's text; Slack cuts it short anyway."""


@dataclass(frozen=True)
class Message:
    """A message ready for `chat.postMessage` and its kin."""

    text: str
    blocks: Sequence[Block]

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments; addresses in it are not unfolded into previews."""
        return {"text": self.text, "blocks": self.payload()}

    def payload(self) -> list[dict[str, Any]]:
        """The blocks as JSON."""
        return [block.to_dict() for block in self.blocks]


def section(text: str, button: ButtonElement | None = None) -> SectionBlock:
    """Paragraph of escaped mrkdwn, with a button at its side."""
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True), accessory=button)


def context(*texts: str) -> ContextBlock:
    """Small print; empty texts are left out and the rest is joined by dots."""
    return ContextBlock(elements=[MarkdownTextObject(text=" · ".join(filter(None, texts)), verbatim=True)])


def button(label: str, action: str, value: str) -> ButtonElement:
    """Build a button with one of the bot's own labels, never a CSV's."""
    return ButtonElement(text=PlainTextObject(text=label, emoji=True), action_id=action, value=value)


def actions(*buttons: ButtonElement) -> ActionsBlock:
    """Lay buttons in a row."""
    return ActionsBlock(elements=list(buttons))


def notice(text: str) -> Message:
    """One paragraph of the bot's own words; values in it are escaped already."""
    return Message(text, [section(text)])


def entries(number: int, texts: Texts) -> str:
    """Return a number of records in words."""
    return texts("entries.one" if number == 1 else "entries.other", count=number)
