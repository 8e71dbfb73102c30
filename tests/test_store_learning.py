"""What people confirmed, what was learned of it, and what is still unanswered."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.store import Journal, JournalError, Noted, NotedHit, Opinion, Origin, Phrasing, open_journal
from indexes.retrieval.learned_aliases import LearnedAlias

HIT = NotedHit("it-help", "vpn", 0.4, 0.3)
MISSED = Noted(Origin.SEARCH, "C1", "U1", "VPNが遅い", (HIT,), 0.3, 0.9, answered=False)
ANSWERED = replace(MISSED, confidence=0.95, answered=True)
OPINION = Opinion("U1", 1, "VPNが遅い？", "it-help", "vpn", agrees=True)
LEARNT = Phrasing("it-help", "vpn", "VPNにつながりません。", "vpnが遅い", "VPNが遅い", ("U1", "U2"), "kotae")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = open_journal(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()


def note(journal: Journal, question: Noted = MISSED) -> int:
    number = journal.note(question)
    assert number
    return number


def still_open(journal: Journal, *, hidden: bool = False, limit: int = 100) -> list[int]:
    return [miss.id for miss in journal.misses.open(0, limit) if miss.hidden is hidden]


# Misses


def test_a_question_without_a_confident_answer_is_a_miss(journal: Journal) -> None:
    before = time.time()
    number = note(journal)
    note(journal, ANSWERED)
    [miss] = journal.misses.open(0, 100)
    assert (miss.id, miss.text, miss.closest, miss.reported, miss.hidden) == (number, "VPNが遅い", HIT, False, False)
    assert (miss.source, miss.channel, miss.user) == ("search", "C1", "U1")
    assert before <= miss.at <= time.time()
    assert journal.misses.open(time.time(), 100) == []


def test_misses_are_newest_first_and_bounded(journal: Journal) -> None:
    numbers = [note(journal, replace(MISSED, hits=())) for _ in range(4)]
    assert still_open(journal, limit=3) == numbers[:0:-1]


def test_what_somebody_liked_or_confirmed_is_no_miss(journal: Journal) -> None:
    liked, confirmed, doubted, disliked = (note(journal) for _ in range(4))
    journal.vote(liked, "U1", "helpful")
    journal.confirmations.add(replace(OPINION, question=confirmed))
    journal.confirmations.add(replace(OPINION, question=doubted, agrees=False))
    journal.vote(disliked, "U1", "unhelpful")
    assert still_open(journal) == [disliked, doubted]


def test_an_answer_that_was_not_it_is_a_miss_until_the_report_is_withdrawn(journal: Journal) -> None:
    number = note(journal, ANSWERED)
    journal.vote(number, "U2", "helpful")
    journal.misses.report(number, "U1", "")
    journal.misses.report(number, "U1", "out of date")
    journal.misses.report(number, "U3", "out of date")
    assert [miss.reported for miss in journal.misses.open(0, 100)] == [True]
    assert journal.misses.reasons([number]) == ["out of date"]
    journal.misses.withdraw(number, "U1")
    assert still_open(journal) == [number]
    journal.misses.withdraw(number, "U3")
    assert still_open(journal) == []


def test_closing_and_putting_off(journal: Journal) -> None:
    answered, nothing, later, past = numbers = [note(journal) for _ in range(4)]
    journal.misses.close(answered, "answered", "U9")
    journal.misses.close_all([nothing], "not_a_question", "U9")
    journal.misses.close_all([later, later], "later", "U9", until=time.time() + 60)
    journal.misses.close_all([past], "later", "U9", until=time.time() - 1)
    assert still_open(journal) == [past]
    assert still_open(journal, hidden=True) == [later, nothing]
    journal.misses.close_all(numbers, "answered", "U9")
    assert journal.misses.open(0, 100) == []


# Confirmations


def test_a_person_has_one_opinion_per_reply(journal: Journal) -> None:
    journal.confirmations.add(OPINION)
    journal.confirmations.add(replace(OPINION, agrees=False))
    journal.confirmations.add(replace(OPINION, question=2, phrasing="ＶＰＮが遅い"))
    assert [(each.question, each.agrees) for each in journal.confirmations.about(["vpnが遅い", "other"])] == [
        (2, True),
        (1, False),
    ]
    assert [each.question for each in journal.confirmations.recent()] == [2]
    mine = journal.confirmations.by(1, "U1")
    assert mine
    assert (mine.target, mine.agrees) == (("it-help", "vpn"), False)
    journal.confirmations.withdraw(1, "U1")
    assert journal.confirmations.by(1, "U1") is None


# Learned phrasings


def test_a_phrasing_is_learned_once_undone_once_and_learned_again(journal: Journal) -> None:
    assert journal.learned.learn(LEARNT)
    assert not journal.learned.learn(replace(LEARNT, by="U9"))
    assert journal.learned.aliases() == {"it-help": [LearnedAlias("vpn", "VPNにつながりません。", "VPNが遅い")]}
    undone = journal.learned.undo(LEARNT.id, "U9")
    assert undone
    assert (undone.undone_by, undone.voters) == ("U9", ("U1", "U2"))
    assert journal.learned.undo(LEARNT.id, "U9") is None
    assert (journal.learned.aliases(), journal.learned.newest(9), journal.learned.count()) == ({}, [], 0)
    assert [each.undone_by for each in journal.learned.having(["vpnが遅い"])] == ["U9"]
    assert journal.learned.learn(replace(LEARNT, by="U9"))
    assert [each.by for each in journal.learned.newest(9)] == ["U9"]


def test_the_newest_phrasing_is_first(journal: Journal) -> None:
    for key in "abc":
        journal.learned.learn(replace(LEARNT, key=key))
    assert [each.key for each in journal.learned.newest(2)] == ["c", "b"]
    assert [each.key for each in journal.learned.newest(2, offset=2)] == ["a"]
    assert journal.learned.count() == 3


def test_without_the_database_nothing_is_learned_unnoticed(journal: Journal, tmp_path: Path) -> None:
    journal.learned.learn(LEARNT)
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="The phrasing was not learned: the state database can't be written"):
        journal.learned.learn(replace(LEARNT, key="other"))
    with pytest.raises(JournalError, match="The phrasing was not undone"):
        journal.learned.undo(LEARNT.id, "U9")
    holder.close()
    assert journal.learned.count() == 1


def test_aliases_that_can_not_be_read_are_none_rather_than_nothing(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "state.db").unlink()
    assert journal.learned.aliases() is None
    assert journal.misses.open(0, 10) == []
    assert journal.confirmations.recent() == []


def test_a_reason_once_given_is_not_lost_to_a_report_without_one(journal: Journal) -> None:
    """The form that asks why is open before the vote itself is noted: its answer may come first."""
    journal.misses.report(1, "U1", "")
    journal.misses.report(1, "U1", "outdated")
    journal.misses.report(1, "U1", "")
    assert journal.misses.reasons([1]) == ["outdated"]
    journal.misses.report(1, "U1", "unclear")
    assert journal.misses.reasons([1]) == ["unclear"]
    journal.misses.withdraw(1, "U1")
    assert journal.misses.reasons([1]) == []
