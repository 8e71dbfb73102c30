"""Texts to tokens without a dictionary: script-aware ones (hiragana dropped) and plain character n-grams.

Both take many texts at once and work in numpy. A token's key is a number of 55 bits: up to three code points of 18 bits
each or, with the top bit set, 54 bits of a word's hash (of a million words, two are alike once in 30,000 times).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

KEY_BITS = 55
_IS_WORD = 1 << 54
_LETTER_BITS = 18
_LETTERS_END = 1 << _LETTER_BITS
"""No letter of Unicode has a higher code point."""
_GAP, _LETTER, _KANJI, _KATAKANA = range(4)

# Hangul is cut like kanji: its particles are glued to the words.
_KANJI_LETTERS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA_LETTERS = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_SPACED = f"[^\\W_{_KANJI_LETTERS}{_KATAKANA_LETTERS}\u3041-\u309f]"
_WORDS = re.compile(f"{_SPACED}+(?:[-_.'/]{_SPACED}+)*[+#]*")
_RUNS = re.compile(f"{_SPACED}+(?:[-_.'/]{_SPACED}+)*[+#]*|[{_KANJI_LETTERS}]+|[{_KATAKANA_LETTERS}]+")
_PARTS = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every occurrence of a token: `keys[i]` stands in text number `texts[i]`; in no particular order."""

    keys: NDArray[np.uint64]
    texts: NDArray[np.int64]


def words(text: str) -> Iterator[str]:
    """Yield the words of spaced scripts in normalized text; of a code, the whole without its joints and each part.

    `err-4012` gives `err4012`, `err`, `4012`: it is found however it was typed.
    """
    return chain.from_iterable(map(_pieces, _WORDS.findall(text)))


def word_key(word: str) -> int:
    """Return the key of a word as `words` gives it."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return _IS_WORD | int.from_bytes(digest) >> 10


def spell(key: int) -> str:
    """Return the letters of an n-gram."""
    shifts = (2 * _LETTER_BITS, _LETTER_BITS, 0)
    return "".join(chr(letter) for shift in shifts if (letter := key >> shift & (_LETTERS_END - 1)))


def runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words of spaced scripts and runs of kanji or of katakana stand in a text, normalized or not."""
    for match in _RUNS.finditer(text):
        yield match.span()


def count_words(text: str) -> int:
    """Return how many different words normalized text has: of spaced scripts, and runs of kanji or of katakana."""
    return len(set(_RUNS.findall(text)))


def script_tokens(texts: Sequence[str]) -> Tokens:
    """Cut normalized texts into words, kanji 1-2-grams and katakana 2-3-grams; drop hiragana.

    Particles and endings (どうすればいいですか) would otherwise outweigh what the text is about.
    """
    codes, owners = _code_points(texts)
    scripts = _scripts()[codes]
    kanji, katakana = scripts == _KANJI, scripts == _KATAKANA
    return join(
        _word_tokens(texts),
        _grams(codes, owners, kanji),
        _grams(codes, owners, kanji, kanji),
        _grams(codes, owners, katakana, katakana),
        _grams(codes, owners, katakana, katakana, katakana),
    )


def character_tokens(texts: Sequence[str]) -> Tokens:
    """Cut normalized texts into 2-grams and 3-grams of letters and digits; a 3-gram may include a word's border."""
    codes, owners = _code_points(texts)
    letters = _scripts()[codes] != _GAP
    codes[~letters] = ord(" ")
    anything = np.ones_like(letters)
    return join(_grams(codes, owners, letters, letters), _grams(codes, owners, anything, letters, anything))


def join(*tokens: Tokens) -> Tokens:
    """Put tokens of the same texts together."""
    return Tokens(np.concatenate([t.keys for t in tokens]), np.concatenate([t.texts for t in tokens]))


def _code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Lay the texts end to end, each between two gaps; return code points and whose they are."""
    joined = "".join([f"\n{text}\n" for text in texts])
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    codes[codes >= _LETTERS_END] = ord("\n")
    lengths = np.array([len(text) + 2 for text in texts], dtype=np.int64)
    return codes, np.repeat(np.arange(len(texts)), lengths)


@lru_cache(maxsize=1)
def _scripts() -> NDArray[np.uint8]:
    """Return the script of each code point."""
    table = np.fromiter((chr(code).isalnum() for code in range(_LETTERS_END)), np.uint8, _LETTERS_END)
    for letters, script in ((_KANJI_LETTERS, _KANJI), (_KATAKANA_LETTERS, _KATAKANA)):
        for first, last in re.findall("(.)-(.)", letters):
            table[ord(first) : ord(last) + 1] = script
    return table


def _grams(codes: NDArray[np.uint64], owners: NDArray[np.int64], *allowed: NDArray[np.bool_]) -> Tokens:
    """Pack each run of `len(allowed)` code points, the first of which `allowed[0]` admits, and so on."""
    length = max(len(codes) - len(allowed) + 1, 0)
    fits = np.ones(length, dtype=np.bool_)
    for offset, letters in enumerate(allowed):
        fits &= letters[offset : offset + length]
    starts = np.flatnonzero(fits)
    keys = np.zeros(len(starts), dtype=np.uint64)
    for offset in range(len(allowed)):
        keys = keys << np.uint64(_LETTER_BITS) | codes[starts + offset]
    return Tokens(keys, owners[starts])


def _word_tokens(texts: Sequence[str]) -> Tokens:
    found = [_WORDS.findall(text) for text in texts]
    owners = np.repeat(np.arange(len(texts)), [len(of_text) for of_text in found])
    keys = list(map(_piece_keys, chain.from_iterable(found)))
    flat = np.fromiter(chain.from_iterable(keys), np.uint64)
    return Tokens(flat, np.repeat(owners, np.fromiter(map(len, keys), np.int64, len(keys))))


@lru_cache(maxsize=1 << 14)
def _piece_keys(word: str) -> tuple[int, ...]:
    return tuple(map(word_key, _pieces(word)))


def _pieces(word: str) -> tuple[str, ...]:
    word = word.removesuffix("'s").replace("'", "")
    parts = _PARTS.findall(word)
    if len(parts) < 2:  # noqa: PLR2004
        return (word,)
    return "".join(parts), *(part for part in parts if len(part) > 1 or part.isdigit())
