"""When somebody is asked back, and by which labels rows are told apart."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from indexes import FaissSearch
from indexes.clarification.clarification import clarification
from indexes.clarification.closeness import NOT_CLOSE, REMEMBERED, SHARE, USUAL, closeness, is_among_closest
from indexes.clarification.labels import LABEL, labels
from indexes.clarification.measuring import measure
from indexes.confidence.evaluation import Query
from indexes.records import Record


def asking(*questions: str) -> list[Record]:
    return [Record(str(place), question, f"Answer {place}") for place, question in enumerate(questions)]


def told_apart(question: str, records: Sequence[Record]) -> tuple[str, ...]:
    found = labels(question, records)
    assert len(set(found)) == len(found)
    assert all(0 < len(label) <= LABEL for label in found)
    return found


def test_a_column_tells_rows_apart() -> None:
    rows = [Record(name, "How to install?", name, details={"Since": "2026", "OS": name}) for name in ("Windows", "Mac")]
    assert told_apart("install", rows) == ("Windows", "Mac")


def test_a_category_does() -> None:
    rows = [Record(name, f"{name} lost", name, category=name) for name in ("Badge", "Key")]
    assert told_apart("i lost it", rows) == ("Badge", "Key")


@pytest.mark.parametrize("cell", ["", "https://example.com/a", "2026-04-01", "a" * 31, "Mac"])
def test_a_column_that_is_blank_or_long_or_said_already_does_not(cell: str) -> None:
    rows = [Record("1", "Reset the badge", "a", category=cell), Record("2", "Order a key", "b", category="Windows")]
    assert told_apart("help with my mac", rows) == ("Reset", "Order")


def test_words_that_only_one_question_has_do() -> None:
    rows = asking("How do I set up the VPN on Windows?", "How do I set up the VPN on a Mac?", "VPN on an iPhone?")
    assert told_apart("set up vpn", rows) == ("Windows", "Mac", "iPhone")


def test_a_japanese_verb_is_shown_with_its_ending() -> None:
    rows = asking("パスワードを忘れました。", "パスワードの有効期限は？", "パスワードを変えたいのですが")
    assert told_apart("パスワード", rows) == ("忘れました", "有効期限", "変えたい")


def test_a_word_within_another_does_not_tell_them_apart() -> None:
    rows = asking("休暇の申請", "有給休暇の申請")
    assert told_apart("申請", rows) == ("休暇の申請", "有給休暇の申請")


def test_questions_that_begin_alike_are_told_apart_by_what_follows() -> None:
    rooms = "Who may use the meeting rooms on the third floor"
    rows = asking(f"{rooms} up", f"{rooms} in and out")
    assert told_apart("rooms", rows) == ("…up", "…in and out")


def test_where_questions_are_the_same_answers_tell_them_apart() -> None:
    rows = [Record("1", "梅雨", "5月から7月の雨です。"), Record("2", "梅雨", "期間を梅雨入りと呼びます。")]
    assert told_apart("梅雨とは", rows) == ("5月から7月の雨です。", "期間を梅雨入りと呼びます。")


def test_rows_that_are_the_same_have_no_labels() -> None:
    assert labels("x", [Record("1", "Same?", "Same."), Record("2", "Same?", "Same.")]) == ()


def test_as_close_as_before_is_answered_as_before() -> None:
    close = closeness(0.8, 0.79)
    assert is_among_closest(close, [NOT_CLOSE] * REMEMBERED)
    assert is_among_closest(close, [close] * REMEMBERED)
    assert not is_among_closest(close, [close + 0.1] * REMEMBERED)


def test_at_most_a_quarter_is_asked_back_whatever_the_scale_of_the_scores() -> None:
    for scale in (0.01, 1.0, 100.0):
        recent: list[float] = []
        asked = 0
        for place in range(1000):
            close = scale * (1 + place * 7919 % 1000)
            asked += place >= REMEMBERED and is_among_closest(close, recent, [])
            recent = [close, *recent]
        assert asked / (1000 - REMEMBERED) == pytest.approx(SHARE, abs=0.03)


def test_the_usual_closeness_stands_in_for_the_first_questions() -> None:
    assert is_among_closest(max(USUAL) + 0.01, [])
    assert not is_among_closest(sorted(USUAL)[len(USUAL) // 2], [])


@pytest.fixture
def systems(tmp_path: Path) -> Path:
    rows = "".join(f"{name},How do I set up the VPN?,On {name} so.,{name}\n" for name in ("Windows", "Mac", "iPhone"))
    (tmp_path / "it.csv").write_text(f"id,question,answer,OS\n{rows}print,How do I print?,So.,\n", "utf-8")
    return tmp_path / "it.csv"


def test_the_closest_rows_are_asked_about(systems: Path) -> None:
    with FaissSearch(systems, None, data_dir=systems.parent) as searching:
        back = clarification(searching.answer("set up vpn please"), 0.9, [])
        assert back
        assert set(back.labels) == {"Windows", "Mac", "iPhone"}
        assert [hit.record.id for hit in back.hits] == list(back.labels)
        assert clarification(searching.answer("How do I print?"), 0.9, []) is None


def test_a_press_finds_what_came_second(systems: Path) -> None:
    queries = [Query("set up vpn please", frozenset({name})) for name in ("Windows", "Mac", "iPhone")]
    with FaissSearch(systems, None, data_dir=systems.parent) as searching:
        asked = measure(queries, [searching.answer(query.text) for query in queries], 0.9)
    assert asked.first == pytest.approx(1 / 3)
    assert asked.after_one_press == asked.among_five == 1
    assert asked.wanted == pytest.approx(1 / 3 + 0.4 * 2 / 3)
    assert asked.asked_back == 1


def test_five_are_offered_at_most_however_many_hits_are_wanted(tmp_path: Path) -> None:
    rows = "".join(f"{place},How is part {name} set up?,So {name}.\n" for place, name in enumerate("abcdefghijkl"))
    (tmp_path / "it.csv").write_text(f"id,question,answer\n{rows}", "utf-8")
    with FaissSearch(tmp_path / "it.csv", None, data_dir=tmp_path) as searching:
        for wanted in (1, 3, 10):
            answer = searching.answer("how is a part set up", wanted)
            assert len(answer.hits) == wanted
            assert len(answer.candidates) == 5
            assert [hit.record.id for hit in answer.candidates] == [
                hit.record.id for hit in searching.answer("how is a part set up", 5).hits
            ]
