import csv
from dataclasses import replace
from pathlib import Path

import pytest

from indexes.confidence.evaluation import (
    Outcome,
    Query,
    at_threshold,
    auroc,
    average_precision,
    coverage_at_precision,
    evaluate,
    hardest,
    rank_of,
    read_queries,
    reliability,
    scored,
)
from indexes.errors import UnusableFileError


def answerable(confidence: float, rank: int | None = 0) -> Outcome:
    return Outcome(Query("q", frozenset({"a"})), rank, confidence)


def near(confidence: float) -> Outcome:
    return Outcome(Query("n", kind="near"), None, confidence)


def far(confidence: float) -> Outcome:
    return Outcome(Query("f", kind="far"), None, confidence)


MIXED = [
    answerable(0.9),
    answerable(0.8, rank=2),
    near(0.7),
    answerable(0.6),
    far(0.5),
    answerable(0.4, rank=None),
    answerable(0.3),
    far(0.1),
]


def test_all_measures_by_hand() -> None:
    measured = evaluate(MIXED, threshold=0.6)
    assert list(measured) == [
        "queries",
        "answerable",
        "partial",
        "recall_at_1",
        "recall_at_3",
        "mrr_at_10",
        "average_precision",
        "auroc",
        "auroc_near",
        "auroc_far",
        "coverage_at_precision",
        "shipped",
    ]
    assert (measured["queries"], measured["answerable"]) == (8, 5)
    assert measured["recall_at_1"] == pytest.approx(3 / 5)
    assert measured["recall_at_3"] == pytest.approx(4 / 5)
    assert measured["mrr_at_10"] == pytest.approx((1 + 1 / 3 + 1 + 0 + 1) / 5)
    assert measured["average_precision"] == pytest.approx((1 / 1 + 2 / 4 + 3 / 7) / 5)
    assert measured["auroc_near"] == pytest.approx(2 / 5)
    assert measured["auroc_far"] == pytest.approx((2 + 2 + 2 + 1 + 1) / 10)
    assert measured["auroc"] == pytest.approx((3 + 3 + 2 + 1 + 1) / 15)
    assert measured["coverage_at_precision"] == {
        "0.80": pytest.approx(1 / 5),
        "0.90": pytest.approx(1 / 5),
        "0.95": pytest.approx(1 / 5),
    }
    assert measured["shipped"] == {
        "threshold": 0.6,
        "precision": pytest.approx(2 / 4),
        "coverage": pytest.approx(2 / 5),
        "replies": 4,
        "far_reply_rate": 0,
        "near_reply_rate": 1,
    }


def test_a_mistake_may_lie_below_a_cut_off_that_still_holds() -> None:
    outcomes = [answerable(0.9), near(0.8), *(answerable(0.7 - n / 100) for n in range(8)), near(0.1)]
    assert coverage_at_precision(outcomes, 0.90) == pytest.approx(9 / 9)
    assert coverage_at_precision(outcomes, 0.95) == pytest.approx(1 / 9)


def test_the_same_confidence_is_one_cut_off_whatever_the_order() -> None:
    outcomes = [answerable(0.5), near(0.5)]
    for order in (outcomes, outcomes[::-1]):
        assert average_precision(order) == pytest.approx(0.5)
        assert coverage_at_precision(order, 0.8) == 0
        assert auroc(order, ("near",)) == pytest.approx(0.5)


def test_what_is_answered_in_part_counts_for_nothing() -> None:
    partial = [Outcome(Query("p", frozenset({"a"}), "partial"), rank, 1.0) for rank in (0, 1, None)]
    measured = evaluate([*partial, *MIXED, *partial], threshold=0.6)
    assert measured.pop("partial") == 6
    plain = evaluate(MIXED, threshold=0.6)
    assert plain.pop("partial") == 0
    assert measured == plain
    assert scored([*partial, *MIXED]) == MIXED


def test_what_is_never_volunteered_is_no_reply_however_sure() -> None:
    kinds = [answerable(1.0), answerable(1.0, rank=2), near(1.0), far(1.0)]
    silent = at_threshold([replace(outcome, silent=True) for outcome in kinds], 0.0)
    assert silent["replies"] == silent["coverage"] == silent["near_reply_rate"] == silent["far_reply_rate"] == 0
    assert at_threshold(kinds, 0.0)["replies"] == 4


def test_silence_is_precise() -> None:
    assert at_threshold([answerable(0.5), near(0.5)], 0.9) == {
        "threshold": 0.9,
        "precision": 1.0,
        "coverage": 0.0,
        "replies": 0,
        "far_reply_rate": 0.0,
        "near_reply_rate": 0.0,
    }


