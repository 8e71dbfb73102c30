"""Slack's message text: escaping, mentions and visible text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

LIVE = re.compile(r"<(?:!(?:channel|here|everyone)|@[UW][A-Z0-9]+|!subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>")
LINK = re.compile(r"(https?://[^\s<>|、。「」（）]+)|((?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)")
NAME = re.compile(r"(?<![\w@#<&/])([@#])([\w][\w.\-]*[\w]|[\w])")
BROADCASTS = ("channel", "here", "everyone")


def escape(text: str) -> str:
    """Replace Slack's three control characters by entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_typed(text: str, find: Callable[[str, str], str | None]) -> str:
    """Return a typed line as Slack stores it: escaped, with mentions, channels and links in angle brackets.

    `find("@" or "#", name)` returns the content of the brackets for a known name, and None for others.
    """

    def name(match: re.Match[str]) -> str:
        inside = find(match[1], match[2])
        return f"<{inside}>" if inside else match[0]

    parts = []
    end = 0
    for match in LINK.finditer(escaped := escape(text)):
        parts.append(NAME.sub(name, escaped[end : match.start()]))
        parts.append(f"<{match[1]}>" if match[1] else f"<mailto:{match[2]}|{match[2]}>")
        end = match.end()
    parts.append(NAME.sub(name, escaped[end:]))
    return "".join(parts)


def separate_mention(text: str, bot_name: str) -> str:
    """Insert a space between a mention of the bot and Japanese text right after it, so that it is a mention."""
    return re.sub(rf"[@＠]({re.escape(bot_name)})(?=[^\x00-\x7f])", r"@\1 ", text, flags=re.IGNORECASE)


def live_mentions(content: Any) -> list[str]:
    """Return every mention in a text, block, message or view that notifies people when posted.

    Tests use it to assert that no text from a CSV or a person became a mention. plain_text objects don't count:
    Slack shows `<!channel>` in them literally.
    """
    return list(_mentions(content))


def _mentions(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield from LIVE.findall(content)
    elif isinstance(content, list):
        for item in content:
            yield from _mentions(item)
    elif isinstance(content, dict):
        yield from _mentions_of_object(content)


def _mentions_of_object(content: dict[str, Any]) -> Iterator[str]:
    kind = content.get("type")
    if kind == "plain_text":
        return
    if kind == "user":
        yield f"<@{content.get('user_id')}>"
    elif kind == "usergroup":
        yield f"<!subteam^{content.get('usergroup_id')}>"
    elif kind == "broadcast":
        yield f"<!{content.get('range')}>"
    elif kind == "text":
        return
    else:
        for key, value in content.items():
            if key in VISIBLE_KEYS:
                yield from _mentions(value)


VISIBLE_KEYS = frozenset(
    {
        "accessory",
        "attachments",
        "blocks",
        "element",
        "elements",
        "fallback",
        "fields",
        "footer",
        "hint",
        "label",
        "options",
        "pretext",
        "rows",
        "text",
        "title",
    }
)


def visible_text(content: Any) -> str:
    """Return the visible text of blocks, one line per text object, in order."""
    lines: list[str] = []
    _add_lines(lines, content)
    return "\n".join(filter(None, lines))


def _add_lines(lines: list[str], content: Any) -> None:
    """Add to a list instead of yielding through every level: tests look at what is shown again and again."""
    if isinstance(content, list):
        for item in content:
            _add_lines(lines, item)
    elif isinstance(content, dict):
        _add_lines_of_object(lines, content)


def _add_lines_of_object(lines: list[str], content: dict[str, Any]) -> None:
    kind = content.get("type", "")
    if kind in ("mrkdwn", "plain_text", "markdown"):
        lines.append(str(content.get("text", "")))
    elif kind.startswith("rich_text") and kind not in ("rich_text", "rich_text_list"):
        lines.append("".join(_rich(element) for element in content.get("elements", [])))
    elif kind == "image":
        _add_lines(lines, content.get("title"))
        lines.append(str(content.get("alt_text", "")))
    else:
        for key in _IN_ORDER:
            if key in content:
                _add_lines(lines, content[key])


BUTTONS = ("positive_button", "negative_button")
_IN_ORDER = ("label", "text", "fields", "element", "elements", "accessory", "rows", *BUTTONS, "hint")


def _rich(element: dict[str, Any]) -> str:
    kind = element.get("type")
    if kind == "link":
        return str(element.get("text") or element.get("url", ""))
    if kind == "emoji":
        return f":{element.get('name')}:"
    return str(element.get("text", "")) or "".join(_mentions_of_object(element))
