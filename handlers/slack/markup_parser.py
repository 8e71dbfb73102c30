"""What people write into a CSV's cell, taken apart: paragraphs, lists, tables and code.

They write as they would anywhere: Markdown, Slack's marks, bullets of their own, tables pasted from a sheet, HTML.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_BREAK = re.compile(r"<br\s*/?>|</?(?:p|div|ul|ol|table|tr)\b[^<>]*>", re.IGNORECASE)
_ITEM = re.compile(r"(?<!\s)\s*<li\b[^<>]*>", re.IGNORECASE)
_BOLD = re.compile(r"</?(?:b|strong)>", re.IGNORECASE)
_ANCHOR = re.compile(r"<a\b([^<>]*)>([^<]*(?:<(?!/?a\b)[^<]*)*)</a\s*>", re.IGNORECASE)
_ADDRESS = re.compile(r"""\bhref\s*=\s*["']?([^\s"'<>]+)""", re.IGNORECASE)
_INLINE_TAG = re.compile(r"</?(?:a|span|i|em|u|font|td|th|h[1-6])\b[^<>]*>", re.IGNORECASE)
_HTML = re.compile(r"</?(?:br|p|div|ul|ol|li|b|strong|span)\b[^<>]*>|</a\s*>", re.IGNORECASE)
_ANGLE = {"&lt;": "<", "&gt;": ">"}

_FENCE = re.compile(r"\s*```")
_BULLET = re.compile(r"([ \t\u3000]*)(?:[-*+](?=\s)|[・•◦▪‣])\s*(\S.*)")
_NUMBER = re.compile(r"([ \t\u3000]*)(\d{1,2})[.)．）](?!\d)\s*(\S.*)")
_RULE = re.compile(r"\s*(?:\|\s*)?:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*(?:\|\s*)?")
_LINE_SPACE = re.compile(r"(?<![ \u3000])[ \u3000]+(?=\n)")
_PIPE = re.compile(r"(?<!\\)\|")
_HEADING = re.compile(r"#{1,6}[ \t]+(?=\S)")
_MOST_INDENTED = 8
_LONGEST_LABEL = 200


@dataclass(frozen=True)
class Paragraph:
    """Lines as they are."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Items, bulleted or numbered from `first` on; an item may have further lines."""

    items: tuple[str, ...]
    first: int | None
    indent: int


@dataclass(frozen=True)
class Code:
    """What stood between fences."""

    text: str


@dataclass(frozen=True)
class Grid:
    """A table: the header's cells, then those of each row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Part = Paragraph | Listing | Code | Grid


def parse(text: str) -> list[Part]:
    """Take a cell apart, in order."""
    lines = tidy(text).split("\n")
    parts: list[Part] = []
    plain: list[str] = []
    at, number = 0, 0
    while at < len(lines):
        found = _code(lines, at) or _grid(lines, at) or _listing(lines, at, number)
        if found is None:
            plain.append(_headed(lines[at]))
            at += 1
        else:
            part, at = found
            parts += [Paragraph(tuple(plain)), part]
            plain = []
            number = _next_number(part) or number
    return [part for part in map(_trimmed, [*parts, Paragraph(tuple(plain))]) if part]


def tidy(text: str) -> str:
    """Make line breaks and the usual HTML the same as typed ones."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _HTML.search(text):
        text = _ANCHOR.sub(_linked, text.replace("&nbsp;", " "))
        text = _BOLD.sub("**", _BREAK.sub("\n", _ITEM.sub("\n・", text)))
        text = _INLINE_TAG.sub("", re.sub(r"</li>", "", text, flags=re.IGNORECASE))
        text = re.sub("&[lg]t;", lambda entity: _ANGLE[entity[0]], text)
    return re.sub(r"\n{3,}", "\n\n", _LINE_SPACE.sub("", text)).strip()


def _linked(anchor: re.Match[str]) -> str:
    """Write an HTML link as a Markdown one, or as a text with its address where Markdown can't."""
    found = _ADDRESS.search(anchor[1])
    label = " ".join(re.sub(r"[\[\]]|<[^<>]*>", "", anchor[2]).split())
    address = html.unescape(found[1]).replace("(", "%28").replace(")", "%29") if found else ""
    if address == label or not address.startswith(("https://", "http://", "mailto:")):
        return label
    if not label or address.startswith("mailto:") or len(label) > _LONGEST_LABEL:
        return f"{label} {address.removeprefix('mailto:')}".strip()
    return f"[{label}]({address})"


def _headed(line: str) -> str:
    """Make a Markdown heading bold; any other line stays as it is."""
    return f"**{line[match.end() :]}**" if (match := _HEADING.match(line)) and "*" not in line else line


def _trimmed(part: Part) -> Part | None:
    """Leave out the blank lines around a paragraph; between parts there is room enough."""
    if not isinstance(part, Paragraph):
        return part
    lines = "\n".join(part.lines).strip("\n")
    return Paragraph(tuple(lines.split("\n"))) if lines.strip() else None


def _code(lines: Sequence[str], at: int) -> tuple[Part, int] | None:
    """Take what is fenced; a fence that is never closed, as when the text was cut, reaches to the end."""
    if not _FENCE.match(lines[at]) or lines[at].count("```") > 1:
        return None
    end = next((n for n in range(at + 1, len(lines)) if "```" in lines[n]), len(lines))
    inside = "\n".join(lines[at + 1 : end])
    return (Code(inside), end + 1) if inside.strip() else None


def _grid(lines: Sequence[str], at: int) -> tuple[Part, int] | None:
    """Take a Markdown table, or lines with as many tabs each as pasting from a sheet leaves."""
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if "|" in lines[at] and "-" in following and "|" in following and _RULE.fullmatch(following):
        end = _while(lines, at + 2, lambda line: "|" in line)
        header, rows = _cells(lines[at]), [_cells(line) for line in lines[at + 2 : end]]
    elif (tabs := lines[at].strip("\t").count("\t")) and following.count("\t") >= tabs:
        end = _while(lines, at + 1, lambda line: line.count("\t") >= tabs)
        header, *rows = (tuple(cell.strip() for cell in line.split("\t")) for line in lines[at:end])
    else:
        return None
    return (Grid(header, tuple(rows)), end) if rows else None


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip().replace("\\|", "|") for cell in _PIPE.split(inner))


