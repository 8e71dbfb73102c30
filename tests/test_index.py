from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.errors import SnapshotError
from indexes.records import Record
from indexes.retrieval.dense import FILE, DenseIndex, Sizes
from indexes.retrieval.index import DENSE_WEIGHT, SHARPNESS, Index, Question, passages
from indexes.retrieval.lexical import LexicalIndex
from indexes.retrieval.synonyms import Synonyms
from indexes.text import normalize

EAST = np.array([1, 0], dtype=np.float32)


def at(*degrees: float) -> NDArray[np.float32]:
    """Unit vectors at these angles from EAST, so that a cosine can be written down."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def owners(*rows: int) -> NDArray[np.int32]:
    return np.array(rows, dtype=np.int32)


def records(*questions: str) -> list[Record]:
    return [Record(id=f"r{n}", question=q, answer=f"answer {n}") for n, q in enumerate(questions)]


def asked(text: str, vector: NDArray[np.float32] | None = None) -> Question:
    return Question(text, normalize(text), vector)


def ids(index: Index, question: Question, top_k: int = 3) -> list[str]:
    return [hit.record.id for hit in index.search(question, top_k)]


def random_units(count: int, dimension: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def write(dense: DenseIndex, folder: Path) -> Path:
    for name, pour in dense.files().items():
        with (folder / name).open("wb") as file:
            pour(file.write)
    return folder / FILE


def test_passages_are_question_with_and_without_answer_and_aliases() -> None:
    row = Record(id="1", question="ＶＰＮ とは", answer="仮想網", aliases=("vpn って何",))
    assert passages(row, Synonyms()) == ("vpn とは", "vpn とは 仮想網", "vpn って何")


def test_passages_are_never_blank_nor_twice_the_same() -> None:
    assert passages(Record(id="1", question="VPN", answer=""), Synonyms()) == ("vpn",)
    assert passages(Record(id="1", question="", answer="VPN"), Synonyms()) == ("vpn",)


LONG = "最初に電源を入れます。" * 20 + "トナーはK-77を使います。" + "最後に蓋を閉めます。" * 20


def test_a_long_answer_is_embedded_in_parts() -> None:
    texts = passages(Record(id="1", question="複合機", answer=LONG), Synonyms())
    assert texts[0] == "複合機"
    assert all(text.startswith("複合機 ") and len(text) < 190 for text in texts[1:])
    assert "".join(text.removeprefix("複合機 ") for text in texts[1:]) == normalize(LONG)


def test_a_long_question_is_embedded_in_parts_and_leaves_room_for_the_answer() -> None:
    question = "".join(f"{number}回目の起動で止まります。" for number in range(40))
    texts = passages(
        Record(id="1", question=question, answer="電源を抜いてください。", aliases=("止まる",)), Synonyms()
    )
    assert "".join(texts[:-2]) == question
    assert texts[-2:] == ("電源を抜いてください。", "止まる")
    assert max(map(len, texts)) <= 180


def test_the_part_of_a_long_answer_that_matches_is_told() -> None:
    rows = [Record(id="1", question="複合機", answer=LONG), Record(id="2", question="机", answer="短い")]
    hits = Index("office", rows, Synonyms()).search(asked("複合機のトナーの型番"))
    assert "トナーはK-77を使います。" in hits[0].chunk
    assert hits[0].chunk in LONG
    assert len(hits[0].chunk) <= 180
    assert hits[1].chunk == ""


def test_dense_scores_are_cosines_and_the_best_passage_counts() -> None:
    dense = DenseIndex.build(at(80, 60, 10, 30), owners(0, 0, 1, 2))
    assert dense.cosines(EAST, np.array([0, 1, 2])) == pytest.approx(np.cos(np.radians([60, 10, 30])), abs=1e-6)
    assert dense.nearest(EAST, 2).tolist() == [1, 2]
    assert (len(dense), dense.dimension) == (4, 2)


def test_a_row_without_vectors_scores_zero() -> None:
    assert DenseIndex.build(at(0), owners(1)).cosines(EAST, np.array([0, 1])).tolist() == [0, 1]


def test_more_neighbours_than_there_are() -> None:
    assert DenseIndex.build(at(10, 20), owners(0, 1)).nearest(EAST, 50).tolist() == [0, 1]


def test_vectors_come_back_as_they_went_in(tmp_path: Path) -> None:
    vectors = random_units(20, 8)
    dense = DenseIndex.build(vectors, np.arange(20, dtype=np.int32))
    opened = DenseIndex.open(write(dense, tmp_path), np.arange(20, dtype=np.int32))
    assert np.array_equal(opened.vectors(np.array([7, 3])), vectors[[7, 3]])
    assert opened.nearest(vectors[5], 1).tolist() == [5]


def test_many_vectors_are_kept_at_half_precision(tmp_path: Path) -> None:
    vectors = random_units(50, 384)
    rows = np.arange(50, dtype=np.int32)
    path = write(DenseIndex.build(vectors, rows, Sizes(half=50)), tmp_path)
    opened = DenseIndex.open(path, rows)
    assert path.stat().st_size < 50 * 384 * 2 + 2_000
    every = np.arange(50)
    assert opened.cosines(vectors[3], every) == pytest.approx(vectors @ vectors[3], abs=1e-3)
    halves = opened.vectors(every)
    assert np.array_equal(DenseIndex.build(halves, rows, Sizes(half=50)).vectors(every), halves)


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.faiss"
    path.write_bytes(b"nonsense")
    with pytest.raises(SnapshotError, match=r"vectors\.faiss"):
        DenseIndex.open(path, owners(0))


def test_vectors_must_match_their_passages() -> None:
    with pytest.raises(SnapshotError, match="2 vectors for 1 passages"):
        DenseIndex.build(at(0, 1), owners(0))


def test_the_score_is_the_weighted_sum_of_both_halves() -> None:
    rows = records("red apple", "green pear", "blue sky")
    index = Index("fruit", rows, Synonyms(), DenseIndex.build(at(60, 0, 90), owners(0, 1, 2)))
    question = asked("red apple pie", EAST)
    lexical = LexicalIndex(rows, Synonyms()).query("red apple pie").score(np.arange(3)).total
    fused = DENSE_WEIGHT * np.array([0.5, 1, 0]) + (1 - DENSE_WEIGHT) * lexical
    hits = index.search(question)
    assert [hit.record.id for hit in hits] == [f"r{n}" for n in np.argsort(-fused)]
    assert [hit.score for hit in hits] == pytest.approx(sorted(fused, reverse=True), abs=1e-6)
    assert hits[0].dense == pytest.approx(1)
    assert hits[0].knowledge_base == "fruit"


def test_without_vectors_the_lexical_score_is_the_score() -> None:
    index = Index("fruit", records("red apple", "green pear"), Synonyms())
    for question in (asked("green pears, please"), asked("green pears, please", EAST)):
        hit = index.search(question)[0]
        assert (hit.record.id, hit.dense) == ("r1", None)
        assert hit.score == hit.lexical
    assert Index("fruit", records("x"), Synonyms()).search(asked("x"))[0].coverage == pytest.approx(1)


def test_vectors_can_come_later_and_share_the_rest() -> None:
    first = Index("fruit", records("red apple", "green pear"), Synonyms())
    later = first.with_dense(DenseIndex.build(at(0, 90), owners(0, 1)))
    assert first.dense is None
    assert later.records is first.records
    assert ids(later, asked("something", EAST)) == ["r0", "r1"]
    assert later.search(asked("something", EAST))[0].dense == pytest.approx(1)


@pytest.mark.parametrize("vector", [None, EAST, np.full_like(EAST, np.nan), np.full_like(EAST, np.inf)])
@pytest.mark.parametrize("question", ["", "apple", "zebra", "🎉", "?!"])
def test_as_many_hits_as_asked_for_whatever_is_asked(question: str, vector: NDArray[np.float32] | None) -> None:
    rows = records(*(f"apple {n}" for n in range(120)))
    for dense in (None, DenseIndex.build(at(*range(120)), np.arange(120, dtype=np.int32))):
        index = Index("many", rows, Synonyms(), dense)
        for top_k in (1, 3, 60, 120, 500):
            hits = index.search(asked(question, vector), top_k)
            assert len({hit.record.id for hit in hits}) == len(hits) == min(top_k, 120)
            scores = [hit.score for hit in hits]
            assert scores == sorted(scores, reverse=True)
            assert all(0 <= score <= 1 + 1e-6 for score in scores)


def test_of_equals_the_earlier_row_comes_first() -> None:
    index = Index("twins", records("same", "same", "same"), Synonyms(), DenseIndex.build(at(0, 0, 0), owners(0, 1, 2)))
    assert ids(index, asked("same", EAST)) == ["r0", "r1", "r2"]
    assert ids(index, asked("unheard", -EAST)) == ["r0", "r1", "r2"]


def test_the_rival_is_the_best_different_answer() -> None:
    rows = [
        Record(id="a", question="q", answer="Yes."),
        Record(id="b", question="q", answer="ＹＥＳ."),
        Record(id="c", question="q", answer="No."),
    ]
    index = Index("votes", rows, Synonyms(), DenseIndex.build(at(0, 10, 60), owners(0, 1, 2)))
    hits = index.search(asked("unrelated", EAST))
    assert [hit.record.id for hit in hits] == ["a", "b", "c"]
    scores = [hit.evidence.score for hit in hits]
    assert [hit.evidence.rival for hit in hits] == pytest.approx([scores[2], scores[2], scores[0]])


def test_rows_with_the_same_answer_support_each_other() -> None:
    rows = [Record(id=name, question="q", answer=answer) for name, answer in zip("abcd", "xyxz", strict=True)]
    index = Index("votes", rows, Synonyms(), DenseIndex.build(at(33, 30, 33, 90), owners(0, 1, 2, 3)))
    hits = index.search(asked("unrelated", EAST), 4)
    pair, single = DENSE_WEIGHT * np.cos(np.radians([33, 30]))
    assert [hit.record.id for hit in hits] == ["a", "c", "b", "d"]
    assert hits[0].evidence.score == pytest.approx(pair + np.log(2) / SHARPNESS, abs=1e-6)
    assert hits[2].evidence.score == pytest.approx(single, abs=1e-6)
    assert hits[0].evidence.agreement == pytest.approx(2 / 4)


def test_different_answers_come_before_the_same_one_again() -> None:
    rows = [Record(id=name, question="q", answer=answer) for name, answer in zip("abcd", "xxxy", strict=True)]
    index = Index("votes", rows, Synonyms(), DenseIndex.build(at(0, 5, 10, 50), owners(0, 1, 2, 3)))
    question = asked("unrelated", EAST)
    assert ids(index, question, 1) == ["a"]
    assert ids(index, question, 2) == ["a", "d"]
    assert ids(index, question, 3) == ["a", "b", "d"]


def test_evidence_by_hand() -> None:
    rows = records("red apple", "green apple", "blue sky")
    index = Index("fruit", rows, Synonyms(), DenseIndex.build(at(0, 60, 90), owners(0, 1, 2)))
    evidence = index.search(asked("red apple", EAST))[0].evidence
    assert evidence.background == pytest.approx((1 + 0.5 + 0) / 3)
    assert evidence.words == 2
    assert evidence.missing == pytest.approx(0)
    other = index.search(asked("red sky zzz", EAST))[0].evidence
    assert other.words == 3
    assert 0.2 < other.missing < 0.5


def test_records_without_answers_answer_differently() -> None:
    rows = [Record(id="a", question="one", answer=""), Record(id="b", question="two", answer="")]
    index = Index("titles", rows, Synonyms(), DenseIndex.build(at(0, 60), owners(0, 1)))
    assert index.search(asked("zzz", EAST))[0].evidence.rival == pytest.approx(DENSE_WEIGHT / 2, abs=1e-6)


def test_other_answers_are_looked_for_in_all_rows_but_each_is_read_once() -> None:
    answers = ["same"] * 66_000 + ["other"] * 4_000 + ["last"]
    rows = [Record(id=f"r{n}", question="q", answer=answer) for n, answer in enumerate(answers)]
    index = Index("many", rows, Synonyms())
    assert ids(index, asked("zebra")) == ["r0", "r66000", "r70000"]
    assert ids(index, asked("zebra"), 5) == ["r0", "r1", "r2", "r66000", "r70000"]


def test_search_agrees_with_brute_force() -> None:
    random = np.random.default_rng(3)
    pool = [
        "red",
        "green",
        "blue",
        "apple",
        "pear",
        "sky",
        "box",
        "shelf",
        "door",
        "window",
        "りんご",
        "経費",
        "精算",
        "パスワード",
    ]
    rows = records(*(" ".join(random.choice(pool, 4)) for _ in range(400)))
    vectors = random_units(800, 16, seed=4)
    index = Index("many", rows, Synonyms(), DenseIndex.build(vectors, np.repeat(np.arange(400, dtype=np.int32), 2)))
    lexical = LexicalIndex(rows, Synonyms())
    for number in range(20):
        text = " ".join(random.choice(pool, 3))
        vector = random_units(1, 16, seed=100 + number)[0]
        dense = np.clip((vectors @ vector).reshape(400, 2).max(axis=1), 0, 1)
        total = lexical.query(text, affordable=10**9).score(np.arange(400)).total
        fused = DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * total
        best = np.argsort(-fused, kind="stable")[:5]
        hits = index.search(asked(text, vector), 5)
        assert [hit.score for hit in hits] == pytest.approx(fused[best], abs=1e-5)
