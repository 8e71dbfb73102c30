"""An inverted index that is elsewhere: of it only the terms of one question are fetched, at once for all views."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.retrieval.counting import Ints, Keys
from indexes.retrieval.inverted import Floats, View

Postings = tuple[NDArray[np.int32], NDArray[np.uint8]]
"""The texts that have a term, ascending, and how often each has it; the latter may be lacking for a rough match."""


@dataclass(frozen=True, slots=True)
class FetchedTerms:
    """Those of the wanted terms that a view has, ascending, and how many texts have each.

    `postings` are by the term's place: of all terms if a `Match` would read all of them; else of those that very many
    texts have only what a rough match reads.
    """

    keys: Keys
    holders: Ints
    postings: Mapping[int, Postings]


@dataclass(frozen=True, slots=True)
class FetchedTexts:
    """The terms that very many texts have, in some texts: term `keys[i]` is `counts[i]` times in text `texts[i]`."""

    texts: Ints
    keys: Keys
    counts: NDArray[np.uint8]


class TermSource(Protocol):
    """Where the terms of all views are; views are known by the names of their arrays."""

    def fetch(self, wanted: Mapping[str, Keys]) -> Mapping[str, FetchedTerms]:
        """Fetch the wanted terms of each of these views."""

    def look_up(self, texts: Mapping[str, Ints]) -> Mapping[str, FetchedTexts]:
        """Fetch what these texts have of the terms that very many have."""


class FetchedView(View):
    """A view of which only the terms of one question are there."""

    def __init__(self, name: str, norms: Floats, terms: FetchedTerms, source: TermSource) -> None:
        self.name = name
        self.norms = norms
        self.size = len(norms)
        self._keys = terms.keys
        self._terms = terms
        self._source = source
        self._found: FetchedTexts | None = None

    def lengths(self, terms: NDArray[np.signedinteger[Any]]) -> Ints:
        """See `View.lengths`."""
        return np.asarray(self._terms.holders[terms])

    def postings(self, term: int) -> Postings:
        """See `View.postings`."""
        return self._terms.postings[term]

    def is_lacking(self) -> bool:
        """Return whether some texts must be `prepared` before they can be looked up."""
        return any(not self._has_all(term) for term in range(len(self._keys)))

    def prepare(self, found: FetchedTexts) -> None:
        """Take what `TermSource.look_up` returned of the texts that are looked up next."""
        self._found = found

    def look_up(self, terms: Ints, texts: Ints) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """See `View.look_up`."""
        counts = np.zeros((len(terms), len(texts)), dtype=np.uint8)
        has = np.zeros(counts.shape, dtype=np.bool_)
        for line, term in enumerate(terms.tolist()):
            holders, times = self._holders(term, texts)
            if len(holders):
                places = holders.searchsorted(texts).clip(max=len(holders) - 1)
                has[line] = holders[places] == texts
                counts[line] = np.where(has[line], times[places], 0)
        return counts, has

    def _holders(self, term: int, texts: Ints) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        if self._has_all(term):
            return self._terms.postings[term]
        if self._found is None:
            self._found = self._source.look_up({self.name: texts})[self.name]
        chosen = self._found.keys == self._keys[term]
        return self._found.texts[chosen], self._found.counts[chosen]

    def _has_all(self, term: int) -> bool:
        """Return whether all is there of a term: how often each text has it, too."""
        return term in self._terms.postings and len(self._terms.postings[term][1]) > 0


def prepare(views: Mapping[FetchedView, Ints], source: TermSource) -> None:
    """Fetch for all views at once what these texts have of the terms whose postings were not fetched."""
    lacking = {view: texts for view, texts in views.items() if view.is_lacking()}
    if lacking:
        found = source.look_up({view.name: texts for view, texts in lacking.items()})
        for view in lacking:
            view.prepare(found[view.name])