def _listing(lines: Sequence[str], at: int, following: int) -> tuple[Part, int] | None:
    """Take items of the same depth. A number alone is none, unless it is `following` the list before it."""
    items: list[str] = []
    first, indent = None, 0
    end = at
    while end < len(lines) and (item := _item(lines[end])):
        depth, number, text = item
        if items and (depth != indent or number != (None if first is None else first + len(items))):
            break
        if not items:
            first, indent = number, depth
        end += 1
        further = _while(lines, end, _continues)
        items.append("\n".join([text, *(line.strip() for line in lines[end:further])]))
        end = further
    alone = first is not None and len(items) == 1 and first != following
    return None if alone or not items else (Listing(tuple(items), first, indent), end)


def _item(line: str) -> tuple[int, int | None, str] | None:
    """Return an item's depth, number (None for a bullet) and text."""
    if match := _NUMBER.fullmatch(line):
        return _depth(match[1]), int(match[2]), match[3]
    if match := _BULLET.fullmatch(line):
        return _depth(match[1]), None, match[2]
    return None


def _depth(space: str) -> int:
    width = len(space.replace("\t", "  ").replace("\u3000", "  "))
    return min(width // 2, _MOST_INDENTED)


def _continues(line: str) -> bool:
    return line.startswith(("  ", "\t", "\u3000")) and bool(line.strip()) and _item(line) is None


def _next_number(part: Part) -> int | None:
    """Return the number that goes on from a numbered list; None for anything else."""
    return part.first + len(part.items) if isinstance(part, Listing) and part.first is not None else None


def _while(lines: Sequence[str], at: int, fits: Callable[[str], bool]) -> int:
    while at < len(lines) and fits(lines[at]):
        at += 1
    return at
