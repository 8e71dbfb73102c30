"""Slack's mrkdwn as styled text on a terminal, with line breaks that Japanese allows.

The result is rich `Text`, never console markup, without control characters: no text of a person or a CSV can style
or control the terminal.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.emoji import Emoji
from rich.text import Text

from bot.playground.slack.workspace import Workspace

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
SPAN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<reference>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>[^\s*]|[^\s*][^*\n]*[^\s*])\*(?![\w*])"
    r"|(?<!\w)_(?P<italic>[^\s_]|[^\s_][^_\n]*[^\s_])_(?!\w)"
    r"|(?<![\w~])~(?P<strike>[^\s~]|[^\s~][^~\n]*[^\s~])~(?![\w~])"
)
QUOTE = re.compile(r"(?:&gt;|>) ?")
REST_QUOTED = re.compile(r"(?:(?:&gt;|>){3}) ?")
CODE = "cyan"
MOST_MARKS = 4
"""Characters for each column, from which a line is broken whatever it looks like."""
JOINER = "\u200d"
NEVER_FIRST = frozenset("、。，．,.・：；？！）」』】〉》〕］｝’”ーァィゥェォッャュョぁぃぅぇぉっゃゅょ々…％)]}!?:;")
NEVER_LAST = frozenset("（「『【〈《〔［｛‘“([{")


# -- Text --------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """Remove control characters; line breaks stay, a tab becomes a space."""
    lines = text.replace("\t", " ").replace("\r\n", "\n")
    return CONTROL.sub("", lines).encode("utf-8", "replace").decode()


def plain(text: str) -> str:
    """Render a plain_text object: only emoji codes are replaced."""
    return Emoji.replace(clean(text))


def mrkdwn(text: str, workspace: Workspace) -> Text:
    """Render escaped mrkdwn, with the names of mentioned people, channels and groups."""
    parts = FENCE.split(clean(text))
    blocks = [
        _code_block(part) if index % 2 else _paragraph(part.strip("\n") if len(parts) > 1 else part, workspace)
        for index, part in enumerate(parts)
    ]
    return Text("\n").join(block for block in blocks if block or len(blocks) == 1)


def snippet(text: str, workspace: Workspace, width: int = 40) -> str:
    """Return the beginning of a message as one line."""
    line = Text(" ".join(mrkdwn(text, workspace).plain.split()))
    line.truncate(width, overflow="ellipsis")
    return line.plain


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _code_block(code: str) -> Text:
    return Text("\n").join(Text(f"  {line}", style=CODE) for line in _unescape(code).split("\n"))


def _paragraph(text: str, workspace: Workspace) -> Text:
    lines = []
    quoting = False
    for line in text.split("\n"):
        rest = REST_QUOTED.match(line)
        quoting = quoting or rest is not None
        quote = rest or QUOTE.match(line)
        words = Text()
        _inline(words, line[quote.end() :] if quote else line, "", workspace)
        lines.append(Text.assemble(("│ ", "dim"), words) if quoting or quote else words)
    return Text("\n").join(lines)


def _inline(out: Text, text: str, style: str, workspace: Workspace) -> None:
    """Append text to `out`; nested styles combine."""
    end = 0
    for match in SPAN.finditer(text):
        out.append(_unescape(Emoji.replace(text[end : match.start()])), style)
        end = match.end()
        kind, inside = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "code":
            out.append(_unescape(inside), f"{style} {CODE}")
        elif kind == "reference":
            out.append_text(_reference(inside, style, workspace))
        else:
            _inline(out, inside, f"{style} {kind}".strip(), workspace)
    out.append(_unescape(Emoji.replace(text[end:])), style)


def _reference(inside: str, style: str, workspace: Workspace) -> Text:
    target, _, label = inside.partition("|")
    label = _unescape(label)
    mention = _mention(target, label, workspace)
    if mention:
        return Text(mention, style=f"{style} bold")
    address = _unescape(target)
    if label in ("", address, address.removeprefix("mailto:")):
        return Text(label or address, style=f"{style} underline")
    return Text.assemble((label, f"{style} underline"), (f" ({address})", f"{style} dim"))


def _mention(target: str, label: str, workspace: Workspace) -> str:
    if target.startswith("@"):
        person = workspace.people.get(target[1:])
        return f"@{person.real_name if person else label or target[1:]}"
    if target.startswith("#"):
        channel = workspace.channels.get(target[1:])
        return f"#{channel.name if channel else label or target[1:]}"
    if target.startswith("!subteam^"):
        group = workspace.groups.get(target.removeprefix("!subteam^"))
        return f"@{group.handle}" if group else label or "@group"
    if target.startswith("!date^"):
        return label or target
    return f"@{target[1:]}" if target.startswith("!") else ""


# -- Lines -------------------------------------------------------------------------------------------------


class Paragraph:
    """Text wrapped to the console's width at spaces and between Japanese characters."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.split("\n", allow_blank=True):
            for piece in line.divide(cuts(line.plain, max(2, options.max_width))):
                piece.rstrip()
                piece.no_wrap = True
                piece.overflow = "ignore"
                yield piece


def _is_wider(part: str, width: int) -> bool:
    """Tell whether a part takes more than `width` columns, or has so many marks without a width that it may as well."""
    return len(part) > MOST_MARKS * width or cell_len(part) > width


def cuts(line: str, width: int) -> list[int]:
    """Return where to break a line so that no part is wider than `width` columns, trailing spaces aside."""
    found: list[int] = []
    start, good = 0, 0
    for index, char in enumerate(line):
        if _may_break(line, index):
            good = index
        if not char.isspace() and _is_wider(line[start : index + 1], width):
            start = good if good > start else index
            found.append(start)
    return found


def _may_break(line: str, index: int) -> bool:
    before, after = line[index - 1 : index], line[index]
    if before in ("", JOINER) or after.isspace() or cell_len(after) == 0:
        return False
    if before.isspace():
        return True
    if after in NEVER_FIRST or before in NEVER_LAST:
        return False
    return cell_len(before) > 1 or cell_len(after) > 1
