"""What people confirmed, what was learned of it, and what is still unanswered."""

import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.questions import AskedQuestion, FoundHit, Origin, Questions
from indexes.retrieval.learned_aliases import LearnedAlias

HIT = FoundHit("it-help", "vpn", 0.4, 0.3)
MISSED = AskedQuestion(Origin.SEARCH, "C1", "U1", "VPNが遅い", (HIT,), 0.3, 0.9, answered=False)
ANSWERED = replace(MISSED, confidence=0.95, answered=True)
OPINION = AliasVote("U1", 1, "VPNが遅い？", "it-help", "vpn", agrees=True)
LEARNT = StoredAlias("it-help", "vpn", "VPNにつながりません。", "vpnが遅い", "VPNが遅い", ("U1", "U2"), "kotae")


def note(database: Database, question: AskedQuestion = MISSED) -> int:
    number = Questions(database).add(question)
    assert number
    return number


def still_open(database: Database, *, hidden: bool = False, limit: int = 100) -> list[int]:
    return [miss.id for miss in Misses(database).open(0, limit) if miss.hidden is hidden]


# Misses


def test_a_question_without_a_confident_answer_is_a_miss(database: Database) -> None:
    before = time.time()
    number = note(database)
    note(database, ANSWERED)
    [miss] = Misses(database).open(0, 100)
    assert (miss.id, miss.text, miss.closest, miss.reported, miss.hidden) == (number, "VPNが遅い", HIT, False, False)
    assert (miss.source, miss.channel, miss.user) == ("search", "C1", "U1")
    assert before <= miss.at <= time.time()
    assert Misses(database).open(time.time(), 100) == []


def test_misses_are_newest_first_and_bounded(database: Database) -> None:
    numbers = [note(database, replace(MISSED, hits=())) for _ in range(4)]
    assert still_open(database, limit=3) == numbers[:0:-1]


def test_what_somebody_liked_or_confirmed_is_no_miss(database: Database) -> None:
    liked, confirmed, doubted, disliked = (note(database) for _ in range(4))
    Questions(database).vote(liked, "U1", "helpful")
    AliasVotes(database).add(replace(OPINION, question=confirmed))
    AliasVotes(database).add(replace(OPINION, question=doubted, agrees=False))
    Questions(database).vote(disliked, "U1", "unhelpful")
    assert still_open(database) == [disliked, doubted]


def test_an_answer_that_was_not_it_is_a_miss_until_the_report_is_withdrawn(database: Database) -> None:
    number = note(database, ANSWERED)
    Questions(database).vote(number, "U2", "helpful")
    Misses(database).report(number, "U1", "")
    Misses(database).report(number, "U1", "out of date")
    Misses(database).report(number, "U3", "out of date")
    assert [miss.reported for miss in Misses(database).open(0, 100)] == [True]
    assert Misses(database).reasons([number]) == ["out of date"]
    Misses(database).withdraw(number, "U1")
    assert still_open(database) == [number]
    Misses(database).withdraw(number, "U3")
    assert still_open(database) == []


def test_closing_and_putting_off(database: Database) -> None:
    answered, nothing, later, past = numbers = [note(database) for _ in range(4)]
    Misses(database).close(answered, "answered", "U9")
    Misses(database).close_all([nothing], "not_a_question", "U9")
    Misses(database).close_all([later, later], "later", "U9", until=time.time() + 60)
    Misses(database).close_all([past], "later", "U9", until=time.time() - 1)
    assert still_open(database) == [past]
    assert still_open(database, hidden=True) == [later, nothing]
    Misses(database).close_all(numbers, "answered", "U9")
    assert Misses(database).open(0, 100) == []


# Confirmations


def test_a_person_has_one_opinion_per_reply(database: Database) -> None:
    AliasVotes(database).add(OPINION)
    AliasVotes(database).add(replace(OPINION, agrees=False))
    AliasVotes(database).add(replace(OPINION, question=2, phrasing="ＶＰＮが遅い"))
    assert [(each.question, each.agrees) for each in AliasVotes(database).about(["vpnが遅い", "other"])] == [
        (2, True),
        (1, False),
    ]
    assert [each.question for each in AliasVotes(database).recent()] == [2]
    mine = AliasVotes(database).by(1, "U1")
    assert mine
    assert (mine.target, mine.agrees) == (("it-help", "vpn"), False)


# Learned phrasings


def test_a_phrasing_is_learned_once_undone_once_and_learned_again(database: Database) -> None:
    assert LearnedAliases(database).add(LEARNT)
    assert not LearnedAliases(database).add(replace(LEARNT, by="U9"))
    assert LearnedAliases(database).aliases() == {
        "it-help": [LearnedAlias("vpn", "VPNにつながりません。", "VPNが遅い")]
    }
    undone = LearnedAliases(database).undo(LEARNT.id, "U9")
    assert undone
    assert (undone.undone_by, undone.voters) == ("U9", ("U1", "U2"))
    assert LearnedAliases(database).undo(LEARNT.id, "U9") is None
    assert (
        LearnedAliases(database).aliases(),
        LearnedAliases(database).newest(9),
        LearnedAliases(database).count(),
    ) == ({}, [], 0)
    assert [each.undone_by for each in LearnedAliases(database).having(["vpnが遅い"])] == ["U9"]
    assert LearnedAliases(database).add(replace(LEARNT, by="U9"))
    assert [each.by for each in LearnedAliases(database).newest(9)] == ["U9"]


def test_the_newest_phrasing_is_first(database: Database) -> None:
    for key in "abc":
        LearnedAliases(database).add(replace(LEARNT, key=key))
    assert [each.key for each in LearnedAliases(database).newest(2)] == ["c", "b"]
    assert [each.key for each in LearnedAliases(database).newest(2, offset=2)] == ["a"]
    assert LearnedAliases(database).count() == 3


@pytest.mark.sqlite("its file is locked as a whole; a server that is gone: test_postgres_failures")
def test_without_the_database_nothing_is_learned_unnoticed(database: Database, file: Path) -> None:
    LearnedAliases(database).add(LEARNT)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="The phrasing was not learned: the state database can't be written"):
        LearnedAliases(database).add(replace(LEARNT, key="other"))
    with pytest.raises(StoreError, match="The phrasing was not undone"):
        LearnedAliases(database).undo(LEARNT.id, "U9")
    holder.close()
    assert LearnedAliases(database).count() == 1


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
def test_aliases_that_can_not_be_read_are_none_rather_than_nothing(database: Database, file: Path) -> None:
    file.unlink()
    assert LearnedAliases(database).aliases() is None
    assert Misses(database).open(0, 10) == []
    assert AliasVotes(database).recent() == []


def test_a_reason_once_given_is_not_lost_to_a_report_without_one(database: Database) -> None:
    """The form that asks why is open before the vote itself is noted: its answer may come first."""
    Misses(database).report(1, "U1", "")
    Misses(database).report(1, "U1", "outdated")
    Misses(database).report(1, "U1", "")
    assert Misses(database).reasons([1]) == ["outdated"]
    Misses(database).report(1, "U1", "unclear")
    assert Misses(database).reasons([1]) == ["unclear"]
    Misses(database).withdraw(1, "U1")
    assert Misses(database).reasons([1]) == []
