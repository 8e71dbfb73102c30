"""Aliases that people confirmed in Slack, added to the records of a CSV in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from indexes.records import Record
from indexes.text import match_key


@dataclass(frozen=True, slots=True)
class LearnedAlias:
    """Another phrasing of a record's question. `question` finds the record if its id no longer exists.

    The id of a row that has none in the file is derived from its content, so that every edit changes it.
    """

    record: str
    question: str
    phrasing: str


LearnedAliases = Mapping[str, Sequence[LearnedAlias]]
"""By knowledge base."""


class RecordFinder:
    """Finds the records that learned aliases belong to: by id, or else by a question that only one record has."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._by_id = {record.id: record for record in records}

    def find(self, alias: LearnedAlias) -> Record | None:
        """Return the record that an alias belongs to, or None if there is none now."""
        return self._by_id.get(alias.record) or self._by_question.get(match_key(alias.question))

    @cached_property
    def _by_question(self) -> Mapping[str, Record]:
        keys = [match_key(record.question) for record in self._records]
        times = Counter(keys)
        return {key: record for key, record in zip(keys, self._records, strict=True) if key and times[key] == 1}


def with_learned_aliases(records: Sequence[Record], aliases: Sequence[LearnedAlias]) -> tuple[Record, ...]:
    """Return the records with learned aliases added; an alias whose record doesn't exist is ignored."""
    if not aliases:
        return tuple(records)
    finder = RecordFinder(records)
    added: dict[str, list[str]] = {}
    for alias in aliases:
        if record := finder.find(alias):
            added.setdefault(record.id, []).append(alias.phrasing)
    return tuple(_with_aliases(record, added.get(record.id, ())) for record in records)


def _with_aliases(record: Record, phrasings: Sequence[str]) -> Record:
    if not phrasings:
        return record
    known = {match_key(text) for text in (record.question, *record.aliases)}
    fresh = {key: phrasing for phrasing in phrasings if (key := match_key(phrasing)) not in known}
    return replace(record, aliases=(*record.aliases, *fresh.values())) if fresh else record