def test_nothing_to_measure() -> None:
    measured = evaluate([], 0.9)
    assert measured["recall_at_1"] == measured["average_precision"] == 0
    assert measured["auroc"] is measured["auroc_near"] is None
    assert evaluate([answerable(0.3)], 0.9)["auroc_far"] is None


def test_reliability_bins() -> None:
    table = reliability([answerable(0.05), near(0.02), answerable(0.95), answerable(1.0), far(0.99)])
    assert table[0] == pytest.approx((0.035, 0.5, 2))
    assert table[1] == pytest.approx(((0.95 + 1 + 0.99) / 3, 2 / 3, 3))
    assert len(table) == 2


def test_the_hardest_are_the_most_confident_mistakes() -> None:
    assert [outcome.confidence for outcome in hardest(MIXED, 3)] == [0.8, 0.7, 0.5]


def test_the_rank_is_of_the_first_relevant_record_among_ten() -> None:
    assert rank_of({"b", "c"}, ["a", "c", "b"]) == 1
    assert rank_of({"z"}, ["a"]) is None
    assert rank_of({"z"}, [*"abcdefghij", "z"]) is None


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_queries_from_jsonl(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "q.jsonl",
        '{"query": "VPN?", "relevant": ["1", "2"], "lang": "en"}\n\n'
        '{"query": "ランチ", "relevant": [], "kind": "far"}\n{"query": "別件"}\n'
        '{"query": "半分", "relevant": ["1"], "kind": "partial"}\n'
        '{"query": "半ば", "relevant": ["1"], "grade": "partial"}\n'
        '{"query": "全部", "relevant": ["1"], "grade": "full"}\n{"query": "無", "kind": "far", "grade": null}\n',
    )
    assert read_queries(path) == [
        Query("VPN?", frozenset({"1", "2"}), "answerable"),
        Query("ランチ", frozenset(), "far"),
        Query("別件", frozenset(), "near"),
        Query("半分", frozenset({"1"}), "partial"),
        Query("半ば", frozenset({"1"}), "partial"),
        Query("全部", frozenset({"1"}), "answerable"),
        Query("無", frozenset(), "far"),
    ]


def test_line_separators_within_a_query_end_no_row(tmp_path: Path) -> None:
    path = write(tmp_path, "q.jsonl", '{"query": "one\u2028two\x85three"}\r\n{"query": "four"}\r\n')
    assert [query.text for query in read_queries(path)] == ["one\u2028two\x85three", "four"]


def test_a_cell_that_is_too_long_for_the_csv_module_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "q.csv", f"query\n{'long ' * 300}\n")
    usual = csv.field_size_limit(1_000)
    try:
        with pytest.raises(UnusableFileError, match=r"q\.csv: .*field larger than field limit"):
            read_queries(path)
    finally:
        csv.field_size_limit(usual)


def test_grades_from_csv(tmp_path: Path) -> None:
    path = write(tmp_path, "q.csv", "query,relevant,grade\nVPN?,1,Partial\nWi-Fi?,2,full\n")
    assert [query.kind for query in read_queries(path)] == ["partial", "answerable"]


def test_queries_from_csv(tmp_path: Path) -> None:
    path = write(tmp_path, "q.csv", '\ufeff質問,Relevant,kind\n"VPN\nとは",1| 2,\nランチ,,far\n,,\n')
    assert read_queries(path) == [
        Query("VPN\nとは", frozenset({"1", "2"}), "answerable"),
        Query("ランチ", frozenset(), "far"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.jsonl", "", r"q\.jsonl: has no queries"),
        ("q.jsonl", "{}\n", r"q\.jsonl:1: query is missing or blank"),
        ("q.jsonl", '{"query": "a"}\nnonsense\n', r"q\.jsonl:2: not JSON"),
        ("q.jsonl", "[1]\n", r"q\.jsonl:1: expected an object"),
        ("q.jsonl", '{"query": "a", "kind": "odd"}\n', r"q\.jsonl:1: kind is 'odd'; it can be answerable, near, far"),
        ("q.jsonl", '{"query": "a", "relevant": 3}\n', r"q\.jsonl:1: relevant must be a list"),
        ("q.csv", "a,b\n1,2\n", r"q\.csv: no column of queries"),
        ("q.csv", "query,id\n ,2\n", r"q\.csv:2: query is missing or blank"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UnusableFileError, match=message):
        read_queries(write(tmp_path, name, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match=r"none\.jsonl: there is no such file"):
        read_queries(tmp_path / "none.jsonl")
