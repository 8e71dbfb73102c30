"""Completing what is typed: candidates by the lexical index, then those first that are nearly spelled like it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexes.completion.nearness import nearness
from indexes.completion.romaji import from_romaji
from indexes.loaded import LoadedKnowledgeBase
from indexes.records import Record
from indexes.records.stored import take
from indexes.retrieval.counting import Ints
from indexes.retrieval.folding import folded_letters
from indexes.retrieval.index import Index
from indexes.retrieval.inverted import Floats
from indexes.retrieval.lexical import question_texts
from indexes.retrieval.lexical_query import LexicalQuery
from indexes.retrieval.readings import in_kana, is_in_kana
from indexes.text import normalize

TYPED = 300
"""Characters that are read of what was typed; who types more needs no completion."""
CANDIDATES = 50
"""Rows whose texts are compared with what was typed."""
READ = 40
"""Texts of which the reading in kana is compared, of the likeliest rows; reading one takes 0.1 ms."""
TEXTS = 250
"""Texts that are compared: questions, and aliases as far as there is room."""
SHORT = 8
"""Letters up to which a typo may leave no two letters in a row that are right."""
WORTH = 0.2
"""The share of the best row's score below which a row is not offered: it has some letters in common, by chance."""
LEAST = 0.05
"""The score below which even the best row is not offered: it has a few letters of the text, somewhere."""
SPELLING = 0.5
"""What being spelled like it counts beside the lexical score: more than rows differ in that have the same words."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A row that somebody may be typing the question of; `row` is its place in its index."""

    knowledge_base: str
    row: int
    record: Record
    score: float
    """The lexical score plus SPELLING times `near`."""
    near: float
    """How nearly the question or an alias begins with what was typed, from 0 to 1; see `nearness`."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row that may be meant; `likely` is its lexical score, or that for a text with a typo less."""

    index: Index
    row: int
    lexical: float
    likely: float


def complete(
    loaded: Mapping[str, LoadedKnowledgeBase], names: Sequence[str], text: str, count: int
) -> list[Completion]:
    """Return up to `count` rows whose questions somebody may be typing, best first; without an encoder.

    A name that isn't loaded is skipped. A question with the same answer in several knowledge bases counts once.
    """
    typed = _as_meant(text)
    indexes = [loaded[name].index for name in dict.fromkeys(names) if name in loaded] if typed else []
    found = [candidate for index in indexes for candidate in _candidates(index, typed)]
    likeliest = sorted(found, key=lambda candidate: -candidate.likely)[:CANDIDATES]
    completions = sorted(_compared(likeliest, typed), key=lambda completion: -completion.score)
    distinct: dict[tuple[str, str], Completion] = {}
    for each in completions:
        distinct.setdefault((each.record.question, each.record.answer or each.record.id), each)
    least = max(WORTH * completions[0].score, LEAST) if completions else LEAST
    return [each for each in distinct.values() if each.score >= least][:count]


def _as_meant(text: str) -> list[str]:
    """Return what was typed, normalized: as it is, and with its romaji in hiragana if there is any."""
    typed = normalize(text[:TYPED])
    return [each for each in dict.fromkeys([typed, from_romaji(typed)]) if folded_letters(each)]


def _candidates(index: Index, typed: Sequence[str]) -> list[_Candidate]:
    """Return the likeliest rows of an index."""
    asked = [index.lexical.query(index.synonyms.apply(each)) for each in typed]
    guessed = [index.lexical.query(text) for each in typed if (text := "\n".join(_with_a_typo_less(each)))]
    rows = np.unique(np.concatenate([query.best(CANDIDATES) for query in (*asked, *guessed)]))
    lexical, other = _best_scores(asked, rows), _best_scores(guessed, rows)
    likely = np.maximum(lexical, other)
    best = np.argsort(-likely, kind="stable")[:CANDIDATES]
    return [_Candidate(index, int(rows[at]), float(lexical[at]), float(likely[at])) for at in best]


def _best_scores(queries: Sequence[LexicalQuery], rows: Ints) -> Floats:
    return np.asarray(np.max([np.zeros(len(rows)), *(query.score(rows).total for query in queries)], axis=0))


def _with_a_typo_less(typed: str) -> list[str]:
    """Return a short text without each of its letters, and with each two of them swapped; none for a longer one."""
    letters = folded_letters(typed)
    if len(letters) > SHORT:
        return []
    swapped = [f"{letters[:at]}{letters[at + 1]}{letters[at]}{letters[at + 2 :]}" for at in range(len(letters) - 1)]
    return list(filter(None, [*swapped, *(letters[:at] + letters[at + 1 :] for at in range(len(letters)))]))


def _compared(candidates: Sequence[_Candidate], typed: Sequence[str]) -> list[Completion]:
    """Compare what was typed with how the questions and aliases of rows are spelled, and how they are read."""
    records = _records(candidates)
    texts = [(at, normalize(text)) for at, record in enumerate(records) for text in question_texts(record)][:TEXTS]
    spelled = [(at, folded_letters(text)) for at, text in texts]
    near = np.zeros(len(records))
    for each in typed:
        read = texts[:READ] if is_in_kana(each) else []
        readings = [(at, folded_letters(reading)) for at, text in read if (reading := in_kana(text))]
        rows, letters = [at for at, _ in spelled + readings], [text for _, text in spelled + readings]
        np.maximum.at(near, rows, nearness(folded_letters(each), letters))
    return [
        Completion(each.index.name, each.row, record, each.lexical + SPELLING * float(how), float(how))
        for each, record, how in zip(candidates, records, near, strict=True)
    ]


def _records(candidates: Sequence[_Candidate]) -> list[Record]:
    """Return the records of candidates; those of one index are read together."""
    found: dict[tuple[str, int], Record] = {}
    for index in {each.index.name: each.index for each in candidates}.values():
        rows = [each.row for each in candidates if each.index is index]
        found.update(zip(((index.name, row) for row in rows), take(index.records, rows), strict=True))
    return [found[each.index.name, each.row] for each in candidates]
