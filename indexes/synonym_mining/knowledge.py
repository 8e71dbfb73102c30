"""What one knowledge base says, and where it finds the right row for a question: by its words alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from indexes.records import Record
from indexes.records.stored import RecordRows, take
from indexes.retrieval.lexical import LexicalIndex, other_text
from indexes.retrieval.synonyms import Synonyms
from indexes.synonym_mining.terms import Term, Text
from indexes.text import normalize, unicode_form

ROWS = 5_000
"""Rows of a knowledge base that are compared: the right ones, and of the others as many, evenly spread."""
DEPTH = 100
"""Rows that are ranked for a question; a right row below all of them has the next rank."""
HOLDERS = 200
"""Rows in which a term is looked for in a larger knowledge base: those that have most of its letters."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The records of a knowledge base as they are in its file, and the index of their words with learned aliases."""

    records: Sequence[Record]
    lexical: LexicalIndex


class Rows:
    """The rows that are compared, without learned aliases: an alias finds its own question, whatever words it has."""

    def __init__(self, knowledge: Knowledge, wanted: Collection[str], synonyms: Synonyms) -> None:
        """Take the records with the `wanted` ids, as far as they are there."""
        self._knowledge, self._synonyms = knowledge, synonyms
        rows = RecordRows(knowledge.records)
        right = {row for row in map(rows.find, wanted) if row is not None}
        count = len(knowledge.records)
        spread = range(0, count, max(-(-count // ROWS), 1))
        self.records = take(knowledge.records, sorted(right.union(spread)))
        self.places = {record.id: place for place, record in enumerate(self.records)}
        self.answers = [normalize(record.answer) or f"\0{record.id}" for record in self.records]

    def texts(self, place: int) -> list[Text]:
        """Return a row's question, aliases and keywords: what it is about."""
        return [*self.questions(place), *map(self._prepared, self.records[place].keywords)]

    def questions(self, place: int) -> list[Text]:
        """Return a row's question and aliases."""
        record = self.records[place]
        return [self._prepared(text) for text in (record.question, *record.aliases) if text]

    def terms(self, place: int) -> dict[str, Term]:
        """Return the terms of a row's `texts`."""
        found: dict[str, Term] = {}
        for text in self.texts(place):
            for key, term in text.terms.items():
                if key not in found or term.is_alone:
                    found[key] = term
        return found

    def says(self, key: str) -> bool:
        """Return whether any row of the whole knowledge base has a term."""
        if self._all.has(key):
            return True
        if len(self.records) == len(self._knowledge.records):
            return False
        rows = self._knowledge.lexical.query(key).best(HOLDERS)
        holders = take(self._knowledge.records, sorted(rows.tolist()))
        return any(Text(self._text(record)).has(key) for record in holders)

    def rank(self, question: str, place: int) -> int:
        """Return the rank, from 1, of a row with the answer of this one; rows with the same answer count once."""
        asked = self._lexical.query(question)
        right = self._same_answer[self.answers[place]]
        rows = np.union1d(asked.best(DEPTH), right)
        totals = asked.score(rows).total
        own = totals[np.isin(rows, right)].max()
        if own <= 0:
            return DEPTH + 1
        above = rows[(totals >= own) & ~np.isin(rows, right)]
        return 1 + len({self.answers[row] for row in above.tolist()})

    def written(self, term: Term, place: int) -> str:
        """Return a term as a row writes it."""
        record = self.records[place]
        return as_written(term.written, "\n".join((record.question, *record.aliases, *record.keywords)))

    @cached_property
    def _lexical(self) -> LexicalIndex:
        return LexicalIndex(self.records, self._synonyms)

    @cached_property
    def _all(self) -> Text:
        return Text("\n".join(map(self._text, self.records)))

    @cached_property
    def _same_answer(self) -> dict[str, list[int]]:
        same: dict[str, list[int]] = {}
        for place, answer in enumerate(self.answers):
            same.setdefault(answer, []).append(place)
        return same

    def _prepared(self, text: str) -> Text:
        return Text(self._synonyms.apply(normalize(text)))

    def _text(self, record: Record) -> str:
        texts = (record.question, *record.aliases, other_text(record), *record.details.values())
        return self._synonyms.apply(normalize("\n".join(texts)))


def as_written(written: str, text: str) -> str:
    """Return a normalized term in the capitals of a text, or as it is if the text has it in no such form."""
    composed = unicode_form("NFKC", text)
    at = composed.casefold().find(written) if len(composed.casefold()) == len(composed) else -1
    return composed[at : at + len(written)] if at >= 0 else written
