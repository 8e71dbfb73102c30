"""Readings of kanji, where the extra `ja` is installed: かぎをなくしたら asks what 鍵をなくしたら asks."""

import re
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

LONGEST = 200
"""Characters; nobody asks a longer question word for word in kana, and reading takes 5 microseconds for each."""

_KANJI = re.compile("[\u3005\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3041-\u309f\u30a1-\u30ff]")
_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_KANA_FIELD = 17
"""Where UniDic 2 has the reading of a word in katakana; unknown words have fewer fields."""


class Word(NamedTuple):
    """A word as UniDic has it: its parts of speech, the coarsest first."""

    surface: str
    speech: str
    kind: str
    detail: str

    @property
    def parts(self) -> tuple[str, str]:
        """The two coarsest parts of speech."""
        return self.speech, self.kind


def is_in_kana(text: str) -> bool:
    """Return whether a text has kana and no kanji."""
    return _KANA.search(text) is not None and _KANJI.search(text) is None


def in_kana(text: str) -> str:
    """Return a normalized text with its kanji words in hiragana; blank if it has none, is too long or can't be read."""
    dictionary = _dictionary() if len(text) <= LONGEST and _KANJI.search(text) else None
    read = dictionary.read(text) if dictionary else text
    return "" if read == text else read


def dictionary_words(text: str) -> Sequence[Word] | None:
    """Return the words of a normalized text, a blank one for white space; None if it is too long or can't be read."""
    dictionary = _dictionary() if len(text) <= LONGEST else None
    return dictionary.words(text) if dictionary else None


class _Dictionary:
    """MeCab with UniDic. Its words are valid until the next text, so that one is read at a time."""

    def __init__(self, tagger: Any) -> None:
        self._tagger = tagger
        self._lock = Lock()

    def read(self, text: str) -> str:
        """Return a text with its kanji words in hiragana."""
        whole = text.encode("utf-8", "replace").decode()  # half of a pair of surrogates can't be passed to MeCab
        with self._lock:
            return "".join([word.white_space + _reading(word.surface, word.feature) for word in self._tagger(whole)])

    def words(self, text: str) -> list[Word]:
        """Return the words of a text; a blank one stands for white space."""
        whole = text.encode("utf-8", "replace").decode()
        found: list[Word] = []
        with self._lock:
            for word in self._tagger(whole):
                found += [Word("", "", "", "")] if word.white_space else []
                found.append(Word(word.surface, *word.feature[:3]))
        return found


def _reading(surface: str, feature: tuple[str, ...]) -> str:
    if len(feature) <= _KANA_FIELD or not _KANJI.search(surface):
        return surface
    return feature[_KANA_FIELD].translate(_TO_HIRAGANA) or surface


@lru_cache(maxsize=1)
def _dictionary() -> _Dictionary | None:
    """Load the dictionary, once; it is mapped into memory."""
    try:
        import fugashi  # noqa: PLC0415 - an extra
        import unidic_lite  # noqa: PLC0415 - ditto
    except ImportError:
        return None
    folder = unidic_lite.DICDIR
    return _Dictionary(fugashi.GenericTagger(f'-d "{folder}" -r "{folder}/mecabrc"'))
