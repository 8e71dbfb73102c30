"""Lexical search, which needs no model: how much of a question's words and characters a record has.

Every score is between 0 and 1 and means the same for every question (a cosine, or a share of the question weighted by
idf), so that it can be added to the cosine of vectors and used for confidence. docs/retrieval.md compares alternatives.
"""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import CHUNK, Counting, Ints, Keys
from indexes.retrieval.folding import verbatim_key
from indexes.retrieval.inverted import Arrays, View
from indexes.retrieval.lexical_query import LexicalQuery
from indexes.retrieval.matching import AFFORDABLE, Match
from indexes.retrieval.reading_matches import Readings, ReadingsCounted
from indexes.retrieval.readings import is_in_kana
from indexes.retrieval.tokens import (
    Tokens,
    character_tokens,
    count_words,
    in_hiragana,
    join,
    script_tokens,
    spell,
    word_key,
    words,
)
from indexes.retrieval.verbatim import Verbatim
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.records import Record
    from indexes.retrieval.synonyms import Synonyms

VIEWS = ("words of the question", "characters of the question", "words of all", "characters of all")


class LexicalIndex:
    """Searches records by words and characters, in their questions and in all their text.

    A question in kana, without kanji, is also compared with how questions and aliases read, where that is known.
    """

    def __init__(self, records: Sequence["Record"], synonyms: "Synonyms") -> None:
        lengths: list[int] = []
        counting = [Counting() for _ in VIEWS]
        verbatim: list[int] = []
        readings = ReadingsCounted()
        for at in range(0, len(records), CHUNK):
            some = records[at : at + CHUNK]
            asked = [[synonyms.apply(normalize(text)) for text in question_texts(record)] for record in some]
            others = [synonyms.apply(normalize(other_text(record))) for record in some]
            owners = np.repeat(np.arange(len(some)), [len(texts) for texts in asked])
            lengths += map(len, asked)
            verbatim += map(verbatim_key, chain.from_iterable(asked))
            readings.add(asked)
            for place, tokenize in enumerate((script_tokens, character_tokens)):
                tokens = tokenize(list(chain.from_iterable(asked)))
                both = join(Tokens(tokens.keys, owners[tokens.texts]), tokenize(others))
                counting[place].add(tokens, len(owners))
                counting[place + 2].add(both, len(some))
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        self._owners = np.repeat(np.arange(len(records), dtype=np.int32), lengths)
        self._verbatim = Verbatim.of(verbatim, self._owners)
        views = [View(counted.take()) for counted in counting]
        self._questions, self._all = views[:2], views[2:]
        self._readings = readings.index()

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """Make an index of what `arrays` returned, which may be mapped from a file."""
        index = object.__new__(cls)
        index._starts, index._owners = arrays[f"{prefix}.starts"], arrays[f"{prefix}.owners"]
        index._verbatim = Verbatim.of_arrays(arrays, f"{prefix}.verbatim")
        views = [View.of_arrays(arrays, f"{prefix}.{number}") for number in range(len(VIEWS))]
        index._questions, index._all = views[:2], views[2:]
        index._readings = Readings.of_arrays(arrays, f"{prefix}.readings")
        return index

    def arrays(self, prefix: str) -> Arrays:
        """Return what the index consists of, by name; the names begin with `prefix` and a dot."""
        found: dict[str, NDArray[Any]] = {f"{prefix}.starts": self._starts, f"{prefix}.owners": self._owners}
        found.update(self._verbatim.arrays(f"{prefix}.verbatim"))
        for number, view in enumerate((*self._questions, *self._all)):
            found.update(view.arrays(f"{prefix}.{number}"))
        return {**found, **self._readings.arrays(f"{prefix}.readings")}

    def __len__(self) -> int:
        return len(self._starts) - 1

    def query(self, text: str, affordable: int = AFFORDABLE) -> LexicalQuery:
        """Prepare the search for a normalized question."""
        characters = character_tokens([text]).keys
        words = self._in_script(script_tokens([text]).keys)
        questions, everything = (
            _matches(views, words, characters, affordable) for views in (self._questions, self._all)
        )
        readings = self._readings.match(characters, affordable) if is_in_kana(text) else None
        return LexicalQuery(questions, everything, (self._starts, self._owners), count_words(text), readings)

    def unknown_words(self, text: str) -> Keys:
        """Return the words and n-grams of a normalized question that no row has."""
        keys = np.unique(script_tokens([text]).keys)
        return np.asarray(keys[~self._all[0].has(keys)], dtype=np.uint64)

    def verbatim(self, text: str) -> Ints:
        """Return the rows whose question, or an alias, is this normalized question word for word, ascending."""
        key = verbatim_key(text)
        if not key:
            return np.zeros(0, dtype=np.int64)
        return np.union1d(self._verbatim.find(key), self._readings.verbatim.find(key))

    def _in_script(self, keys: Keys) -> Keys:
        """Drop katakana that all records write in hiragana: words are without hiragana, characters compare them."""
        words, characters = self._all
        folded = in_hiragana(keys)
        kept: Keys = keys[(folded == keys) | words.has(keys) | ~characters.has(folded)]
        return kept

    def shared_words(self, text: str, row: int) -> list[tuple[str, float, bool]]:
        """Return the known words and n-grams of a question, rarest first: term, idf, and whether the row has it."""
        view = self._all[0]
        terms = view.weigh(script_tokens([text]).keys)
        _, has = view.look_up(terms.places, np.array([row]))
        spelled = {word_key(word): word for word in words(text)}
        letters = [spelled.get(key) or spell(key) for key in terms.keys.tolist()]
        found = zip(letters, terms.idf.tolist(), has[:, 0].tolist(), strict=True)
        return sorted(found, key=lambda term: -term[1])


def _matches(views: Sequence[View], words: Keys, characters: Keys, affordable: int) -> list[Match]:
    """Match words and characters; a question without words, such as one in hiragana, by its characters alone."""
    by_characters = Match(views[1], characters, affordable)
    return [Match(views[0], words, affordable) if len(words) else by_characters, by_characters]


def question_texts(record: "Record") -> tuple[str, ...]:
    """Return the question of a record and its aliases."""
    return (record.question, *record.aliases)


def other_text(record: "Record") -> str:
    """Return the rest of a record's searchable text: keywords, category and answer."""
    return "\n".join((*record.keywords, record.category, record.answer))
