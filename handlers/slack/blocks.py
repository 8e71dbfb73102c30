"""What a view returns: blocks, and the plain text of notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    ImageElement,
    InteractiveElement,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from handlers.slack.mrkdwn import beginning, length
from handlers.texts import Texts

NOTIFICATION = 300
"""Characters of a notification's text; Slack cuts it short anyway."""
FALLBACK = 4000
"""Characters of text beside the blocks: more is refused in an update."""
LISTED = 40
"""Paragraphs in a list: below Slack's 50 blocks, whatever comes around them."""
ROOM = 9000
"""Characters they may take together: below the 12,000 that Slack allows a message, whatever comes around them."""
PARAGRAPH = 2900
"""Characters of lines in one section, which takes 3,000."""


@dataclass(frozen=True)
class Message:
    """A message ready for `chat.postMessage` and its kin."""

    text: str
    blocks: Sequence[Block]

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments; addresses in it are not unfolded into previews."""
        return {"text": beginning(self.text, FALLBACK), "blocks": self.payload()}

    def payload(self) -> list[dict[str, Any]]:
        """The blocks as JSON."""
        return [block.to_dict() for block in self.blocks]


def section(text: str, button: InteractiveElement | ImageElement | None = None) -> SectionBlock:
    """Paragraph of escaped mrkdwn, with a button, a menu or a picture at its side."""
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


def menu_key(name: str) -> str:
    """What stands for a knowledge base in a menu, whose values are at most 150 characters."""
    return sha256(name.encode()).hexdigest()[:16]


def notice(text: str) -> Message:
    """One paragraph of the bot's own words; values in it are escaped already."""
    return Message(text, [section(text)])


def entries(number: int, texts: Texts) -> str:
    """Return a number of records in words."""
    return texts("entries.one" if number == 1 else "entries.other", count=number)


def in_days(number: int, texts: Texts) -> str:
    """Return a number of days in words."""
    return texts("days.one" if number == 1 else "days.other", count=number)


def fitting(paragraphs: Sequence[str], texts: Texts) -> list[str]:
    """Leave out the last ones when all would be more than a message holds, and say how many."""
    ends = accumulate(length(paragraph) for paragraph in paragraphs)
    kept = [paragraph for paragraph, end in zip(paragraphs, ends, strict=True) if end <= ROOM][:LISTED]
    left_out = len(paragraphs) - len(kept)
    return [*kept, texts("kb.more_problems", count=left_out)] if left_out else kept


def listed(lines: Sequence[str], texts: Texts) -> list[Block]:
    """Show lines close together, in as few sections as hold them."""
    sections = [""]
    for line in fitting(lines, texts):
        full = length(sections[-1]) + 1 + length(line) > PARAGRAPH
        sections = [*sections, line] if full else [*sections[:-1], f"{sections[-1]}\n{line}".lstrip("\n")]
    return [section(text) for text in sections if text]
