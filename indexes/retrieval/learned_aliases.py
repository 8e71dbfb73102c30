"""Aliases that people confirmed in Slack, added to the records of a CSV in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from indexes.records import Record
from indexes.records.stored import RecordRows, with_aliases
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
        self._rows = RecordRows(records)

    def find(self, alias: LearnedAlias) -> Record | None:
        """Return the record that an alias belongs to, or None if there is none now."""
        row = self.find_row(alias)
        return None if row is None else self._records[row]

    def find_row(self, alias: LearnedAlias) -> int | None:
        """Return the row of that record."""
        row = self._rows.find(alias.record)
        return self._by_question.get(match_key(alias.question)) if row is None else row

    @cached_property
    def _by_question(self) -> Mapping[str, int]:
        keys = [match_key(record.question) for record in self._records]
        times = Counter(keys)
        return {key: row for row, key in enumerate(keys) if key and times[key] == 1}


def learned_rows(records: Sequence[Record], aliases: Sequence[LearnedAlias]) -> Mapping[int, tuple[str, ...]]:
    """Return all aliases of each row that learned ones are added to; one whose record doesn't exist is ignored."""
    if not aliases:
        return {}
    finder = RecordFinder(records)
    added: dict[int, list[str]] = {}
    for alias in aliases:
        if (row := finder.find_row(alias)) is not None:
            added.setdefault(row, []).append(alias.phrasing)
    found = {row: _with_phrasings(records[row], phrasings) for row, phrasings in added.items()}
    return {row: all_of_them for row, all_of_them in found.items() if all_of_them != records[row].aliases}


def with_learned_aliases(records: Sequence[Record], aliases: Sequence[LearnedAlias]) -> Sequence[Record]:
    """Return the records with learned aliases added; an alias whose record doesn't exist is ignored."""
    return with_aliases(records, learned_rows(records, aliases))


def _with_phrasings(record: Record, phrasings: Sequence[str]) -> tuple[str, ...]:
    known = {match_key(text) for text in (record.question, *record.aliases)}
    fresh = {key: phrasing for phrasing in phrasings if (key := match_key(phrasing)) not in known}
    return (*record.aliases, *fresh.values())
