"""The words of a message, wherever Slack puts them.

A forwarded message has no `text` of its own; its words are in `attachments`. What a workflow posts from a form has them
in `blocks`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from handlers.slack.mrkdwn import escape, has_words, plain

_TO_MESSAGE = re.compile(r"<https?://[^<>|\s]+/archives/[^<>|\s]+(?:\|[^<>]*)?>")
"""A link to a message, which Slack shows below it."""
_WHEN_AND_WHO = re.compile(r"\[[^\]]{0,100}\](?:[^:\n]{0,100}:(?:\s|$))?\s*")
"""How Slack's short form of a message begins: [November 28] Alice: …, or [no preview available]."""
_LINES = {
    "rich_text_section",
    "rich_text_preformatted",
    "rich_text_quote",
    "section",
    "header",
    "context",
    "markdown",
    "raw_text",
}
"""Elements that begin a line of their own; the last one is a cell of a table."""
_SHOWN = ("text", "fields", "elements", "rows")
"""Where blocks and their elements keep what is shown."""


def message_text(message: Mapping[str, Any]) -> str:
    """Return the words of a message as Slack writes text; blank if there are none.

    They are those of its text, unless that is blank, a mention or a link to another message: then those of the messages
    that are forwarded or shown with it, or else of its blocks.
    """
    text = str(message.get("text") or "")
    if has_words(plain(_TO_MESSAGE.sub(" ", text))):
        return text
    shared = map(_shared_text, _messages(message.get("attachments")))
    inner = "\n".join(filter(None, shared)) or _blocks_text(message.get("blocks"))
    return inner if has_words(plain(inner)) else text


def _messages(attachments: Iterable[Mapping[str, Any]] | None) -> Iterator[Mapping[str, Any]]:
    """Yield the attachments that are messages, in order; for one that has only others inside, those."""
    waiting = list(reversed(list(attachments or ())))
    while waiting:
        attachment = waiting.pop()
        if _is_message(attachment):
            inside = attachment.get("attachments")
            if inside and not attachment.get("text"):
                waiting += reversed(inside)
            else:
                yield attachment


def _is_message(attachment: Mapping[str, Any]) -> bool:
    """Return whether an attachment is another message, and not the preview of a page."""
    return bool(attachment.get("is_share") or attachment.get("is_msg_unfurl"))


def _shared_text(attachment: Mapping[str, Any]) -> str:
    if text := str(attachment.get("text") or ""):
        return text
    inside = [each.get("message", {}).get("blocks") for each in attachment.get("message_blocks") or ()]
    fallback = str(attachment.get("fallback") or "")
    begins = _WHEN_AND_WHO.match(fallback)
    return _blocks_text([inside, attachment.get("blocks")]) or fallback[begins.end() if begins else 0 :]


def _blocks_text(blocks: object) -> str:
    return "".join(_pieces(blocks)).strip()


def _pieces(blocks: object) -> Iterator[str]:
    """Yield the texts in blocks, in order; without recursion, however deep they are nested."""
    waiting: list[object] = [blocks]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += reversed(part)
        elif isinstance(part, Mapping):
            if part.get("type") in _LINES:
                yield "\n"
            yield _own_text(part)
            waiting += reversed([part[key] for key in _SHOWN if isinstance(part.get(key), list | Mapping)])


def _own_text(part: Mapping[str, Any]) -> str:
    """Return the text of one element; mentions, channels and emoji say nothing to search for."""
    text = part.get("text")
    if part.get("type") == "link":
        return escape(str(text or part.get("url") or ""))
    if not isinstance(text, str):
        return ""
    return f"{text}\n" if part.get("type") in {"mrkdwn", "markdown"} else escape(text)
