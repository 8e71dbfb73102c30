"""Tokenizing texts without a dictionary: script-aware tokens (without hiragana) and plain character n-grams.

Both take many texts at once and work in numpy. The key of a token is a number of 55 bits: up to three code points of
18 bits or, with the top bit set, 54 bits of a word's hash (a million words have a collision once in 30,000 times).
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.folding import hiragana, singular, singular_words

KEY_BITS = 55
_IS_WORD = 1 << 54
_LETTER_BITS = 18
_LETTERS_END = 1 << _LETTER_BITS
"""No letter in Unicode has this code point or a higher one."""
_GAP, _LETTER, _KANJI, _KATAKANA = range(4)

# Hangul is split like kanji: its particles are attached to the words.
_KANJI_LETTERS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA_LETTERS = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_SPACED = f"[^\\W_{_KANJI_LETTERS}{_KATAKANA_LETTERS}\u3041-\u309f]"
_WORDS = re.compile(f"{_SPACED}+(?:[-_.'/]{_SPACED}+)*[+#]*")
_RUNS = re.compile(f"{_SPACED}+(?:[-_.'/]{_SPACED}+)*[+#]*|[{_KANJI_LETTERS}]+|[{_KATAKANA_LETTERS}]+")
_PARTS = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Occurrences of tokens, in no particular order: text number `texts[i]` has the token `keys[i]`."""

    keys: NDArray[np.uint64]
    texts: NDArray[np.int64]


def words(text: str) -> Iterator[str]:
    """Yield the words of spaced scripts in normalized text; for a code, the whole without separators and each part.

    `err-4012` gives `err4012`, `err`, `4012`, so that it is found however it is typed.
    """
    return chain.from_iterable(map(_pieces, _WORDS.findall(text)))


def word_key(word: str) -> int:
    """Return the key of a word from `words`, which is the same for an English plural."""
    digest = hashlib.blake2b(singular(word).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return _IS_WORD | int.from_bytes(digest) >> 10


def spell(key: int) -> str:
    """Return the letters of an n-gram's key."""
    shifts = (2 * _LETTER_BITS, _LETTER_BITS, 0)
    return "".join(chr(letter) for shift in shifts if (letter := key >> shift & (_LETTERS_END - 1)))


def runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each word of a spaced script and each run of kanji or katakana in any text."""
    for match in _RUNS.finditer(text):
        yield match.span()


def count_words(text: str) -> int:
    """Count the different words of spaced scripts and runs of kanji or katakana in normalized text."""
    return len(set(_RUNS.findall(text)))


def script_tokens(texts: Sequence[str]) -> Tokens:
    """Split normalized texts into words, kanji 1- and 2-grams and katakana 2- and 3-grams, without hiragana.

    Particles and endings (どうすればいいですか) would otherwise outweigh the subject of the text.
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
    """Split normalized texts into 2- and 3-grams of letters and digits; a 3-gram may include a word boundary.

    Katakana becomes hiragana, ゴミ and ごみ are one word, and an English plural its singular.
    """
    codes, owners = _code_points([singular_words(text) for text in texts])
    letters = _scripts()[codes] != _GAP
    codes = hiragana(codes)
    codes[~letters] = ord(" ")
    anything = np.ones_like(letters)
    return join(_grams(codes, owners, letters, letters), _grams(codes, owners, anything, letters, anything))


def in_hiragana(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the keys of n-grams with hiragana instead of katakana; the keys of words stay."""
    fields = [(np.uint64(place * _LETTER_BITS), np.uint64(_LETTERS_END - 1)) for place in range(3)]
    folded = np.bitwise_or.reduce([hiragana(keys >> shift & mask) << shift for shift, mask in fields])
    return np.where(keys & np.uint64(_IS_WORD), keys, folded)


def join(*tokens: Tokens) -> Tokens:
    """Concatenate tokens of the same texts."""
    return Tokens(np.concatenate([t.keys for t in tokens]), np.concatenate([t.texts for t in tokens]))


def _code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the code points of all texts, each text between two gaps, and the text number of each code point."""
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
    """Return the n-grams of `len(allowed)` code points; `allowed[i]` says which code points may be in position i."""
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
