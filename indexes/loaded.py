"""A knowledge base that has been opened or built."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from indexes.messages import Translatable
from indexes.records import KnowledgeBase, Record, Source
from indexes.records.model import Days
from indexes.records.review import deadline, deadlines
from indexes.records.stored import RecordRows
from indexes.retrieval.index import Index
from indexes.retrieval.learned_aliases import LearnedAlias
from indexes.storage.file_mark import FileMark
from indexes.storage.snapshot import Generation
from indexes.storage.stored_index import Learned
from indexes.text import match_key, normalize


@dataclass(frozen=True)
class LoadedKnowledgeBase:
    """A knowledge base that can be searched. `trouble` says why its file can't be used or stored now."""

    source: Source
    knowledge_base: KnowledgeBase
    index: Index
    snapshot: Generation | None
    read_at: float
    file_mark: FileMark | None
    trouble: Translatable | None = None
    recipe: str = ""
    """What the index was made from (`indexes.storage.recipe`)."""
    learned: Learned = field(default_factory=dict)
    """All aliases of the rows that have learned ones."""
    by_questions: bool = False
    """Whether only the questions have vectors so far: answers and aliases are still being encoded."""

    def record(self, record_id: str) -> Record | None:
        """Return the record of the file with this id, without learned aliases."""
        row = self._rows.find(record_id)
        return None if row is None else self.knowledge_base.records[row]

    def aliased_record(self, alias: LearnedAlias) -> Record | None:
        """Return the record that a learned alias belongs to: by id, or else by a question that only one record has."""
        return self.record(alias.record) or self._only_record(alias.question)

    def deadline(self, record: Record) -> date | None:
        """Return the last day before a record is due for a check; None if it never is."""
        return deadline(record, self.knowledge_base, self.source.review_after)

    def is_due(self, record: Record, today: date) -> bool:
        """Return whether a record is due for a check."""
        last = self.deadline(record)
        return last is not None and last < today

    def due(self, today: date) -> Iterator[tuple[int, date]]:
        """Return the rows that are due for a check, with their deadlines."""
        late = np.flatnonzero((self.deadlines > 0) & (self.deadlines < today.toordinal()))
        return ((row, date.fromordinal(int(self.deadlines[row]))) for row in late.tolist())

    @property
    def undated(self) -> int:
        """The number of rows that are never due, since they have no date."""
        return len(self.knowledge_base.records) - int(np.count_nonzero(self.deadlines))

    @cached_property
    def deadlines(self) -> Days:
        """The deadline of each row as an ordinal, 0 for none; empty if no row can ever be due."""
        return deadlines(self.knowledge_base, self.source.review_after)

    @property
    def file_changed(self) -> bool:
        """Return whether the CSV on disk is no longer the one that was loaded."""
        return not self.file_mark.is_of(self.source.path) if self.file_mark else self.source.path.is_file()

    @property
    def is_stored(self) -> bool:
        """Whether the next start finds everything but the vectors in the snapshot."""
        return self.snapshot is not None and self.snapshot.recipe == self.recipe

    @cached_property
    def _rows(self) -> RecordRows:
        return RecordRows(self.knowledge_base.records)

    def _only_record(self, question: str) -> Record | None:
        key, records = match_key(question), self.knowledge_base.records
        rows = self.index.lexical.verbatim(self.index.synonyms.apply(normalize(question))) if key else ()
        same = [record for row in rows if match_key((record := records[row]).question) == key]
        return same[0] if len(same) == 1 else None


@dataclass(frozen=True)
class BuildResult:
    """A knowledge base, how many texts were encoded for it and for how many a vector was reused.

    `trouble` says why it could not be stored on disk, `unencoded` which texts the model can't encode.
    """

    loaded: LoadedKnowledgeBase
    encoded: int = 0
    reused: int = 0
    trouble: Translatable | None = None
    unencoded: Translatable | None = None
