"""What people taught: phrasings laid over the aliases of a CSV."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from indexes.records import Record
from indexes.text import match_key


@dataclass(frozen=True, slots=True)
class LearnedAlias:
    """A phrasing of a record's question. `question` finds the record when its id is not there any more.

    A row without an id of its own is known by its content, so that every edit gives it another one.
    """

    record: str
    question: str
    phrasing: str


LearnedAliases = Mapping[str, Sequence[LearnedAlias]]
"""By knowledge base."""


class RecordFinder:
    """Finds the records that aliases are about: by their ids, else by a question that only one record has."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._by_id = {record.id: record for record in records}

    def find(self, alias: LearnedAlias) -> Record | None:
        """Return a alias's record; None when it is not there now."""
        return self._by_id.get(alias.record) or self._by_question.get(match_key(alias.question))

    @cached_property
    def _by_question(self) -> Mapping[str, Record]:
        keys = [match_key(record.question) for record in self._records]
        times = Counter(keys)
        return {key: record for key, record in zip(keys, self._records, strict=True) if key and times[key] == 1}


def with_learned_aliases(records: Sequence[Record], aliases: Sequence[LearnedAlias]) -> tuple[Record, ...]:
    """Return the records with what people taught among their aliases; a alias about none of them has no effect."""
    if not aliases:
        return tuple(records)
    finder = RecordFinder(records)
    added: dict[str, list[str]] = {}
    for alias in aliases:
        if subject := finder.find(alias):
            added.setdefault(subject.id, []).append(alias.phrasing)
    return tuple(_with_aliases(record, added.get(record.id, ())) for record in records)


def _with_aliases(record: Record, phrasings: Sequence[str]) -> Record:
    if not phrasings:
        return record
    known = {match_key(text) for text in (record.question, *record.aliases)}
    fresh = {key: phrasing for phrasing in phrasings if (key := match_key(phrasing)) not in known}
    return replace(record, aliases=(*record.aliases, *fresh.values())) if fresh else record
