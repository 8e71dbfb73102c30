"""Texts to tokens without a dictionary: script-aware ones (hiragana dropped) and plain character n-grams.

Both take many texts at once and work in numpy. A token's key is a uint64: up to three code points of 21 bits each or,
with the top bit set, the number of a word in a `Vocabulary`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_IS_WORD = 1 << 63
_GAP, _LETTER, _KANJI, _KATAKANA = range(4)

# Hangul is cut like kanji: its particles are glued to the words.
_KANJI_LETTERS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA_LETTERS = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_KANJI_PATTERN = re.compile(f"[{_KANJI_LETTERS}]")
_KATAKANA_PATTERN = re.compile(f"[{_KATAKANA_LETTERS}]")
_SPACED = f"[^\\W_{_KANJI_LETTERS}{_KATAKANA_LETTERS}\u3041-\u309f]"
_WORDS = re.compile(f"{_SPACED}+(?:[-_.'/]{_SPACED}+)*[+#]*")
_RUNS = re.compile(f"{_SPACED}+(?:[-_.'/]{_SPACED}+)*[+#]*|[{_KANJI_LETTERS}]+|[{_KATAKANA_LETTERS}]+")
_PARTS = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every occurrence of a token: `keys[i]` stands in text number `texts[i]`; in no particular order."""

    keys: NDArray[np.uint64]
    texts: NDArray[np.int64]


class Vocabulary:
    """Keys for words, and the letters behind any key."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []

    def add(self, words: Iterable[str]) -> list[int]:
        """Return the words' keys, with new ones for new words."""
        keys = []
        for word in words:
            number = self._numbers.setdefault(word, len(self._words))
            if number == len(self._words):
                self._words.append(word)
            keys.append(_IS_WORD | number)
        return keys

    def find(self, words: Iterable[str]) -> list[int]:
        """Return the words' keys; a word that was never added gets one that no text has."""
        strange: dict[str, int] = {}
        keys = []
        for word in words:
            number = self._numbers.get(word)
            if number is None:
                number = len(self._words) + strange.setdefault(word, len(strange))
            keys.append(_IS_WORD | number)
        return keys

    def spell(self, key: int) -> str:
        """Return the letters of a token that `add` or an n-gram has made."""
        if key & _IS_WORD:
            return self._words[key ^ _IS_WORD]
        return "".join(chr(letter) for shift in (42, 21, 0) if (letter := key >> shift & 0x1FFFFF))


def words(text: str) -> Iterator[str]:
    """Yield the words of spaced scripts in normalized text; of a code, the whole without its joints and each part.

    `err-4012` gives `err4012`, `err`, `4012`: it is found however it was typed.
    """
    for match in _WORDS.findall(text):
        word = match.removesuffix("'s").replace("'", "")
        parts = _PARTS.findall(word)
        if len(parts) < 2:  # noqa: PLR2004
            yield word
            continue
        yield "".join(parts)
        yield from (part for part in parts if len(part) > 1 or part.isdigit())


def count_words(text: str) -> int:
    """Return how many different words normalized text has: of spaced scripts, and runs of kanji or of katakana."""
    return len(set(_RUNS.findall(text)))


def script_tokens(texts: Sequence[str], vocabulary: Vocabulary, *, grow: bool) -> Tokens:
    """Cut normalized texts into words, kanji 1-2-grams and katakana 2-3-grams; drop hiragana.

    Particles and endings (どうすればいいですか) would otherwise outweigh what the text is about. `grow` adds new words
    to the vocabulary; without it they get keys that no text has.
    """
    codes, owners = _code_points(texts)
    scripts = _by_code(codes)
    kanji, katakana = scripts == _KANJI, scripts == _KATAKANA
    return _join(
        _word_tokens(texts, vocabulary, grow=grow),
        _grams(codes, owners, kanji),
        _grams(codes, owners, kanji, kanji),
        _grams(codes, owners, katakana, katakana),
        _grams(codes, owners, katakana, katakana, katakana),
    )


def character_tokens(texts: Sequence[str]) -> Tokens:
    """Cut normalized texts into 2-grams and 3-grams of letters and digits; a 3-gram may include a word's border."""
    codes, owners = _code_points(texts)
    letters = _by_code(codes) != _GAP
    codes[~letters] = ord(" ")
    anything = np.ones_like(letters)
    return _join(_grams(codes, owners, letters, letters), _grams(codes, owners, anything, letters, anything))


def _code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Lay the texts end to end, each between two gaps; return code points and whose they are."""
    joined = "".join([f"\n{text}\n" for text in texts])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(text) + 2 for text in texts], dtype=np.int64)
    return codes.astype(np.uint64), np.repeat(np.arange(len(texts)), lengths)


def _by_code(codes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return each code point's script."""
    if not codes.size:
        return np.zeros(0, dtype=np.uint8)
    distinct = np.unique(codes).astype(np.int64)
    table = np.zeros(distinct[-1] + 1, dtype=np.uint8)
    table[distinct] = [_script(code) for code in distinct.tolist()]
    return table[codes.astype(np.int64)]


@lru_cache(maxsize=1 << 16)
def _script(code: int) -> int:
    letter = chr(code)
    if _KANJI_PATTERN.match(letter):
        return _KANJI
    if _KATAKANA_PATTERN.match(letter):
        return _KATAKANA
    return _LETTER if letter.isalnum() else _GAP


def _grams(codes: NDArray[np.uint64], owners: NDArray[np.int64], *allowed: NDArray[np.bool_]) -> Tokens:
    """Pack each run of `len(allowed)` code points, the first of which `allowed[0]` admits, and so on."""
    length = max(len(codes) - len(allowed) + 1, 0)
    fits = np.ones(length, dtype=np.bool_)
    for offset, letters in enumerate(allowed):
        fits &= letters[offset : offset + length]
    starts = np.flatnonzero(fits)
    keys = np.zeros(len(starts), dtype=np.uint64)
    for offset in range(len(allowed)):
        keys = keys << np.uint64(21) | codes[starts + offset]
    return Tokens(keys, owners[starts])


def _word_tokens(texts: Sequence[str], vocabulary: Vocabulary, *, grow: bool) -> Tokens:
    found = [list(words(text)) for text in texts]
    number = vocabulary.add if grow else vocabulary.find
    keys = np.array(number(word for of_text in found for word in of_text), dtype=np.uint64)
    return Tokens(keys, np.repeat(np.arange(len(texts)), [len(of_text) for of_text in found]))


def _join(*tokens: Tokens) -> Tokens:
    return Tokens(np.concatenate([t.keys for t in tokens]), np.concatenate([t.texts for t in tokens]))
