"""Questions whose answer is known, with the terms that each has and its row has not, and the other way round."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from indexes.retrieval.synonyms import Synonyms
from indexes.synonym_mining.knowledge import Knowledge, Rows, as_written
from indexes.synonym_mining.terms import Term, Text
from indexes.text import match_key, normalize


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question, and the record that a person found to answer it. `id` is the caller's."""

    id: int
    text: str
    knowledge_base: str
    record: str
    person: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question, whoever asked it, and its right row."""

    written: str
    normalized: str
    text: Text
    rows: Rows
    place: int
    row_terms: Mapping[str, Term]
    ids: list[int] = field(default_factory=list)
    people: set[str] = field(default_factory=set)

    @property
    def answer(self) -> tuple[int, str]:
        """What tells its answer from those of the others."""
        return id(self.rows), self.rows.answers[self.place]

    def rank(self, synonyms: Synonyms | None = None) -> int:
        """Return the rank of the right row, as the question reads or with other synonyms."""
        asked = synonyms.apply(normalize(self.written)) if synonyms else self.normalized
        return self.rows.rank(asked, self.place)

    def said(self, key: str) -> str:
        """Return a term of the question as it is written there."""
        return as_written(self.text.terms[key].written, self.written)

    def known(self, key: str) -> str:
        """Return a term of the row as it is written there."""
        return self.rows.written(self.row_terms[key], self.place)


class Background:
    """The questions and aliases of all rows: how they are asked for in the words of who wrote them."""

    def __init__(self, among: Iterable[Rows]) -> None:
        self._texts = 0
        self._having: Counter[str] = Counter()
        self._lacking: Counter[str] = Counter()
        for rows in among:
            for place in range(len(rows.records)):
                row_terms = rows.terms(place)
                for text in rows.questions(place):
                    self._texts += 1
                    self._having.update(text.terms.keys())
                    self._lacking.update(key for key in row_terms if not text.has(key))

    def lacking(self, key: str) -> int:
        """Count the texts that lack a term their row has elsewhere."""
        return self._lacking[key]

    def without(self, key: str) -> int:
        """Count the texts of rows that don't have a term."""
        return self._texts - self._having[key] - self._lacking[key]


class Cases:
    """All of them, by number. `saying` has those of which a term is said, `lacking` those whose row alone has it."""

    def __init__(
        self, knowledge: Mapping[str, Knowledge], questions: Sequence[KnownQuestion], synonyms: Synonyms
    ) -> None:
        wanted: dict[str, set[str]] = defaultdict(set)
        for question in questions:
            wanted[question.knowledge_base].add(question.record)
        self._rows = {name: Rows(base, wanted[name], synonyms) for name, base in knowledge.items()}
        self.background = Background(rows for name, rows in self._rows.items() if wanted[name])
        self.all = self._distinct(questions, synonyms)
        self.saying: dict[str, set[int]] = defaultdict(set)
        self.lacking: dict[str, set[int]] = defaultdict(set)
        for number, case in enumerate(self.all):
            for key in case.text.terms:
                self.saying[key].add(number)
            for key in case.row_terms:
                if not case.text.has(key):
                    self.lacking[key].add(number)

    def some(self, numbers: Iterable[int]) -> list[Case]:
        """Return the cases of these numbers, in their order."""
        return [self.all[number] for number in sorted(numbers)]

    def is_known(self, key: str) -> bool:
        """Return whether any row of any knowledge base has a term."""
        return any(rows.says(key) for rows in self._rows.values())

    def _distinct(self, questions: Sequence[KnownQuestion], synonyms: Synonyms) -> list[Case]:
        found: dict[tuple[str, str, str], Case] = {}
        for question in questions:
            rows = self._rows.get(question.knowledge_base)
            place = rows.places.get(question.record) if rows else None
            if rows is None or place is None:
                continue
            normalized = synonyms.apply(normalize(question.text))
            key = question.knowledge_base, question.record, match_key(normalized)
            if key not in found:
                found[key] = Case(question.text, normalized, Text(normalized), rows, place, rows.terms(place))
            found[key].ids.append(question.id)
            found[key].people.add(question.person)
        return list(found.values())
