"""Figures of docs/performance.md, for pages that quote them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
PLACES: Mapping[str, tuple[str, str, str]] = {
    "ready": ("Restart with 10 knowledge bases", "Kotae", "ready, s"),
    "ready_torch": ("Restart with 10 knowledge bases", "Kotae, through torch", "ready, s"),
    "ready_script": ("Restart with 10 knowledge bases", "naive: encode everything", "ready, s"),
    "words": ("Restart with 10 knowledge bases", "Kotae", "lexical answer, s"),
    "changed": ("Reload of 10,000 rows", "reload, 1 answer changed", "seconds"),
    "changed_script": ("First build of 10,000 rows", "naive", "everything, s"),
    "crowd": ("Many at once", "Kotae, the whole search", "questions/s"),
    "crowd_script": ("Many at once", "unguarded encode", "questions/s"),
    "beside": ("One question beside the peers", "Kotae", "ms"),
    "beside_8": ("One question beside the peers", "Kotae, 8 bits", "ms"),
    "txtai": ("One question beside the peers", "txtai", "ms"),
    "langchain": ("One question beside the peers", "LangChain", "ms"),
    "question": ("One question\n", "default, 1,000 rows", "all"),
    "question_8": ("One question\n", "8 bits, 1,000 rows", "all"),
    "question_torch": ("One question\n", "through torch, 1,000 rows", "all"),
    "memory": ("Resident memory of the whole bot", "default", "1 knowledge bases"),
    "memory_torch": ("Resident memory of the whole bot", "through torch", "1 knowledge bases"),
    "memory_twin": ("Resident memory of the whole bot", "default", "MB"),
    "memory_twin_torch": ("Resident memory of the whole bot", "through torch", "MB"),
}
"""Where each figure is: the beginning of the heading, the row, and the column. The first of a cell is meant."""


def figures() -> dict[str, str]:
    """Return every figure by name, as it is written there."""
    page = PAGE.read_text("utf-8")
    return {name: _figure(page, *place) for name, place in PLACES.items()}


def _figure(page: str, heading: str, row: str, column: str) -> str:
    [part] = [each for each in page.split("\n### ")[1:] if each.startswith(heading)]
    found = [
        dict(zip(header, cells, strict=True))[column]
        for header, cells in _rows(part)
        if cells[0] == row and column in header
    ]
    return found[0].split(" / ")[0]


def _rows(part: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield each row of the tables with its header."""
    for table in re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE):
        header, _, *rows = ([cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines())
        yield from ((header, row) for row in rows)
