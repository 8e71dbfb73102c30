"""Looking a question up, and an earlier one again."""

from collections.abc import Sequence

from handlers.request import Request
from handlers.result import Entry, Result
from handlers.services import QUESTION_LENGTH, Services
from handlers.store.questions import Noted, NotedHit, Origin, Questions
from indexes.confidence.confidence import unshifted
from indexes.registry import Answer


def look_up(services: Services, question: str, names: Sequence[str], request: Request, origin: Origin) -> Result:
    """Search these knowledge bases for a question, and store it with what was found."""
    threshold = services.channels.of(request.channel).threshold
    answer = services.registry.search(question[:QUESTION_LENGTH], names)
    noted = _noted(answer, request, origin, threshold)
    return _result(services, noted, Questions(services.database).add(noted))


def look_back(services: Services, question_id: int) -> tuple[Noted, Result] | None:
    """Return an earlier question with its hits as they are now."""
    noted = Questions(services.database).get(question_id)
    return (noted, _result(services, noted, question_id)) if noted else None


def _result(services: Services, noted: Noted, number: int | None) -> Result:
    entries = [
        Entry(services.registry.record(hit.knowledge_base, hit.record), hit.knowledge_base, hit.confidence)
        for hit in noted.hits
    ]
    return Result(noted.text, entries, noted.threshold, number)


def _noted(answer: Answer, request: Request, origin: Origin, threshold: float) -> Noted:
    hits = tuple(
        NotedHit(
            hit.knowledge_base,
            hit.record.id,
            float(hit.score),
            float(hit.confidence),
            unshifted(float(hit.confidence), answer.shifts.get(hit.knowledge_base, 0.0)),
        )
        for hit in answer.hits
        if hit.score > 0
    )
    confidence = hits[0].confidence if hits else 0.0
    return Noted(
        source=origin,
        channel=request.channel,
        user=request.user,
        text=answer.question.text,
        hits=hits,
        confidence=confidence,
        threshold=threshold,
        answered=bool(hits) and answer.is_certain(threshold, unasked=not origin.is_asked),
    )
