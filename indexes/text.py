"""Normalizing texts for comparison. Only for matching: texts are always shown as they were written."""

import re
import unicodedata
from typing import Literal

NORMALIZER = "1"
"""Stored with every snapshot: increase it when `normalize` returns something else for a text."""

# Characters that look the same to readers but stay different in NFKC: wave dashes, minus signs, invisible marks.
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
"""Combining marks kept in a row, as in Unicode's stream-safe format (UAX 15); no language needs as many."""
_FEW = 1_000
"""Characters that NFKC handles in 2 ms at worst; its time grows with the square of the marks in a row."""
_JAPANESE = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\u3005]")


def normalize(text: str) -> str:
    """Fold width, composition, case and white space (NFKC, and look-alikes that NFKC keeps apart)."""
    if text.isascii():  # the rest would change nothing and takes longer
        return " ".join(text.lower().split())
    narrow = _WIDE.sub(lambda wide: _NARROW[wide[0]], text)  # with any of these, NFKC is slow for the whole text
    folded = unicode_form("NFKC", narrow)
    apart = folded.translate(_SAME) if _APART.search(folded) else folded
    return " ".join(unicode_form("NFKC", apart.casefold()).split())


def match_key(text: str) -> str:
    """Return a key that is equal for the same question: normalized, without punctuation at both ends."""
    return normalize(text).strip(_EDGES)


def is_japanese(text: str) -> bool:
    """Return whether the text has any kana or kanji; decides the language of a public reply."""
    return _JAPANESE.search(unicode_form("NFKC", text)) is not None


def unicode_form(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return the text in a Unicode normalization form, in linear time: marks beyond the 30th in a row are dropped."""
    return unicodedata.normalize(form, text if len(text) <= _FEW else _SYMBOLS.sub(_without_most_marks, text))


def _without_most_marks(symbols: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in symbols[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)
