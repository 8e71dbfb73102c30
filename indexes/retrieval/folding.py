"""Folding what people write in two ways: hiragana and katakana, singular and plural, punctuation.

Only for comparing words: `normalize`, whose texts are encoded and stored, keeps them apart.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_KATAKANA = range(0x30A1, 0x30F7)
_TO_HIRAGANA = 0x60
"""Katakana letters have the code points of the hiragana letters plus this."""
_KANA = {code: code - _TO_HIRAGANA for code in _KATAKANA}

_SHORTEST_PLURAL = 4
_NO_PLURAL = ("ss", "us", "is")
_SILENT_E = ("ches", "shes", "xes", "zes", "sses")
_TWINS = {"are": "is", "were": "was", "these": "this", "those": "that", "does": "do", "has": "have"}

_PLURALS = re.compile(rf"(?<!\w)(?:[a-z]{{3,}}s|{'|'.join(_TWINS)})(?!\w)", re.ASCII)

_MEANT = frozenset("#%&@*")
"""Punctuation in Unicode that changes what is asked: C# is not C."""
_UNSPACED = "\u3005-\u3007\u3041-\u309f\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_LAST_MARK = 0x10000
"""Punctuation beyond it belongs to scripts that nobody writes today."""
_SPACES = re.compile(f"(?<=[{_UNSPACED}]) | (?=[{_UNSPACED}])")
_CLOSINGS = re.compile(
    "(?:どう(?:し(?:たら|ます)|すれば|する)(?:いい|よい|良い)?(?:の|ん)?(?:です|でしょう)?か?"
    "|(?:について|を)?(?:教えて|おしえて)(?:ください|下さい|ほしいです)?)$"
)
"""Japanese closings that only say that it is a question: けがをしたら asks what けがをしたらどうしますか asks."""


def hiragana(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return code points with hiragana instead of katakana."""
    katakana = (codes >= np.uint64(_KATAKANA.start)) & (codes < np.uint64(_KATAKANA.stop))
    return np.where(katakana, codes - np.uint64(_TO_HIRAGANA), codes)


def singular(word: str) -> str:
    """Return what an English word and its plural have in common: `fee` for fee and fees.

    Not always a word (`cach` for cache and caches). The verbs and pronouns that go with a plural are folded too, since
    "what are the fees" asks what "what is the fee" asks.
    """
    if word in _TWINS:
        return _TWINS[word]
    if len(word) < _SHORTEST_PLURAL or not (word.isascii() and word.isalpha()):
        return word
    one = word if word.endswith(_NO_PLURAL) else word.removesuffix("s")
    if f"{one}s".endswith(_SILENT_E):
        return one.removesuffix("e")
    return f"{one[:-2]}y" if one.endswith("ie") else one


def singular_words(text: str) -> str:
    """Return a normalized text with its English plurals, and the verbs and pronouns that go with them, folded."""
    return _PLURALS.sub(lambda word: singular(word[0]), text)


def verbatim_key(text: str) -> int:
    """Return a key of 64 bits that is equal for normalized texts with the same words in the same order; 0 for no words.

    Punctuation, spaces beside Japanese, katakana for hiragana and closings (どうしますか) make no difference.
    """
    words = _words_alone(text)
    return int.from_bytes(hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()) * bool(words)


def folded_letters(text: str) -> str:
    """Return a normalized text without punctuation and without spaces beside Japanese, in hiragana for katakana."""
    return joined(" ".join(text.translate(_equal()).split()))


def joined(text: str) -> str:
    """Return a text without single spaces beside Japanese."""
    return _SPACES.sub("", text)


def _words_alone(text: str) -> str:
    letters = folded_letters(text)
    return _CLOSINGS.sub("", letters, count=1) or letters


@lru_cache(maxsize=1)
def _equal() -> dict[int, int | str]:
    letters = map(chr, range(_LAST_MARK))
    marks = [letter for letter in letters if unicodedata.category(letter).startswith("P") and letter not in _MEANT]
    return {**dict.fromkeys(map(ord, marks), " "), **_KANA}
