"""The pictures that a row names: in the cell of its image column, and as Markdown in its answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from indexes.messages import Translatable
from indexes.records.model import Problem, Record

LONGEST = 3000
"""Characters of an address that Slack takes for a picture."""

_SHOWN = 80
"""Characters of a cell that a problem quotes."""
_APART = re.compile(r"[\s|｜、，]+|,(?=\s*https?://)")
_MARKDOWN = re.compile(
    r"!\[([^\[\]\n]{0,200})\]\(\s{0,4}(https?://[^\s()<>]{1,4000})(?:[ \t]{1,4}\"[^\"\n]{0,200}\")?\s{0,4}\)"
)
_ADDRESS = re.compile(r"https?://[^/\s]\S*", re.IGNORECASE)
_NO_PICTURES = (".svg", ".webp", ".pdf", ".heic", ".tif", ".tiff", ".bmp", ".html", ".htm")
"""Endings of what Slack does not show: it takes PNG, JPEG and GIF."""
_PRIVATE = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp")
"""Endings of hosts that only a network of one's own knows."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The address of a picture, and what its author says that it shows; blank where nothing is said."""

    address: str
    shows: str = ""


def pictures(record: Record) -> tuple[Picture, ...]:
    """Return a row's pictures, each once: those of its image column, then those in its answer."""
    found = [*_in_cell(record.image), *_in_text(record.answer)]
    first: dict[str, Picture] = {}
    for picture in found:
        first.setdefault(picture.address, picture)
    return tuple(first.values())


def hindrance(address: str) -> Translatable | None:
    """Say why Slack can't show a picture; None if it most likely can. Nothing is fetched to find that out."""
    if len(address) > LONGEST:
        return Translatable("picture.long", count=LONGEST)
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return Translatable("picture.no_address")
    if not host:
        return Translatable("picture.no_address")
    if _is_private(host):
        return Translatable("picture.private", host=host)
    path = parts.path.casefold()
    ending = next((ending for ending in _NO_PICTURES if path.endswith(ending)), "")
    return Translatable("picture.kind", ending=ending) if ending else None


def picture_problems(record: Record, cell: str) -> Iterator[Problem]:
    """Yield what is wrong with a row's pictures; `cell` is what stands in its image column."""
    if cell and not record.image:
        yield Problem(record.line, Translatable("picture.none", text=_short(cell)), skipped=False)
    for picture in pictures(record):
        if why := hindrance(picture.address):
            message = Translatable("picture.linked", address=_short(picture.address), why=why)
            yield Problem(record.line, message, skipped=False)


def has_address(cell: str) -> bool:
    """Tell whether the cell of an image column names a picture."""
    return any(True for _ in _in_cell(cell))


def _in_cell(cell: str) -> Iterator[Picture]:
    yield from _in_text(cell)
    for part in _APART.split(_MARKDOWN.sub(" ", cell)) if cell else ():
        address = part.strip("<>\"'")
        if _ADDRESS.fullmatch(address):
            yield Picture(address)


def _in_text(text: str) -> Iterator[Picture]:
    if "![" in text:
        yield from (Picture(match[2], " ".join(match[1].split())) for match in _MARKDOWN.finditer(text))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.casefold().endswith(_PRIVATE)
