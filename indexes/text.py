"""How texts are made comparable. Only for matching: what is shown is always what was written."""

import re
import unicodedata
from typing import Literal

NORMALIZER = "1"
"""Part of every snapshot's identity: raise it when `normalize` changes what it returns."""

# What NFKC leaves apart although readers take it for the same character (SEARCH: wave dash, minus, invisible marks).
_SAME = str.maketrans(
    {
        "〜": "~",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "–": "-",
        "—": "-",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
    }
)
_EDGES = " ?!.,;:。、・…"
_WIDE = re.compile("[\u3000\uff01-\uff5e]")
_NARROW = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in (0x3000, *range(0xFF01, 0xFF5F))}
_APART = re.compile(f"[{''.join(map(chr, _SAME))}]")
_SYMBOLS = re.compile(r"[^\w\s]{31,}")
_MOST_MARKS = 30
"""Combining marks in a row that count, as in Unicode's stream-safe format (UAX 15): no language has as many."""
_FEW = 1_000
"""Characters that NFKC orders in 2 ms at worst; the time grows with the square of the marks in a row."""
_JAPANESE = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\u3005]")


def normalize(text: str) -> str:
    """Fold width, composition, case and white space (NFKC, then what NFKC leaves apart)."""
    if text.isascii():  # most of this would change nothing, and take a while
        return " ".join(text.lower().split())
    narrow = _WIDE.sub(lambda wide: _NARROW[wide[0]], text)  # NFKC takes a slow way for all of a text that has any
    folded = unicode_form("NFKC", narrow)
    apart = folded.translate(_SAME) if _APART.search(folded) else folded
    return " ".join(unicode_form("NFKC", apart.casefold()).split())


def match_key(text: str) -> str:
    """Fold what does not make it another question: as `normalize`, and punctuation at both ends."""
    return normalize(text).strip(_EDGES)


def is_japanese(text: str) -> bool:
    """Tell whether the text has any kana or kanji: the language in which a public reply is given."""
    return _JAPANESE.search(unicode_form("NFKC", text)) is not None


def unicode_form(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return the text in a form of Unicode, in a time linear in its length: without marks beyond the 30th in a row."""
    return unicodedata.normalize(form, text if len(text) <= _FEW else _SYMBOLS.sub(_without_most_marks, text))


def _without_most_marks(symbols: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in symbols[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)
