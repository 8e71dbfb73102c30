"""Searching the columns without a role, which are shown as details: only when nothing else answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from indexes.retrieval.counting import Ints, Keys, count
from indexes.retrieval.inverted import Arrays, View
from indexes.retrieval.matching import Match, highest
from indexes.retrieval.tokens import script_tokens, words
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.records import Record
    from indexes.retrieval.synonyms import Synonyms

_ROUGHLY = 1_000
"""Rows that are looked at closely where words of the question are in very many."""


class DetailsIndex:
    """Finds rows by words in their details."""

    def __init__(self, records: Sequence["Record"], synonyms: "Synonyms") -> None:
        found = {row: _text(record) for row, record in enumerate(records) if record.details}
        self._rows = np.fromiter(found, np.int64, len(found))
        texts = [synonyms.apply(normalize(text)) for text in found.values()]
        self._view = View(list(count(script_tokens(texts), len(texts)))) if texts else None

    @classmethod
    def of_arrays(cls, arrays: Arrays, prefix: str) -> Self:
        """Make an index of what `arrays` returned, which may be mapped from a file."""
        index = object.__new__(cls)
        index._rows = arrays[f"{prefix}.rows"]
        index._view = View.of_arrays(arrays, prefix) if len(index._rows) else None
        return index

    def arrays(self, prefix: str) -> Arrays:
        """Return what the index consists of, by name; the names begin with `prefix` and a dot."""
        return {f"{prefix}.rows": self._rows, **(self._view.arrays(prefix) if self._view else {})}

    def best(self, keys: Keys, most: int) -> Ints:
        """Return up to `most` rows whose details have any of these words, those with the rarest words first."""
        if self._view is None or not len(keys):
            return np.zeros(0, dtype=np.int64)
        match = Match(self._view, keys)
        texts = match.texts if match.is_read else highest(match.rough(), _ROUGHLY)
        cosine, coverage = match.found() if match.is_read else match.some(texts)
        return np.asarray(self._rows[texts[np.lexsort((-cosine, -coverage))[:most]]], dtype=np.int64)


def shared_with_details(question: str, record: "Record") -> int:
    """Return how many words of a normalized question are in a record's details."""
    return len(set(words(question)) & set(words(normalize(_text(record)))))


def _text(record: "Record") -> str:
    return "\n".join(record.details.values())
