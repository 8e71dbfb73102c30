"""Tables in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Literal

Language = Literal["en", "ja"]


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    """Return a table; with `numbers` all columns but the first are set to the right."""
    ruler = ["---", *["--:" if numbers else "---"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ruler, *rows))
