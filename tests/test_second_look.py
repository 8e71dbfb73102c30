"""Where nothing is certain: the beginnings of the answers are shown only if one of them is likely the right one."""

from pathlib import Path

import pytest

from handlers.result import Entry, Result
from indexes import FaissSearch
from indexes.confidence.confidence import THRESHOLD
from indexes.confidence.evaluation import ANSWERABLE, PARTIAL, Query, rank_of, read_queries
from indexes.records import Record
from indexes.registry import Answer
from tests.sets.finding import sets

SETS = Path(__file__).with_name("sets")
SHOWN = 3


def result(*found: tuple[str, float]) -> Result:
    entries = [
        Entry(Record(str(place), "q", answer), "faq", confidence) for place, (answer, confidence) in enumerate(found)
    ]
    return Result("question", entries, THRESHOLD, 1)


@pytest.mark.parametrize(
    ("found", "likely"),
    [
        ([("a", 0.3), ("b", 0.15), ("c", 0.1)], True),
        ([("a", 0.3), ("b", 0.1), ("c", 0.05)], False),
        ([("a", 0.3), ("a", 0.3), ("b", 0.1)], False),  # the same answer twice is no second chance
        ([("a", 0.3), ("未定", 0.3)], False),  # and one that is not there yet is none
        ([("a", 0.45), ("b", 0.4)], False),  # the first one is shown in full
        ([], False),
    ],
)
def test_the_confidences_of_different_answers_add_up(found: list[tuple[str, float]], *, likely: bool) -> None:
    assert result(*found).is_among_them is likely


def asked(base: Path, queries: Path) -> list[tuple[Query, Answer]]:
    with FaissSearch(base, None) as searching:
        return [(query, searching.answer(query.text, SHOWN)) for query in read_queries(queries)]


@pytest.mark.long("asks many questions")
def test_what_is_shown_so_is_right_more_often_than_it_is_noise() -> None:
    """By words, on all sets; docs/retrieval.md has it by meaning."""
    right = noise = 0
    for _, base, queries in sets(SETS):
        for query, answer in asked(base, queries):
            entries = [Entry(hit.record, hit.knowledge_base, float(hit.confidence)) for hit in answer.hits]
            if query.kind != PARTIAL and Result(query.text, entries, THRESHOLD, 1).is_among_them:
                right += rank_of(query.relevant, [hit.record.id for hit in answer.hits]) is not None
                noise += query.kind != ANSWERABLE
    assert right > 1.5 * noise > 0
