"""Lexical indexes whose terms are fetched for each question; all else is as in memory."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from indexes.retrieval.counting import Ints, Keys, expand_ranges
from indexes.retrieval.details import DetailsIndex
from indexes.retrieval.fetched import FetchedView, TermSource, prepare
from indexes.retrieval.lexical import VIEWS, LexicalIndex
from indexes.retrieval.lexical_query import LexicalQuery, Scores
from indexes.retrieval.matching import AFFORDABLE
from indexes.retrieval.tokens import character_tokens, in_hiragana, script_tokens


class FetchedLexicalIndex(LexicalIndex):
    """A lexical index whose views have their norms only, until the terms of a question are fetched."""

    def __init__(self, resident: LexicalIndex, prefix: str, source: TermSource) -> None:
        self.__dict__.update(resident.__dict__)
        self._prefix = prefix
        self._source = source

    def query(self, text: str, affordable: int = AFFORDABLE) -> LexicalQuery:
        """See `LexicalIndex.query`."""
        views = self._views(text)
        return _FetchedQuery(self._with(views).query(text, affordable), views, self._source)

    def unknown_words(self, text: str) -> Keys:
        """See `LexicalIndex.unknown_words`."""
        return self._with(self._views(text)).unknown_words(text)

    def shared_words(self, text: str, row: int) -> list[tuple[str, float, bool]]:
        """See `LexicalIndex.shared_words`."""
        return self._with(self._views(text)).shared_words(text, row)

    def _views(self, text: str) -> Mapping[str, FetchedView]:
        """Fetch all terms that a search for a normalized question asks any view for."""
        words, characters = script_tokens([text]).keys, character_tokens([text]).keys
        folded = np.concatenate([characters, in_hiragana(words)])
        names = [f"{self._prefix}.{number}" for number in range(len(VIEWS))]
        wanted = dict(zip(names, (words, characters, words, folded), strict=True))
        norms = dict(zip(names, (view.norms for view in (*self._questions, *self._all)), strict=True))
        if len(self._readings.owners):
            readings = f"{self._prefix}.readings"
            wanted[readings], norms[readings] = characters, self._readings.view.norms
        found = self._source.fetch(wanted)
        return {name: FetchedView(name, norms[name], found[name], self._source) for name in wanted}

    def _with(self, views: Mapping[str, FetchedView]) -> LexicalIndex:
        index, found = object.__new__(LexicalIndex), list(views.values())
        readings = replace(self._readings, view=found[-1]) if len(found) > len(VIEWS) else self._readings
        index.__dict__.update(self.__dict__, _questions=found[:2], _all=found[2:4], _readings=readings)
        return index


class _FetchedQuery(LexicalQuery):
    """A query that fetches what rows have of frequent terms, for all views at once."""

    def __init__(self, asked: LexicalQuery, views: Mapping[str, FetchedView], source: TermSource) -> None:
        self.__dict__.update(asked.__dict__)
        self._views = list(views.values())
        self._source = source

    def score(self, rows: Ints) -> Scores:
        """See `LexicalQuery.score`."""
        texts, _ = expand_ranges(self._starts[rows], self._starts[rows + 1])
        prepare(dict(zip(self._views, (texts, texts, rows, rows), strict=False)), self._source)
        return super().score(rows)


class FetchedDetailsIndex(DetailsIndex):
    """The words of details, fetched for each question."""

    def __init__(self, resident: DetailsIndex, prefix: str, source: TermSource) -> None:
        self.__dict__.update(resident.__dict__)
        self._prefix = prefix
        self._source = source

    def best(self, keys: Keys, most: int) -> Ints:
        """See `DetailsIndex.best`."""
        if self._view is None or not len(keys):
            return np.zeros(0, dtype=np.int64)
        found = self._source.fetch({self._prefix: keys})[self._prefix]
        index = object.__new__(DetailsIndex)
        view = FetchedView(self._prefix, self._view.norms, found, self._source)
        index.__dict__.update(self.__dict__, _view=view)
        return index.best(keys, most)
