"""A cell as rich text: what people wrote stays text by construction, so nothing in it needs escaping or can go live."""

import re
from collections.abc import Iterator, Sequence
from functools import singledispatchmethod
from typing import Any

from slack_sdk.models.blocks import Block, RichTextBlock

from handlers.slack.markup_parser import Code, Grid, Listing, Paragraph, Part, parse
from handlers.slack.mrkdwn import LONGEST_LINK, WEB_ADDRESS, safe_address
from indexes.retrieval.highlighting import Matcher
from indexes.text import normalize

Element = dict[str, Any]

MOST_PARTS = 90
"""Slack takes 100 elements in a block; a text of more parts than this is shown as it was written."""
COMPARED = 50
"""Words that matched and are compared with each other, to name a handful."""
COLUMNS, LINES = 56, 30
"""A table is set in columns when it is no larger and has no wide letters, which fixed-width fonts don't align."""

_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<strong>[^*\n]+)\*\*"
    r"|(?<![A-Za-z0-9*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![A-Za-z0-9*])"
    r"|!\[(?P<shows>[^\[\]\n]{0,200})\]\((?P<picture>https?://[^\s()<>]+)(?:[ \t]{1,4}\"[^\"\n]{0,200}\")?\)"
    r"|\[(?P<label>[^\[\]\n]{1,200})\]\((?P<target>https?://[^\s()<>]+)\)"
    rf"|(?P<url>{WEB_ADDRESS.pattern})"
)


def rich(title: str, text: str, question: str = "") -> Block:
    """Lay out a title and a text; the first time a word of the question stands in the text, it is bold."""
    parts = parse(text)
    if len(parts) > MOST_PARTS:
        parts = [Paragraph((text,))]
    writer = Writer(question)
    elements = [element for part in parts for element in writer.write(part)]
    if title:
        elements = _headed(title, elements)
    return _block(elements or [_section([_text("–")])])


def _block(elements: list[Element]) -> Block:
    """Make a block of elements as they are.

    Where they are given to slack_sdk it goes through all of its classes for each, makes an object, and of that a
    dictionary again: this took most of the time of laying a text out.
    """
    block = RichTextBlock(elements=[])
    block.elements = elements  # type: ignore[assignment]
    return block


def matched(question: str, *texts: str, limit: int = 5) -> list[str]:
    """Return the question's words that stand in the texts, as written there, in order.

    Of two that overlap, one is named: 再設定 rather than 設定, and VPN rather than VPN-Client.
    """
    matcher = Matcher(question)
    found: dict[str, str] = {}
    words = (text[start:end] for text in texts for start, end in matcher.spans(text))
    for word in words:
        found.setdefault(normalize(word), word)
        if len(found) == COMPARED:
            break
    return [word for key, word in found.items() if not any(_says_more(other, key) for other in found)][:limit]


def _says_more(other: str, key: str) -> bool:
    return key != other and (other in key if key.isascii() else key in other)


class Writer:
    """Turns parts of one text into rich text."""

    def __init__(self, question: str) -> None:
        self._matcher = Matcher(question)
        self._seen: set[str] = set()

    @singledispatchmethod
    def write(self, part: Part) -> list[Element]:
        """Return the rich text of one part."""
        raise TypeError(part)

    @write.register
    def _(self, part: Paragraph) -> list[Element]:
        return [_section(self._inline("\n".join(part.lines)))]

    @write.register
    def _(self, part: Listing) -> list[Element]:
        items = [_section(self._inline(item)) for item in part.items]
        numbered = {"style": "ordered", "offset": part.first - 1} if part.first else {"style": "bullet"}
        return [{"type": "rich_text_list", "elements": items, "indent": part.indent, **numbered}]

    @write.register
    def _(self, part: Code) -> list[Element]:
        return [_preformatted(part.text)]

    @write.register
    def _(self, part: Grid) -> list[Element]:
        if columns := _in_columns(part):
            return [_preformatted(columns)]
        rows = [_section(self._row(part.header, row)) for row in part.rows]
        return [{"type": "rich_text_list", "elements": rows, "indent": 0, "style": "bullet"}]

    def _row(self, header: Sequence[str], row: Sequence[str]) -> list[Element]:
        """Say a row of a table in one line: its first cell, then the others, named by the header."""
        first, *others = row
        pair = len(header) == 2  # noqa: PLR2004
        named = [
            f"{name}: {cell}" if name and not pair else cell
            for name, cell in zip([*header[1:], *[""] * len(others)], others, strict=False)
            if cell
        ]
        head = [_text(first, bold=True)] if first else []
        joint = (": " if pair else " – ") if head and named else ""
        return [*head, *(self._inline(joint + " · ".join(named)) if named or not head else [])]

    def _inline(self, text: str) -> list[Element]:
        elements: list[Element] = []
        at = 0
        for match in _INLINE.finditer(text):
            elements += [*self._words(text[at : match.start()]), *self._marked(match)]
            at = match.end()
        return [*elements, *self._words(text[at:])] or [_text("–")]

    def _marked(self, match: re.Match[str]) -> list[Element]:
        if match["code"]:
            return [_text(match["code"], code=True)]
        if match["url"]:
            address = match["url"].rstrip(".,;:!?")
            return [*_link(address, ""), *self._words(match["url"][len(address) :])]
        if match["picture"]:
            return _link(match["picture"], match["shows"].strip() or "🖼")
        if match["target"]:
            return _link(match["target"], match["label"])
        return [_text(match["strong"] or match["bold"], bold=True)]

    def _words(self, text: str) -> Iterator[Element]:
        at = 0
        for start, end in self._matcher.spans(text):
            word = normalize(text[start:end])
            if word not in self._seen:
                self._seen.add(word)
                yield from _plain(text[at:start])
                yield _text(text[start:end], bold=True)
                at = end
        yield from _plain(text[at:])


def _headed(title: str, elements: list[Element]) -> list[Element]:
    """Put a title before what follows, in the same paragraph if that is one."""
    if elements and elements[0]["type"] == "rich_text_section":
        first = _section([_text(title, bold=True), _text("\n"), *elements[0]["elements"]])
        return [first, *elements[1:]]
    return [_section([_text(title, bold=True)]), *elements]


def _section(elements: list[Element]) -> Element:
    return {"type": "rich_text_section", "elements": elements}


def _preformatted(text: str) -> Element:
    return {"type": "rich_text_preformatted", "elements": [_text(text)]}


def _plain(text: str) -> list[Element]:
    return [_text(text)] if text else []


def _text(text: str, **style: bool) -> Element:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _link(address: str, label: str) -> list[Element]:
    """Make a link, unless its label looks like another address or it is too long to be one."""
    if len(address) > LONGEST_LINK or re.search(r"://|\bwww\.", label):
        return [_text(f"{label} {address}".strip())]
    return [{"type": "link", "url": safe_address(address), **({"text": label} if label else {})}]


def _in_columns(grid: Grid) -> str:
    """Set a small table in columns; blank when it is too large or has letters that are not all equally wide."""
    rows = [grid.header, *grid.rows]
    count = max(map(len, rows))
    padded = [[*row, *[""] * (count - len(row))] for row in rows]
    widths = [max(len(row[column]) for row in padded) for column in range(count)]
    fits = sum(widths) + 2 * (count - 1) <= COLUMNS and len(rows) <= LINES
    if not fits or not all(cell.isascii() for row in padded for cell in row):
        return ""
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in padded]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
