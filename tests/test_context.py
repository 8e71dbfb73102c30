"""What a thread is about, and whether a question is searched for together with that."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from handlers.store.questions import AskedQuestion, FoundHit, Origin, Turn
from handlers.threads.context import JOINT, SHORT, given, is_new, search_in_context, topic
from indexes import FaissSearch
from indexes.registry import Answer
from tests.sets.finding import sets
from tests.sets.follow_ups import leaning

SETS = Path(__file__).parent / "sets"
VPN, MAC = "How do I connect to the VPN?", "and on a Mac?"
ROWS = f"""\
id,question,answer
vpn,{VPN},Open the client.
mac,How do I connect to the VPN on a Mac?,Use the network settings.
desk,Where is the lost property desk?,On the ground floor.
"""


def turn(text: str, record: str = "vpn") -> Turn:
    hits = (FoundHit("kb", record, 1.0, 0.95),)
    return Turn("1.0", "2.0", AskedQuestion(Origin.MENTION, "C1", "U1", text, hits, 0.95, 0.9, answered=True))


@pytest.fixture
def search(tmp_path: Path) -> Callable[[str, int], Answer]:
    """Searching three rows by words."""
    (tmp_path / "kb.csv").write_text(ROWS, encoding="utf-8")
    return FaissSearch(tmp_path / "kb.csv", None, data_dir=tmp_path / "data").answer


def first(answer: Answer) -> str:
    return answer.hits[0].record.id


@pytest.mark.parametrize(
    ("asked", "about"),
    [
        ([], ""),
        ([VPN], VPN),
        ([VPN, f"{VPN}{JOINT}{MAC}"], VPN),
        ([VPN, f"{VPN}{JOINT}{MAC}", f"{VPN}{JOINT}and on an iPhone?"], VPN),
        ([VPN, "Where is the desk?"], "Where is the desk?"),
        ([VPN, "Where is the desk?", f"Where is the desk?{JOINT}and the lift?"], "Where is the desk?"),
        (["x" * 900], "x" * 500),
    ],
)
def test_a_thread_is_about_what_was_last_asked_alone(asked: list[str], about: str) -> None:
    assert topic([turn(text) for text in asked]) == about


def test_what_was_given_is_no_news() -> None:
    assert given([turn(VPN), turn(MAC, "mac")]) == {("kb", "vpn"), ("kb", "mac")}


@pytest.mark.parametrize(
    ("said", "about", "found", "searched"),
    [
        ("and on a Mac?", VPN, "mac", f"{VPN}{JOINT}and on a Mac?"),
        ("and then?", VPN, "mac", f"{VPN}{JOINT}and then?"),
        ("and on a Mac?", "", "mac", "and on a Mac?"),
        ("Where is the lost property desk?", VPN, "desk", "Where is the lost property desk?"),
        (VPN, VPN, "vpn", VPN),
    ],
)
def test_only_a_short_question_that_finds_nothing_sure_leans_on_the_thread(
    search: Callable[[str, int], Answer], said: str, about: str, found: str, searched: str
) -> None:
    answer = search_in_context(search, about, said, {("kb", "vpn")})
    assert (first(answer), answer.question.text) == (found, searched)
    assert len(answer.hits) <= 3


def test_what_was_given_before_comes_last_and_is_not_new(search: Callable[[str, int], Answer]) -> None:
    answer = search_in_context(search, VPN, "and then?", {("kb", "vpn"), ("kb", "mac"), ("kb", "desk")})
    assert not is_new(answer, {("kb", "vpn"), ("kb", "mac"), ("kb", "desk")})
    assert is_new(answer, {("kb", "desk")})


def test_the_follow_ups_of_the_sets_name_rows_that_there_are_and_most_are_found_better(tmp_path: Path) -> None:
    right: Mapping[str, list[int]] = {"alone": [], "in thread": []}
    for name, knowledge_base, queries in sets(SETS):
        with FaissSearch(knowledge_base, None, data_dir=tmp_path / name) as searching:
            ids = {record.id for record in searching.index.records}
            for each in leaning(queries.parent):
                assert each.relevant <= ids, each
                already = {(searching.name, hit.record.id) for hit in searching.answer(each.question, 1).hits}
                if each.relevant and len(each.said.encode()) <= SHORT:
                    together = search_in_context(searching.answer, each.question, each.said, already)
                    right["alone"].append(first(searching.answer(each.said)) in each.relevant)
                    right["in thread"].append(first(together) in each.relevant)
    assert sum(right["in thread"]) > sum(right["alone"])
