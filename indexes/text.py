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
_SPACE = re.compile(r"\s+")
_EDGES = " ?!.,;:。、・…"
_JAPANESE = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\u3005]")


def normalize(text: str) -> str:
    """Fold width, composition, case and white space (NFKC, then what NFKC leaves apart)."""
    folded = unicodedata.normalize("NFKC", text).translate(_SAME).casefold()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def sameness(text: str) -> str:
    """Fold what does not make it another question: as `normalize`, and punctuation at both ends."""
    return normalize(text).strip(_EDGES)


def is_japanese(text: str) -> bool:
    """Tell whether the text has any kana or kanji: the language in which a public reply is given."""
    return _JAPANESE.search(unicodedata.normalize("NFKC", text)) is not None
