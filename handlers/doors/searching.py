"""A search for a program: the same as for a person in Slack, and kept among the questions like theirs."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.answers.lookup import found_hits, look_up
from handlers.audience import knowledge_bases_for_program
from handlers.doors.caller import Caller
from handlers.doors.errors import InvalidQueryError, NotNowError, NotOpenError, UnknownNameError
from handlers.services import Services
from handlers.slack.mrkdwn import has_words
from handlers.store.questions import AskedQuestion, Origin, Questions
from handlers.store.tokens import Token, asker
from handlers.trace import Trace
from indexes.confidence.confidence import confident
from indexes.names import same_name
from indexes.records.review import Overdue
from indexes.registry import Answer, Registry
from indexes.retrieval.index import Hit

log = logging.getLogger(__name__)

MOST_HITS = 50
"""Hits of one search, at most."""
STORED_HITS = 2
"""Hits that are kept with a question: the closest and its rival. Nobody opens the others later, as in Slack."""
REPEATED_SECONDS = 60.0
"""For so long the same words of the same program are one question: a script may ask again and again."""
NAMED = 60
"""Characters of an unknown name that are said again."""


@dataclass(frozen=True)
class Query:
    """What is wanted: at most `top_k` hits that are at least so sure; of others as many as `min_k` lacks.

    Without `knowledge_bases` all that the program may see are searched. A row that has nothing of the query is a hit
    only if `min_k` wants it.
    """

    text: str
    knowledge_bases: tuple[str, ...] | None = None
    top_k: int = 3
    min_confidence: float = 0.0
    min_k: int = 0


@dataclass(frozen=True)
class Row:
    """A hit, with the name of the file that its row is in, and how overdue a check of the row is, if it is."""

    hit: Hit
    file: str
    overdue: Overdue | None


@dataclass(frozen=True)
class Found:
    """What was found in these knowledge bases, which have `total` rows; `is_certain` as Slack would give it, or not."""

    answer: Answer
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    total: int
    threshold: float
    is_certain: bool


def search(services: Services, caller: Caller, query: Query, origin: Origin) -> Found:
    """Search for a program, and store the question; raises DoorError."""
    trace = Trace(origin=origin.value)
    trace.start()
    found = found_for(services, caller, query, trace)
    trace.outcome = "answered" if found.is_certain else "unsure" if found.rows else "nothing"
    _store(services, asked_question(services, caller, found, origin))
    log.info("%s", trace.line("doors.search"))
    return found


def _store(services: Services, question: AskedQuestion) -> None:
    stored = Questions(services.database)
    if not stored.newest_of(question.user, question.text, time.time() - REPEATED_SECONDS):
        stored.add(question)


def found_for(services: Services, caller: Caller, query: Query, trace: Trace | None = None) -> Found:
    """Search without storing the question; raises DoorError."""
    if not services.registry.wait_ready(0):
        raise NotNowError("door.starting")
    names = choose(knowledge_bases_for_program(services, caller.token), query.knowledge_bases, caller.token)
    return find(services.registry, names, query, services.channels.of("").threshold, trace)


def find(
    registry: Registry, names: tuple[str, ...], query: Query, threshold: float, trace: Trace | None = None
) -> Found:
    """Search these knowledge bases, which whoever asks may see; raises InvalidQueryError."""
    if not has_words(query.text):
        raise InvalidQueryError("door.no_words")
    answer = look_up(registry, trace or Trace(), query.text, names, query.top_k)
    hits, loaded = _wanted(answer, query), registry.loaded
    return Found(
        answer=answer,
        names=names,
        rows=tuple(_row(registry, hit) for hit in hits),
        total=sum(len(loaded[name].index) for name in names if name in loaded),
        threshold=threshold,
        is_certain=bool(hits) and answer.is_certain(threshold),
    )


def _row(registry: Registry, hit: Hit) -> Row:
    loaded = registry.loaded.get(hit.knowledge_base)  # None if an admin has just removed it
    file = loaded.source.path.name if loaded else ""
    return Row(hit, file, registry.overdue(hit.knowledge_base, hit.record))


def _wanted(answer: Answer, query: Query) -> tuple[Hit, ...]:
    """Return the hits that are wanted; the rows that have nothing of the query come last, and only for `min_k`."""
    near = [hit for hit in answer.hits if hit.score > 0]
    others = [hit for hit in answer.hits if hit.score <= 0]
    hits = confident(near, query.min_confidence, query.min_k)
    return (*hits, *others[: max(query.min_k - len(hits), 0)])


def choose(seen: tuple[str, ...], wanted: Sequence[str] | None, token: Token | None) -> tuple[str, ...]:
    """Return the knowledge bases to search of those that a program may see: those that are named, or else all.

    Raises UnknownNameError for a name that it may not see, which is as if there were none; NotOpenError when there is
    nothing to see without a token.
    """
    if not seen:
        raise UnknownNameError("door.empty") if token else NotOpenError("door.not_open")
    if wanted is None:
        return seen
    found = {name: same_name(name, seen) for name in wanted}
    if missing := next((name for name, known in found.items() if known is None), None):
        raise UnknownNameError("door.unknown_name", name=missing[:NAMED], names=seen)
    return tuple(dict.fromkeys(known for known in found.values() if known))


def asked_question(services: Services, caller: Caller, found: Found, origin: Origin) -> AskedQuestion:
    """Return what is stored of a question. Who asked for more certainty than there was got no answer."""
    hits = found_hits(services, found.answer, found.answer.hits[:STORED_HITS])
    return AskedQuestion(
        source=origin,
        channel="",
        user=asker(caller.token),
        text=found.answer.question.text,
        hits=hits,
        confidence=hits[0].confidence if hits else 0.0,
        threshold=found.threshold,
        answered=found.is_certain and bool(hits),
    )
