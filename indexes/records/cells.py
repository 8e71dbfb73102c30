"""What the cell of a CSV or a sheet says."""

import re

_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
_MARK = "\ufeff"
_SOFT_BREAKS = str.maketrans("\x0b\x0c", "\n\n")
"""How FileMaker, PowerPoint and Word break a line within a cell."""
_UNSEEN = frozenset(
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a"
    "\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufe0f\ufeff"
)
"""Characters that show nothing, as copies from web pages, chats and directories have them."""


def cell_text(cell: str) -> str:
    """Return a cell without space around it; ``="03-0000"``, which keeps Excel from reading a number, is its text.

    A byte order mark is no text: it is within a file that was made of several. A cell that shows nothing is blank.
    """
    cell = cell.strip()
    if cell[:1] in _UNSEEN:
        cell = "" if _shows_nothing(cell) else cell.lstrip(_MARK).strip()
    if "\x0b" in cell or "\x0c" in cell:
        cell = cell.translate(_SOFT_BREAKS)
    if cell.startswith('="') and (formula := _TEXT_FORMULA.fullmatch(cell)):
        return formula[1].replace('""', '"').strip()
    return cell


def _shows_nothing(cell: str) -> bool:
    return all(character in _UNSEEN or character.isspace() for character in cell)
