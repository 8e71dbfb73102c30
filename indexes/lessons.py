"""What people taught: phrasings laid over the aliases of a CSV."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from indexes.records import Record
from indexes.text import sameness


@dataclass(frozen=True, slots=True)
class Lesson:
    """A phrasing of a record's question. `question` finds the record when its id is not there any more.

    A row without an id of its own is known by its content, so that every edit gives it another one.
    """

    record: str
    question: str
    phrasing: str


Lessons = Mapping[str, Sequence[Lesson]]
"""By knowledge base."""


def taught(records: Sequence[Record], lessons: Sequence[Lesson]) -> tuple[Record, ...]:
    """Return the records with what people taught among their aliases; a lesson about none of them has no effect."""
    if not lessons:
        return tuple(records)
    by_id = {record.id: record for record in records}
    asked = Counter(sameness(record.question) for record in records)
    by_question = {key: record.id for record in records if asked[key := sameness(record.question)] == 1 and key}
    added: dict[str, list[str]] = {}
    for lesson in lessons:
        id_ = lesson.record if lesson.record in by_id else by_question.get(sameness(lesson.question))
        if id_ is not None:
            added.setdefault(id_, []).append(lesson.phrasing)
    return tuple(_with_aliases(record, added.get(record.id, ())) for record in records)


def _with_aliases(record: Record, phrasings: Sequence[str]) -> Record:
    known = {sameness(text) for text in (record.question, *record.aliases)}
    fresh = {key: phrasing for phrasing in phrasings if (key := sameness(phrasing)) not in known}
    return replace(record, aliases=(*record.aliases, *fresh.values())) if fresh else record
