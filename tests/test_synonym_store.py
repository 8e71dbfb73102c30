"""Stored proposals and dismissals of synonyms: what is new, what stays dismissed, and when that ends."""

import time

import pytest
from sqlalchemy import select

from handlers.store.database import Database
from handlers.synonyms.store.synonyms import Synonyms, dismissed, proposed, purge, synonym_id
from indexes.synonym_mining.mining import Proposal

WLAN = Proposal("wlan\0wi-fi", ("WLAN", "wlans"), "Wi-Fi", (3, 5, 8), 2)
SCREEN = Proposal("スクリーン\0モニター", ("スクリーン",), "モニター", (13,), 1)


@pytest.fixture
def store(database: Database) -> Synonyms:
    return Synonyms(database)


def test_proposals_replace_the_earlier_ones_and_the_new_ones_are_told_apart(store: Synonyms) -> None:
    assert store.propose([WLAN]) == {synonym_id(WLAN.key)}
    assert store.propose([SCREEN, WLAN]) == {synonym_id(SCREEN.key)}
    assert [(each.said, each.known, each.votes, each.improved) for each in store.all()] == [
        (each.said, each.known, frozenset(each.questions), each.improved) for each in (SCREEN, WLAN)
    ]
    assert store.propose([]) == set()
    assert store.all() == []


def test_a_dismissed_pair_stays_away_as_long_as_it_is_found(database: Database, store: Synonyms) -> None:
    started = time.time()
    store.propose([WLAN, SCREEN])
    store.dismiss(synonym_id(WLAN.key), "U1")
    assert [each.known for each in store.all()] == ["モニター"]
    purge(database, started)
    assert store.propose([WLAN, SCREEN]) == set()
    purge(database, time.time() + 1)
    assert store.propose([WLAN, SCREEN]) == {synonym_id(WLAN.key)}


def test_finding_it_again_puts_the_end_off(database: Database, store: Synonyms) -> None:
    store.dismiss(synonym_id(WLAN.key), "U1")
    (before,) = database.read("read", select(dismissed.c.at)) or ()
    store.propose([WLAN])
    (after,) = database.read("read", select(dismissed.c.at)) or ()
    assert after.at > before.at


def test_of_a_dismissed_pair_no_word_is_kept(database: Database, store: Synonyms) -> None:
    store.propose([WLAN])
    store.dismiss(synonym_id(WLAN.key), "U1")
    rows = [*(database.read("read", select(dismissed)) or ()), *(database.read("read", select(proposed)) or ())]
    assert len(rows) == 1
    assert "wlan" not in str(rows).casefold()
