"""Romaji in hiragana: what an input method had not converted yet, or was not switched on for."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from indexes.retrieval.folding import joined

_VOWELS, _SMALL = "aiueo", "ゃぃゅぇょ"
_ROWS = """
- あいうえお  k かきくけこ  s さしすせそ  t たちつてと  n なにぬねの  h はひふへほ  m まみむめも  r らりるれろ
g がぎぐげご  z ざじずぜぞ  d だぢづでど  b ばびぶべぼ  p ぱぴぷぺぽ  c かしくせこ  l ぁぃぅぇぉ  x ぁぃぅぇぉ
"""
"""Consonants (- for none) with the kana that each makes with the vowels."""
_SMALL_ROWS = """
ky き  sy し  sh し  ty ち  ch ち  cy ち  ny に  hy ひ  my み  ry り  gy ぎ  zy じ  jy じ  j じ  dy ぢ  by び  py ぴ
"""
"""Consonants with the kana that a small ゃ, ぃ, ゅ, ぇ or ょ follows."""
_OTHERS = """
shi し  chi ち  tsu つ  fu ふ  ji じ  ya や  yu ゆ  yo よ  wa わ  wi うぃ  we うぇ  wo を  n' ん  - ー
fa ふぁ  fi ふぃ  fe ふぇ  fo ふぉ  va ゔぁ  vi ゔぃ  vu ゔ  ve ゔぇ  tsa つぁ  tse つぇ  tso つぉ
thi てぃ  dhi でぃ  twu とぅ  dwu どぅ  xtu っ  ltu っ  xtsu っ  xya ゃ  xyu ゅ  xyo ょ  lya ゃ  lyu ゅ  lyo ょ
"""
_LONGEST = 4
_AFTER_N = frozenset({*_VOWELS, "y"})
"""Letters that make a syllable with an n before them: konna is こんな, shinnkansen しんかんせん."""
_BEGUN = 2
"""Letters at the end of the text that have no vowel yet: かぎをなくs, かぎをなくsh."""
_WORD = re.compile(r"(?<![0-9a-z])[a-z][a-z'-]*(?![0-9])")


def _pairs(table: str) -> Iterator[tuple[str, str]]:
    words = table.split()
    return zip(words[::2], words[1::2], strict=True)


_KANA: Mapping[str, str] = MappingProxyType(
    {
        **{
            f"{of.strip('-')}{vowel}": kana
            for of, row in _pairs(_ROWS)
            for vowel, kana in zip(_VOWELS, row, strict=True)
        },
        **{
            f"{of}{_VOWELS[at]}": f"{kana}{_SMALL[at]}"
            for of, kana in _pairs(_SMALL_ROWS)
            for at in range(len(_VOWELS))
        },
        **dict(_pairs(_OTHERS)),
    }
)


def from_romaji(text: str) -> str:
    """Return a normalized text with its romaji in hiragana; other words, such as vpn, are left as they are."""
    converted = _WORD.sub(lambda word: _in_kana(word[0], is_last=word.end() == len(text)), text)
    return text if converted == text else joined(converted)


def _in_kana(word: str, *, is_last: bool) -> str:
    """Return a word in hiragana; as it is if it is no romaji, without what is begun at the end of the text."""
    syllables = list(_syllables(word))
    kana = "".join(each for each in syllables if not each.isascii())
    left = "".join(each for each in syllables if each.isascii())
    is_begun = is_last and len(left) <= _BEGUN and word.endswith(left)
    return kana if not left or is_begun else word


def _syllables(word: str) -> Iterator[str]:
    """Yield the hiragana of one syllable after the other; a letter that begins none as it is."""
    at = 0
    while at < len(word):
        kana, length = _syllable(word, at)
        yield kana
        at += length


def _syllable(word: str, at: int) -> tuple[str, int]:
    """Return the hiragana of the syllable that begins here, and how many letters it has."""
    for length in range(min(_LONGEST, len(word) - at), 0, -1):
        if kana := _KANA.get(word[at : at + length]):
            return kana, length
    letter, following, third = (word[place : place + 1] for place in range(at, at + 3))
    if letter == "n":  # before a vowel it is in the table
        return "ん", 2 if following == "n" and third not in _AFTER_N else 1
    return ("っ" if letter == following else letter), 1
