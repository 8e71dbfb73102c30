"""Asks the knowledge bases the same questions with two forms of a model, through the search that people use.

The questions are those of the rows themselves, aliases among them, by their words alone and with one word left out.
None is a question of the file word for word: that would be found without any encoder. What is compared is both forms
throughout: the vector of the question, and those of the rows that either could find first.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from indexes.encoder import Model, Vector, Vectors
from indexes.encoder.agreement import QUESTIONS, Agreement
from indexes.encoder.protocol import Progress, encode_each, or_zeros, unit_rows
from indexes.encoder.worker import CANARIES
from indexes.errors import EncodingError
from indexes.records.stored import RecordRows
from indexes.registry import Answer, Registry, State
from indexes.retrieval.index import Index
from indexes.retrieval.tokens import runs
from indexes.retrieval.vector_index import VectorIndex
from indexes.text import normalize

_FORMS = 6
"""Most questions made of one row: those of one row fare alike."""
_ROWS_READ = 300
"""Rows that the questions are made from, evenly spread."""
_TOP = 3
"""Hits whose rows are encoded in both forms."""
_BATCH = 4


class StoppedEarly(Exception):  # noqa: N818 - no error
    """Nobody wants the result any more."""


@dataclass(frozen=True)
class Asked:
    """A question, and the knowledge base that it is about."""

    base: str
    text: str


class _Direct:
    """An `Encoder` that runs a model in the thread that calls it, and counts its CPU time on questions."""

    variant = ""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name, self.revision = model.name, model.revision
        self.canaries = unit_rows(model.encode_documents(CANARIES), len(CANARIES))
        self.dimension = int(self.canaries.shape[1])
        self.seconds = 0.0

    def encode_query(self, text: str) -> Vector:
        started = time.thread_time()
        outcome = encode_each(self._model.encode_queries, [text])[0]
        self.seconds += time.thread_time() - started
        if isinstance(outcome, EncodingError):
            raise outcome
        return outcome

    def begin_query(self, text: str) -> "Future[Vector]":
        begun: Future[Vector] = Future()
        begun.set_result(self.encode_query(text))
        return begun

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.encode_query(text) for text in texts], np.float32)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        vectors = or_zeros(encode_each(self._model.encode_documents, texts), self.dimension)
        if progress:
            progress(len(texts), len(texts))
        return vectors


class _Instead:
    """A `VectorIndex` that scores some rows by other vectors; candidates are found by those that it has."""

    def __init__(self, index: VectorIndex, owners: NDArray[np.int64], vectors: Vectors) -> None:
        """`owners[i]`, ascending, is the row of vector i."""
        self._index = index
        self._rows, self._starts = np.unique(owners, return_index=True)
        self._others = vectors
        self.kind = index.kind
        self.nearest, self.background = index.nearest, index.background
        self.of_row, self.vectors = index.of_row, index.vectors

    def __len__(self) -> int:
        return len(self._index)

    def cosines(self, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        best = self._index.cosines(vector, rows)
        instead = np.maximum.reduceat((self._others @ vector).astype(np.float64), self._starts)
        there = np.isin(rows, self._rows)
        best[there] = instead[np.searchsorted(self._rows, rows[there])]
        return best


def compare(state: State, exact: Model, reduced: Model, go_on: Callable[[], bool]) -> Agreement:
    """Ask up to QUESTIONS questions with both. `go_on` waits until nobody else does.

    Raises StoppedEarly once that returns False.
    """
    encoders = (_Direct(exact), _Direct(reduced))
    asked = questions(state)
    found = [answer for encoder in encoders for answer in _answers(state, encoder, asked, go_on)]
    states = _in_both_forms(state, encoders, _rows(state, found), go_on)
    same, moved = 0, []
    one, other = (_answers(each, encoder, asked, go_on) for each, encoder in zip(states, encoders, strict=True))
    for first, second in zip(one, other, strict=True):
        same += _first(first) == _first(second)
        moved.append(abs(first.confidence - second.confidence))
    rows = sum(len(loaded.index) for loaded in state.loaded.values())
    cost = encoders[1].seconds / max(encoders[0].seconds, 1e-9)
    mean, spread = (float(np.mean(moved)), float(np.std(moved))) if moved else (0.0, 0.0)
    return Agreement(rows, len(asked), same, mean, spread, cost)


def questions(state: State, count: int = QUESTIONS) -> list[Asked]:
    """Return so many questions, or as many as the knowledge bases give: one of each row, then another of each."""
    indexes = {name: loaded.index for name, loaded in state.loaded.items() if loaded.index.dense}
    rows = sum(map(len, indexes.values()))
    chosen = [
        (index, int(row))
        for index in indexes.values()
        for row in np.unique(np.linspace(0, len(index) - 1, max(1, min(_ROWS_READ * len(index) // rows, len(index)))))
        if len(index)
    ]
    in_turn = (asked for turn in zip_longest(*(_questions(index, row) for index, row in chosen)) for asked in turn)
    distinct = list(dict.fromkeys(asked for asked in in_turn if asked))
    return distinct[:count]


def _questions(index: Index, row: int) -> list[Asked]:
    """Return different questions about a row, none of which is in the file."""
    record, synonyms = index.records[row], index.synonyms
    forms = [form for text in (record.question, *record.aliases) for form in _in_fewer_words(normalize(text))]
    fresh = (form for form in dict.fromkeys(forms) if not index.lexical.verbatim(synonyms.apply(form)).size)
    return [Asked(index.name, form) for form, _ in zip(fresh, range(_FORMS), strict=False)]


def _in_fewer_words(text: str) -> Iterator[str]:
    """Yield a text by its words alone, then without each of its words."""
    words = [text[start:end] for start, end in runs(text)]
    if words:
        yield " ".join(words)
    if len(words) > 1:
        for left_out in range(len(words)):
            yield " ".join(words[:left_out] + words[left_out + 1 :])


def _answers(state: State, encoder: _Direct, asked: Sequence[Asked], go_on: Callable[[], bool]) -> list[Answer]:
    """Search as people do, with this encoder."""
    registry = Registry(lambda: ())
    registry.swap(replace(state, encoder=encoder))
    answers = []
    for each in asked:
        _wait(go_on)
        answers.append(registry.search(each.text, [each.base], _TOP))
    return answers


def _rows(state: State, answers: Sequence[Answer]) -> Mapping[str, NDArray[np.int64]]:
    """Return the rows that were found, by knowledge base."""
    numbers = {name: RecordRows(loaded.index.records) for name, loaded in state.loaded.items()}
    found: dict[str, set[int]] = {}
    for hit in (hit for answer in answers for hit in answer.hits):
        if (row := numbers[hit.knowledge_base].find(hit.record.id)) is not None:
            found.setdefault(hit.knowledge_base, set()).add(row)
    return {name: np.array(sorted(rows), np.int64) for name, rows in found.items()}


def _in_both_forms(
    state: State, encoders: Sequence[_Direct], rows: Mapping[str, NDArray[np.int64]], go_on: Callable[[], bool]
) -> list[State]:
    """Return the state with the vectors of these rows replaced by those of each encoder."""
    states = [state] * len(encoders)
    for name, chosen in rows.items():
        loaded = state.loaded[name]
        index = loaded.index
        if index.dense is None or loaded.by_questions:
            continue
        owned = [(int(row), text) for row in chosen for text in index.passages(int(row))]
        for place, encoder in enumerate(encoders):
            vectors = _encoded(encoder, [text for _, text in owned], go_on)
            dense = _Instead(index.dense, np.array([row for row, _ in owned]), vectors)
            changed = replace(loaded, index=index.with_dense(dense, index.scale))
            states[place] = states[place].with_loaded(changed)
    return states


def _encoded(encoder: _Direct, texts: Sequence[str], go_on: Callable[[], bool]) -> Vectors:
    """Encode in the order of their lengths, so that the texts of a batch are about equally long."""
    vectors = np.empty((len(texts), encoder.dimension), np.float32)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for at in range(0, len(order), _BATCH):
        _wait(go_on)
        places = order[at : at + _BATCH]
        vectors[places] = encoder.encode_documents([texts[place] for place in places])
    return vectors


def _first(answer: Answer) -> tuple[str, str] | None:
    return (answer.hits[0].knowledge_base, answer.hits[0].record.id) if answer.hits else None


def _wait(go_on: Callable[[], bool]) -> None:
    if not go_on():
        raise StoppedEarly
