"""The full text of a long answer, in a modal."""

import json
from collections.abc import Iterable

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from handlers.answers.views.answers import headline, source
from handlers.images.blocks import in_modal as images
from handlers.result import Entry
from handlers.slack.blocks import context, section
from handlers.slack.markup_parser import tidy
from handlers.slack.mrkdwn import beginning
from handlers.slack.rich_text import rich
from handlers.texts import Texts

PIECE = 1800
"""Characters of one block."""
BYTES = 150_000
"""Bytes of text in one modal: Slack takes 250,000 for the whole view."""
BLOCK_BYTES = 240_000
"""Bytes of its blocks with their markup: a list of short items has more markup than text."""
PIECES = 95
FENCE = "```"


def whole(entry: Entry, texts: Texts) -> View:
    """Show all of a record's answer."""
    record = entry.record
    blocks: list[Block] = [section(texts("answer.gone"))]
    if record is not None:
        pieces, rest = _pieces(tidy(record.answer))
        blocks = _fitting(rich("" if n else headline(record.question), piece) for n, piece in enumerate(pieces))
        blocks += [context(texts("reading.cut"))] if rest or len(blocks) < len(pieces) else []
        blocks += [*images(entry.pictures), context(source(entry, texts))]
    return View(type="modal", title=texts("reading.title"), close=texts("reading.close"), blocks=blocks)


def _fitting(blocks: Iterable[Block]) -> list[Block]:
    """Return as many of the blocks, from the first, as one modal takes."""
    fitting: list[Block] = []
    room = BLOCK_BYTES
    for block in blocks:
        room -= len(json.dumps(block.to_dict(), ensure_ascii=False).encode())
        if room < 0:
            break
        fitting.append(block)
    return fitting


def _pieces(text: str) -> tuple[list[str], str]:
    """Cut a text at the ends of sentences; return the pieces, and the rest that a modal has no room for."""
    pieces: list[str] = []
    room = BYTES
    while text and len(pieces) < PIECES:
        piece = beginning(text, PIECE).removesuffix("…") if len(text) > PIECE else text
        room -= len(piece.encode())
        if room < 0:
            break
        text = text[len(piece) :].lstrip("\n")
        if piece.count(FENCE) % 2:
            piece, text = f"{piece}\n{FENCE}", f"{FENCE}\n{text}"
        pieces.append(piece)
    return pieces, text
