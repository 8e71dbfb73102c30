"""Measuring questions back: how often they come, and how many questions are answered after at most one press."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from indexes.clarification.clarification import Clarification, clarification, closeness_of
from indexes.clarification.closeness import REMEMBERED, USUAL
from indexes.confidence.evaluation import ANSWERABLE, PARTIAL, Query

if TYPE_CHECKING:
    from indexes.registry import Answer

GAINED = 0.4
"""The part of what is found among the first five, but not first, that one press is to make up for."""


@dataclass(frozen=True)
class Asking:
    """Of all answerable questions, the share whose right row is first, among the first five, or after one press.

    `wanted` is the least that is wanted after one press. `asked_back` is of all questions, whether answerable or not.
    """

    first: float
    among_five: float
    after_one_press: float
    asked_back: float

    @property
    def wanted(self) -> float:
        """What is to be reached after at most one press."""
        return self.first + GAINED * (self.among_five - self.first)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "wanted": self.wanted}


def measure(
    queries: Sequence[Query], answers: "Sequence[Answer]", threshold: float, usual: Sequence[float] = USUAL
) -> Asking:
    """Ask all queries, one after the other as they stand in the file.

    Whoever is asked back knows the right row and presses its button, if there is one.
    """
    recent: list[float] = []
    outcomes = []
    for query, answer in zip(queries, answers, strict=True):
        if query.kind != PARTIAL:
            outcomes.append((query, answer, clarification(answer, threshold, recent, usual)))
            recent = [closeness_of(answer, threshold), *recent[: REMEMBERED - 1]]
    answerable = [outcome for outcome in outcomes if outcome[0].kind == ANSWERABLE]
    return Asking(
        _share(_is_among(query, answer, 1) for query, answer, _ in answerable),
        _share(_is_among(query, answer, len(answer.candidates)) for query, answer, _ in answerable),
        _share(_is_found(*outcome) for outcome in answerable),
        _share(asked_back is not None for *_, asked_back in outcomes),
    )


def _is_found(query: Query, answer: "Answer", asked_back: Clarification | None) -> bool:
    if asked_back is None:
        return _is_among(query, answer, 1)
    return any(hit.record.id in query.relevant for hit in asked_back.hits)


def _is_among(query: Query, answer: "Answer", count: int) -> bool:
    return any(hit.record.id in query.relevant for hit in answer.candidates[:count])


def _share(right: Iterable[bool]) -> float:
    values = list(right)
    return sum(values) / max(len(values), 1)
