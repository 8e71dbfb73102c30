"""Whether the best hit is given to somebody who did not ask for it, and why or why not in words.

The bot decides by `verdict`; `reasons` says what was decisive, for `kotae search --explain` and the page's inspector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from math import floor
from typing import TYPE_CHECKING

from indexes.confidence.confidence import (
    features,
    has_digits_only,
    names_another_code,
    probability,
    unshifted,
    weights_for,
)
from indexes.messages import Translatable
from indexes.records import has_answer, may_be_volunteered
from indexes.text import normalize

if TYPE_CHECKING:
    from indexes.records import Record
    from indexes.retrieval.index import Hit, Question

TITLE = 80
"""Characters of a row's title that are quoted."""


class Verdict(StrEnum):
    """What becomes of the best hit; only GIVEN is given unasked."""

    GIVEN = "given"
    NOTHING = "nothing"
    NO_ANSWER = "no_answer"
    UNSURE = "unsure"
    NO_QUESTION = "no_question"
    """Sure enough for who asks, but the row has an answer only: nothing says what it answers."""


def verdict(record: "Record | None", confidence: float, threshold: float) -> Verdict:
    """Decide by the record of the best hit, None if there is none, and its confidence."""
    if record is None:
        return Verdict.NOTHING
    if not has_answer(record):
        return Verdict.NO_ANSWER
    if confidence < threshold:
        return Verdict.UNSURE
    return Verdict.GIVEN if may_be_volunteered(record) else Verdict.NO_QUESTION


def reasons(
    question: "Question",
    hits: "Sequence[Hit]",
    threshold: float,
    shifts: Mapping[str, float] | None = None,
) -> tuple[Translatable, ...]:
    """Say why the first hit is given unasked or not, the most important first.

    `hits` and `shifts` are those of `with_confidence`, and the hits have their confidence.
    """
    if not any(letter.isalnum() for letter in question.normalized):
        return (Translatable("why.no_words"),)
    if not hits or hits[0].score <= 0:
        return (Translatable("why.nothing"),)
    first = hits[0]
    title, percent, asked = _title(first), floor(first.confidence * 100), f"{threshold * 100:g}"
    decided = verdict(first.record, first.confidence, threshold)
    weak = _is_weak(first, threshold, shifts or {})
    if decided is Verdict.NO_ANSWER:
        return (Translatable("why.no_answer", title=title), *([Translatable("why.little")] if weak else []))
    if decided is Verdict.NO_QUESTION:
        return (Translatable("why.no_question", title=title),)
    if decided is Verdict.GIVEN:
        given = Translatable("why.given", title=title, percent=percent, asked=asked)
        return (given, *([Translatable("why.verbatim")] if first.evidence.verbatim else []))
    unsure = Translatable("why.unsure", title=title, percent=percent, asked=asked)
    doubt = _doubt(question, hits, threshold, shifts or {}, weak=weak)
    return (unsure, doubt, *([Translatable("why.words_only")] if first.dense is None else []))


def _doubt(
    question: "Question", hits: "Sequence[Hit]", threshold: float, shifts: Mapping[str, float], *, weak: bool
) -> Translatable:
    """Say what keeps the first hit below the threshold."""
    first, rival = hits[0], _rival(hits)
    if limit := _limit(question, first):
        return limit
    if rival and first.evidence.verbatim and rival.evidence.verbatim:
        return Translatable("why.twice", title=_title(rival))
    before = unshifted(first.confidence, shifts.get(first.knowledge_base, 0.0))
    if before >= threshold:
        return Translatable("why.votes", percent=floor(before * 100))
    if first.evidence.lost and _reaches(replace(first, evidence=replace(first.evidence, lost=0.0)), threshold, shifts):
        return Translatable("why.lost", percent=f"{first.evidence.lost * 100:.0f}")
    if weak:
        return Translatable("why.little")
    return Translatable("why.close", title=_title(rival)) if rival else Translatable("why.close_other")


def _limit(question: "Question", hit: "Hit") -> Translatable | None:
    """Say what keeps the confidence of a hit low, however much else it has in common with the question."""
    if has_digits_only(question, hit):
        return Translatable("why.digits_only")
    return Translatable("why.other_code") if names_another_code(question, hit) else None


def _is_weak(hit: "Hit", threshold: float, shifts: Mapping[str, float]) -> bool:
    """Return whether the hit would be below the threshold even if there were no other answer."""
    alone = replace(hit, evidence=replace(hit.evidence, rival=0.0))
    return not hit.evidence.verbatim and not _reaches(alone, threshold, shifts)


def _reaches(hit: "Hit", threshold: float, shifts: Mapping[str, float]) -> bool:
    """Return whether the hit's own evidence is enough."""
    shift = shifts.get(hit.knowledge_base, 0.0)
    return probability(weights_for(hit).logit(features(hit)) + shift) >= threshold


def _rival(hits: "Sequence[Hit]") -> "Hit | None":
    """Return the best hit with another answer than the first."""
    answer = normalize(hits[0].record.answer)
    return next((hit for hit in hits[1:] if normalize(hit.record.answer) != answer), None)


def _title(hit: "Hit") -> str:
    title = " ".join(hit.record.title.split())
    return title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"
