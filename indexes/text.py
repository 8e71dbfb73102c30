"""How texts are made comparable. Only for matching: what is shown is always what was written."""

import re
import unicodedata

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
_JAPANESE = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\u3005]")


def normalize(text: str) -> str:
    """Fold width, composition, case and white space (NFKC, then what NFKC leaves apart)."""
    if text.isascii():  # most of this would change nothing, and take a while
        return " ".join(text.lower().split())
    narrow = _WIDE.sub(lambda wide: _NARROW[wide[0]], text)  # NFKC takes a slow way for all of a text that has any
    folded = unicodedata.normalize("NFKC", narrow)
    apart = folded.translate(_SAME) if _APART.search(folded) else folded
    return " ".join(unicodedata.normalize("NFKC", apart.casefold()).split())


def sameness(text: str) -> str:
    """Fold what does not make it another question: as `normalize`, and punctuation at both ends."""
    return normalize(text).strip(_EDGES)


def is_japanese(text: str) -> bool:
    """Tell whether the text has any kana or kanji: the language in which a public reply is given."""
    return _JAPANESE.search(unicodedata.normalize("NFKC", text)) is not None
