"""Names of knowledge bases: a knowledge base is named after its file, however a file system or a person spells it."""

from collections.abc import Iterable
from pathlib import Path

from indexes.text import unicode_form

ENDING = ".csv"
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_DECORATION = " *_~`'\"“”‘’「」『』#"
"""Characters around a name that are Slack formatting, quotation marks or the # of a channel."""


def is_csv(path: Path) -> bool:
    """Return whether a file name ends in .csv, in upper or lower case."""
    return path.suffix.lower() == ENDING


def is_workbook(path: Path) -> bool:
    """Return whether a file name has the ending of a workbook that can be read."""
    return path.suffix.lower() in WORKBOOKS


def name_of(path: Path) -> str:
    """Name a knowledge base after its file, composed (NFC): macOS and some archives store names decomposed."""
    return composed(path.stem)


def composed(name: str) -> str:
    """Return a name in NFC, the form that keyboards and Slack use."""
    return unicode_form("NFC", name)


def folded(name: str) -> str:
    """Return a form of the name without differences in width, case and composition, for comparing names."""
    return unicode_form("NFKC", unicode_form("NFKC", name).casefold())


def same_name(name: str, names: Iterable[str]) -> str | None:
    """Return the spelling of a name that is among `names`, or None."""
    wanted = folded(name)
    return next((other for other in names if folded(other) == wanted), None)


def find_name(typed: str, names: Iterable[str]) -> str | None:
    """Return the name that was typed, with or without the file extension or Slack formatting, or None."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(folded(name), name)
    whole = folded(typed.strip())
    bare = whole.strip(_DECORATION)
    spellings = (whole, without_ending(whole), bare, without_ending(bare))
    return next((known[spelling] for spelling in spellings if spelling in known), None)


def without_ending(name: str) -> str:
    """Return a file's name without its ending, if that is a CSV's or a workbook's."""
    stem, dot, ending = name.rpartition(".")
    return stem if f"{dot}{ending}".lower() in (ENDING, *WORKBOOKS) else name
