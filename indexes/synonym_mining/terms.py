"""Whole words and noun phrases of a text: what a synonym may stand for. Never a particle, never a part of a word."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from indexes.retrieval.folding import singular
from indexes.retrieval.highlighting import COMMON
from indexes.retrieval.readings import Word, dictionary_words
from indexes.retrieval.tokens import runs

LONGEST = 200
"""Characters of a text that are read for terms; what a question is about comes before that."""

_NO_NAMES = """
    able above across actually again against allow allowed almost along already although always among another
    anybody anyone anything anywhere around away back because become becomes been behind being below beside best
    better between beyond both bring came certain come comes coming could currently done down during each either
    else enough ever every everyone everything few first give gives giving goes gone gonna good got happen happened
    happening happens hello help here hey hi however inside instead keep kind know last least less let lets like
    likely long looking lot made make makes making many maybe mean might more most much must near necessary never
    new next nobody none nothing now ok okay old only others otherwise outside per pls possible possibly probably
    put quite rather really right said same say says see seem seems several shall show since someone something
    sometimes somewhere soon still such sure take takes taking tell thank thanks thing things think through time
    today told tomorrow toward towards tried try trying under until upon urgent use used using usually very wanna
    wanted wants well went whatever whenever wherever whether whom whose within without won work worked working
    works wrong yesterday yet
"""
NO_NAMES = frozenset(_NO_NAMES.split())
"""English words, besides the most common, that name nothing: no synonym for one helps a search."""

_JAPANESE = re.compile("[\u3005\u3041-\u309f\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]")
_LETTER = re.compile(r"[^\W\d_]")
_RUN = re.compile("[\u3005\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fffa-z0-9]{2,}")
_NOUNS = {("名詞", "普通名詞"), ("名詞", "固有名詞")}
_PARTS_OF_NOUNS = {*_NOUNS, ("名詞", "数詞"), ("接頭辞", "*"), ("接尾辞", "名詞的")}
_FORMAL = frozenset(["かた", "こと", "さん", "ため", "とき", "ところ", "はず", "ほう", "もの", "やつ", "よう", "わけ"])
"""Nouns that name nothing by themselves."""
_ADVERBIAL = {"副詞可能", "助数詞可能"}
"""Nouns that say when or how many: 今日, 回."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term. `key` is the same for an English plural; `is_alone` tells that it is no part of a longer term."""

    key: str
    written: str
    is_alone: bool


class Text:
    """A normalized text in which terms are looked for."""

    def __init__(self, normalized: str) -> None:
        self._normalized = normalized

    def has(self, key: str) -> bool:
        """Return whether a term is in the text: a Japanese one anywhere, another one as whole words."""
        return key in self._normalized if is_japanese(key) else f" {key} " in self._spaced

    @cached_property
    def _spaced(self) -> str:
        words = (singular(self._normalized[start:end]) for start, end in runs(self._normalized))
        return f" {' '.join(words)} "

    @cached_property
    def terms(self) -> dict[str, Term]:
        """The terms of the text by their keys."""
        text = self._normalized[:LONGEST]
        found: dict[str, Term] = {}
        for term in [*_spaced_terms(text), *(_japanese_terms(text) if is_japanese(text) else ())]:
            if term.key not in found or term.is_alone:
                found[term.key] = term
        return found


def is_japanese(text: str) -> bool:
    """Return whether a normalized text has kana or kanji."""
    return _JAPANESE.search(text) is not None


def _spaced_terms(text: str) -> Iterator[Term]:
    """Yield words of spaced scripts, and two of them in a row; common words (`the`) are neither."""
    before: tuple[int, int] | None = None
    for start, end in runs(text):
        word = text[start:end]
        if is_japanese(word) or not _may_be_named(word):
            before = None
            continue
        yield Term(singular(word), word, is_alone=True)
        if before and text[before[1] : start] == " ":
            both = text[before[0] : end]
            yield Term(" ".join(map(singular, both.split(" "))), both, is_alone=True)
        before = start, end


def _may_be_named(word: str) -> bool:
    """Return whether a word of a spaced script may be the name of something."""
    return len(word) > 1 and word not in COMMON | NO_NAMES and "'" not in word and _LETTER.search(word) is not None


def _japanese_terms(text: str) -> Iterator[Term]:
    """Yield noun phrases and the nouns in them; without a dictionary, runs of kanji, katakana and Latin letters."""
    found = dictionary_words(text)
    if found is None:
        yield from (Term(run, run, is_alone=True) for run in _RUN.findall(text) if is_japanese(run))
        return
    phrase: list[Word] = []
    for word in [*_with_whole_katakana(found), Word("", "", "", "")]:
        if word.parts in _PARTS_OF_NOUNS:
            phrase.append(word)
        elif phrase:
            yield from _of_phrase(phrase)
            phrase = []


def _with_whole_katakana(words: Iterable[Word]) -> list[Word]:
    """Join words between two letters of katakana, as nouns: a dictionary may have half of スマートフォン only."""
    joined: list[Word] = []
    for word in words:
        if joined and _KATAKANA.match(joined[-1].surface[-1:]) and _KATAKANA.match(word.surface[:1]):
            joined[-1] = Word(joined[-1].surface + word.surface, "名詞", "普通名詞", "一般")
        else:
            joined.append(word)
    return joined


def _of_phrase(phrase: list[Word]) -> Iterator[Term]:
    """Yield a phrase of nouns, and each noun of more than one character in it; not what only says when or how many."""
    nouns = [word for word in phrase if word.parts in _NOUNS and word.detail not in _ADVERBIAL]
    nouns = [word for word in nouns if word.surface not in _FORMAL]
    whole = "".join(word.surface for word in phrase)
    if nouns and len(whole) > 1 and is_japanese(whole):
        yield Term(whole, whole, is_alone=True)
    for word in nouns if len(phrase) > 1 else ():
        if len(word.surface) > 1 and is_japanese(word.surface):
            yield Term(word.surface, word.surface, is_alone=False)
