"""Whether somebody who asked is asked back which of the closest rows they mean, and with which labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexes.clarification.closeness import NOT_CLOSE, USUAL, closeness, is_among_closest
from indexes.clarification.labels import labels
from indexes.messages import Translatable

if TYPE_CHECKING:
    from indexes.registry import Answer
    from indexes.retrieval.index import Hit

FEWEST = 2
"""Rows that there is a choice between."""
NEAR = 0.6
"""The least part of the first score that a row needs to be offered. Few right rows have less."""


@dataclass(frozen=True)
class Clarification:
    """A question back: the rows to choose from, best first, and a label for each."""

    hits: "tuple[Hit, ...]"
    labels: tuple[str, ...]


def clarification(
    answer: "Answer", threshold: float, recent: Sequence[float], usual: Sequence[float] = USUAL
) -> Clarification | None:
    """Return the question back; None where the answer is sure, no other is close, or nothing tells the rows apart.

    `recent` is the closeness of what was asked lately, newest first (`closeness_of`).
    """
    if is_among_closest(closeness_of(answer, threshold), recent, usual):
        near = tuple(hit for hit in answer.candidates if hit.score >= NEAR * answer.candidates[0].score)
        for count in range(len(near), FEWEST - 1, -1):
            hits = near[:count]
            if found := labels(answer.question.text, [hit.record for hit in hits]):
                return Clarification(hits, found)
    return None


def closeness_of(answer: "Answer", threshold: float) -> float:
    """Return how close the best rows of an answer are; NOT_CLOSE for one that is sure."""
    scores = [hit.score for hit in answer.candidates[:FEWEST]]
    if len(scores) < FEWEST or answer.is_certain(threshold):
        return NOT_CLOSE
    return closeness(*scores)


def asked_back(labels: tuple[str, ...]) -> Translatable:
    """Say why there was a question back, with these labels."""
    return Translatable("clarification.asked_back", labels=labels)
