"""The inverted indexes of words, term by term and, for terms that very many texts have, text by text."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.knowledge.store.copying import copy
from handlers.knowledge.store.index_server import IndexServer
from indexes.retrieval.counting import Ints, Keys, expand_ranges
from indexes.retrieval.fetched import FetchedTerms, FetchedTexts, Postings
from indexes.retrieval.inverted import Arrays
from indexes.retrieval.matching import AFFORDABLE, ROUGH

FREQUENT = 4_096
"""Texts that have a term from which it counts as frequent: how often they have it is stored with each text, too."""

REMEMBERED = 16
"""Questions whose terms are kept, up to 5 MB each: a search asks for the same ones up to three times."""

_VIEW_ARRAYS = ("keys", "starts", "texts", "counts")
_TEXT, _TERM, _COUNT = np.dtype("<i4"), np.dtype("<u8"), np.dtype(np.uint8)

_FETCH = """
WITH found AS (
    SELECT view, key, holders, texts, counts,
           sum(holders) OVER (PARTITION BY view) AS total,
           sum(holders) OVER rarest AS read, row_number() OVER rarest AS place
    FROM index_terms_{words}
    JOIN unnest(CAST(:views AS smallint[]), CAST(:keys AS bigint[])) AS wanted(view, key) USING (view, key)
    WINDOW rarest AS (PARTITION BY view ORDER BY holders, key ROWS UNBOUNDED PRECEDING))
SELECT view, key, holders,
       CASE WHEN total <= :affordable OR holders <= :frequent OR read <= :rough OR place = 1 THEN texts END,
       CASE WHEN total <= :affordable OR holders <= :frequent THEN counts END
FROM found ORDER BY view, key
"""

_LOOK_UP = """
SELECT view, text, terms, counts FROM index_texts_{words}
JOIN unnest(CAST(:views AS smallint[]), CAST(:texts AS integer[])) AS wanted(view, text) USING (view, text)
ORDER BY view, text
"""


class StoredTerms:
    """A `TermSource`: the terms of one knowledge base."""

    def __init__(self, server: IndexServer, words: int, views: tuple[str, ...]) -> None:
        self._server = server
        self._fetch_statement = _FETCH.format(words=words)
        self._look_up_statement = _LOOK_UP.format(words=words)
        self._views = views
        self._fetched = lru_cache(REMEMBERED)(self._fetch)

    def fetch(self, wanted: Mapping[str, Keys]) -> Mapping[str, FetchedTerms]:
        """See `TermSource.fetch`."""
        found = self._fetched(tuple((name, np.unique(keys).tobytes()) for name, keys in wanted.items()))
        return dict(zip(wanted, found, strict=True))

    def look_up(self, texts: Mapping[str, Ints]) -> Mapping[str, FetchedTexts]:
        """See `TermSource.look_up`."""
        views = np.repeat([self._views.index(name) for name in texts], [len(each) for each in texts.values()])
        rows = self._server.rows(
            self._look_up_statement, {"views": views.tolist(), "texts": np.concatenate([*texts.values()]).tolist()}
        )
        by_view: dict[int, list[Any]] = {}
        for view, *rest in rows:
            by_view.setdefault(view, []).append(rest)
        return {name: _texts_of(by_view.get(self._views.index(name), [])) for name in texts}

    def _fetch(self, wanted: tuple[tuple[str, bytes], ...]) -> list[FetchedTerms]:
        keys = [np.frombuffer(packed, np.uint64) for _, packed in wanted]
        numbers = [self._views.index(name) for name, _ in wanted]
        views = np.repeat(numbers, [len(each) for each in keys]).tolist()
        limits = {"affordable": AFFORDABLE, "frequent": FREQUENT, "rough": ROUGH}
        parameters = {"views": views, "keys": np.concatenate(keys).tolist(), **limits}
        by_view: dict[int, list[Any]] = {}
        for view, *rest in self._server.rows(self._fetch_statement, parameters):
            by_view.setdefault(view, []).append(rest)
        return [_terms_of(by_view.get(number, [])) for number in numbers]


def _terms_of(rows: list[Any]) -> FetchedTerms:
    postings: dict[int, Postings] = {
        place: (np.frombuffer(texts, _TEXT), np.frombuffer(counts or b"", _COUNT))
        for place, (_, _, texts, counts) in enumerate(rows)
        if texts is not None
    }
    keys = np.array([key for key, *_ in rows], dtype=np.uint64)
    return FetchedTerms(keys, np.array([holders for _, holders, *_ in rows], dtype=np.int64), postings)


def _texts_of(rows: list[Any]) -> FetchedTexts:
    lengths = [len(counts) for _, _, counts in rows]
    return FetchedTexts(
        np.repeat(np.array([number for number, *_ in rows], dtype=np.int64), lengths),
        np.frombuffer(b"".join(terms for _, terms, _ in rows), _TERM),
        np.frombuffer(b"".join(counts for _, _, counts in rows), _COUNT),
    )


def view_names(arrays: Collection[str]) -> tuple[str, ...]:
    """Return the names of the views among the arrays of an index."""
    prefixes = dict.fromkeys(name.rpartition(".")[0] for name in arrays)
    return tuple(each for each in prefixes if all(f"{each}.{part}" in arrays for part in _VIEW_ARRAYS))


def arrays_of_views(arrays: Collection[str]) -> set[str]:
    """Return the names of the arrays that `write_terms` stores."""
    return {f"{view}.{part}" for view in view_names(arrays) for part in _VIEW_ARRAYS}


def write_terms(connection: Connection, words: int, arrays: Arrays) -> None:
    """Store the postings of all views in the tables of words."""
    for number, name in enumerate(view_names(arrays)):
        keys, starts, texts, counts = (arrays[f"{name}.{part}"] for part in _VIEW_ARRAYS)
        rows = _terms(words, number, keys, starts, texts, counts)
        copy(connection, f"index_terms_{words}", ("int4", "int2", "int8", "int4", "bytea", "bytea"), rows)
        bags = _bags(words, number, keys, starts, texts, counts)
        copy(connection, f"index_texts_{words}", ("int4", "int2", "int4", "bytea", "bytea"), bags)


def _terms(
    words: int, view: int, keys: Keys, starts: Ints, texts: NDArray[Any], counts: NDArray[Any]
) -> Iterator[tuple[object, ...]]:
    packed, times = texts.astype(_TEXT, copy=False).view(np.uint8).data, counts.data
    ends = starts.tolist()
    for place, key in enumerate(keys.tolist()):
        first, last = ends[place], ends[place + 1]
        yield words, view, key, last - first, bytes(packed[first * 4 : last * 4]), bytes(times[first:last])


def _bags(
    words: int, view: int, keys: Keys, starts: Ints, texts: NDArray[Any], counts: NDArray[Any]
) -> Iterator[tuple[object, ...]]:
    frequent = np.flatnonzero(np.diff(starts) > FREQUENT)
    places, _ = expand_ranges(starts[frequent], starts[frequent + 1])
    terms = np.repeat(keys[frequent], np.diff(starts)[frequent])
    order = np.argsort(texts[places], kind="stable")
    terms, times = terms[order].astype(_TERM, copy=False), counts[places][order]
    numbers, lengths = np.unique(texts[places], return_counts=True)
    at = 0
    for number, length in zip(numbers.tolist(), lengths.tolist(), strict=True):
        yield words, view, number, terms[at : at + length].tobytes(), times[at : at + length].tobytes()
        at += length
