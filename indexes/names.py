"""What a knowledge base is called: after its file, however the file system or the person at the keyboard spells it."""

from collections.abc import Iterable
from pathlib import Path

from indexes.text import unicode_form

ENDING = ".csv"
_DECORATION = " *_~`'\"“”‘’「」『』#"
"""What Slack's formatting, quotation and the sign of a channel put around a name."""


def is_csv(path: Path) -> bool:
    """Tell whether a file is a CSV by its ending, in upper case or lower."""
    return path.suffix.lower() == ENDING


def name_of(path: Path) -> str:
    """Name a knowledge base after its file, composed (NFC): macOS and some archives store names decomposed."""
    return composed(path.stem)


def composed(name: str) -> str:
    """Return a name in NFC, which is how keyboards and Slack write it."""
    return unicode_form("NFC", name)


def folded(name: str) -> str:
    """Return what two spellings of one name have in common: width, case and composition don't tell names apart."""
    return unicode_form("NFKC", unicode_form("NFKC", name).casefold())


def same_name(name: str, names: Iterable[str]) -> str | None:
    """Return how a name is spelled among others."""
    wanted = folded(name)
    return next((other for other in names if folded(other) == wanted), None)


def find_name(typed: str, names: Iterable[str]) -> str | None:
    """Return the name that somebody typed: as it is, with the file's ending, or as it was decorated in a message."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(folded(name), name)
    whole = folded(typed.strip())
    bare = whole.strip(_DECORATION)
    spellings = (whole, _without_ending(whole), bare, _without_ending(bare))
    return next((known[spelling] for spelling in spellings if spelling in known), None)


def _without_ending(name: str) -> str:
    return name.removesuffix(ENDING)
