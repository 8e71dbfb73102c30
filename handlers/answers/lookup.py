"""Searching for a question, and loading an earlier one with its hits."""

import itertools
from collections.abc import Callable, Sequence

from handlers.clarifying.asking import question_back
from handlers.features import Feature
from handlers.images import blocks as images
from handlers.learning.proof import stamp_of
from handlers.request import Request
from handlers.result import Entry, Result
from handlers.services import QUESTION_LENGTH, Services
from handlers.store.questions import AskedQuestion, FoundHit, Origin, Questions
from handlers.trace import Trace
from indexes.confidence.confidence import unshifted
from indexes.registry import Answer, Registry
from indexes.retrieval.index import Hit

Find = Callable[[Services, str, Sequence[str], Request, Origin], Result]
"""Searches for a question and stores it, as `find_answers` does."""


def find_answers(services: Services, question: str, names: Sequence[str], request: Request, origin: Origin) -> Result:
    """Search these knowledge bases for a question; store the question and its hits.

    Where the reply asks back, these are the rows to choose from, with their labels.
    """
    return store_answer(services, search(services, request, question, names), request, origin)


def search(services: Services, request: Request, question: str, names: Sequence[str], top_k: int = 3) -> Answer:
    """Search these knowledge bases for a question."""
    return look_up(services.registry, request.trace, question, names, top_k)


def look_up(registry: Registry, trace: Trace, question: str, names: Sequence[str], top_k: int = 3) -> Answer:
    """Search these knowledge bases, for whoever asks, and note how long that took."""
    with trace.searching():
        return registry.search(question[:QUESTION_LENGTH], names, top_k)


def store_answer(services: Services, answer: Answer, request: Request, origin: Origin) -> Result:
    """Store a question and its hits."""
    stored = _asked_question(services, answer, request, origin)
    request.trace.origin = origin.value
    request.trace.outcome = "answered" if stored.answered else "unsure" if stored.hits else "nothing"
    return _result(services, stored, Questions(services.database).add(stored))


def earlier_answers(services: Services, question_id: int) -> tuple[AskedQuestion, Result] | None:
    """Return an earlier question with its hits as they are now."""
    question = Questions(services.database).get(question_id)
    return (question, _result(services, question, question_id)) if question else None


def _result(services: Services, question: AskedQuestion, number: int | None) -> Result:
    offered = services.channels.of(question.channel).offers(Feature.IMAGES)
    entries = [_entry(services, hit, pictures=offered) for hit in question.hits]
    return Result(question.text, entries, question.threshold, number)


def _entry(services: Services, hit: FoundHit, *, pictures: bool) -> Entry:
    record = services.registry.record(hit.knowledge_base, hit.record)
    shown = images.shown(record) if pictures else ()
    overdue = services.registry.overdue(hit.knowledge_base, record) if record else None
    return Entry(record, hit.knowledge_base, hit.confidence, shown, hit.label, overdue)


def _asked_question(services: Services, answer: Answer, request: Request, origin: Origin) -> AskedQuestion:
    threshold = request.rules.threshold
    asked_back = question_back(services, request, answer, origin)
    hits = (
        found_hits(services, answer, asked_back.hits, asked_back.labels)
        if asked_back
        else found_hits(services, answer, answer.hits)
    )
    confidence = hits[0].confidence if hits else 0.0
    return AskedQuestion(
        source=origin,
        channel=request.channel,
        user=request.user,
        text=answer.question.text,
        hits=hits,
        confidence=confidence,
        threshold=threshold,
        answered=bool(hits) and answer.is_certain(threshold, unasked=not origin.is_asked),
    )


def found_hits(
    services: Services, answer: Answer, hits: Sequence[Hit], labels: Sequence[str] = ()
) -> tuple[FoundHit, ...]:
    """Return what is stored of hits of an answer; of rows that have nothing of the question, nothing is."""
    return tuple(
        FoundHit(
            hit.knowledge_base,
            hit.record.id,
            float(hit.score),
            float(hit.confidence),
            unshifted(float(hit.confidence), answer.shifts.get(hit.knowledge_base, 0.0)),
            stamp_of(services.registry, hit.knowledge_base, hit.record),
            label,
        )
        for hit, label in zip(hits, labels or itertools.repeat(""), strict=False)
        if hit.score > 0
    )
