"""What is too old goes, word for word, also from the files; what is counted, open or waiting stays."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.learning.misses import looks_like_a_question
from handlers.store import (
    Journal,
    Noted,
    NotedHit,
    Opinion,
    Origin,
    Phrasing,
    Proposal,
    Publication,
    Reply,
    open_journal,
)
from handlers.store.migrations import copy_of
from handlers.texts import ENGLISH
from indexes.messages import Translatable
from tests.former import former_database

DAY = 24 * 3600
WORDS, WHO = "CANARYTEXT のことで困っています。教えてください", "U0CANARY01"
HIT = NotedHit("it-help", "vpn", 0.9, 0.95, 0.9)
ASKED = Noted(Origin.SEARCH, "C1", WHO, WORDS, (HIT,), 0.95, 0.9, answered=True)
MISSED = replace(ASKED, confidence=0.3, answered=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def journal(file: Path) -> Iterator[Journal]:
    opened = open_journal(f"sqlite:///{file}")
    yield opened
    opened.close()


def note(journal: Journal, question: Noted = ASKED) -> Any:
    number = journal.note(question)
    assert number
    return number


def age(file: Path, days: float = 100) -> None:
    """Let everything that is there have happened so long before."""
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("PRAGMA secure_delete=ON")
        for table in ("questions", "votes", "reports", "confirmations", "learned", "closings", "audit", "proposals"):
            raw.execute(f"UPDATE {table} SET at = at - {days * DAY}")
        raw.execute(f"UPDATE proposals SET decided_at = decided_at - {days * DAY} WHERE decided_at > 0")
        raw.execute(f"UPDATE closings SET until = until - {days * DAY}")


def audited_before(file: Path, action: str, outcome: str) -> None:
    """Write into the audit log as earlier versions did."""
    with closing(sqlite3.connect(file)) as raw, raw:
        row = (time.time(), action, outcome)
        raw.execute("INSERT INTO audit (at, user, channel, action, outcome) VALUES (?, 'U0ADMIN', 'C1', ?, ?)", row)


def purge(journal: Journal, days: int = 90) -> list[int]:
    now = time.time()
    return list(journal.retention.purge(now - days * DAY, now - 365 * DAY, looks_like_a_question))


def found(folder: Path, *words: str, regular: bool = False) -> list[str]:
    """The files in which any of the words stands.

    Looked for by another process: closing a database's file would end the locks that SQLite has on it in this one.
    """
    wanted = [part for word in words for part in ("-e", word)]
    done = subprocess.run(
        ["grep", "-rla" if regular else "-rlaF", *wanted, folder], capture_output=True, text=True, check=False
    )
    assert done.returncode < 2, done.stderr
    return [Path(line).name for line in done.stdout.splitlines()]


def everything(journal: Journal) -> None:
    """Let somebody leave words and their id wherever they can."""
    for number in range(30):
        question = note(journal, replace(ASKED, text=f"{WORDS} {number} " + "あ" * number * 20))
        journal.vote(question, WHO, "helpful")
        journal.voices.hear(question, WHO, "helpful")
        journal.remember_reply("C1", f"{number}.0", Reply("2.0", question, Origin.MENTION))
        journal.confirmations.add(Opinion(WHO, question, WORDS, "it-help", "vpn", agrees=True))
        with journal.publications.only_once(question, "ask", Publication("C1", WHO, (WHO,))):
            pass
    closed = note(journal, MISSED)
    journal.misses.report(closed, WHO, WORDS)
    journal.misses.close(closed, "answered", WHO)
    dismissed = note(journal, MISSED)
    journal.misses.close(dismissed, "not_a_question", WHO)
    journal.record("U0ADMIN", "C1", Translatable("audit.miss.not_a_question", question=WORDS))
    votes = Translatable("audit.votes", people=(WHO,))
    journal.record("kotae", "", Translatable("audit.learn", name="it-help", id="vpn", phrasing="vpn", votes=votes))
    journal.learned.learn(Phrasing("it-help", "vpn", "VPN", "vpn", "vpn", (WHO,), "kotae"))
    decided = journal.proposals.add(Proposal(WHO, "it-help", {"question": WORDS}))
    journal.proposals.claim(decided, "U0ADMIN")
    journal.proposals.settle(decided, "declined", WORDS)


def test_what_is_old_is_gone_from_the_files_and_still_counted(journal: Journal, file: Path) -> None:
    everything(journal)
    audited_before(file, "miss not_a_question", WORDS)
    audited_before(file, "learn", f"it-help vpn: vpn; votes: {WHO}")
    assert found(file.parent, "CANARYTEXT", WHO)
    age(file)
    overview, often = journal.statistics.overview(365), journal.most_asked(["it-help"], 365)
    judged = journal.voices.judged()
    assert overview.total.helpful == overview.total.answered == 30
    assert journal.retention.has_older(time.time() - 90 * DAY)
    assert sum(purge(journal)) > 60
    assert found(file.parent, "CANARYTEXT", WHO) == []
    assert journal.statistics.overview(365) == overview
    assert journal.most_asked(["it-help"], 365) == often
    assert journal.voices.judged() == judged
    assert [each.phrasing for each in journal.learned.newest(9)] == ["vpn"]
    assert [ENGLISH.say(each.done) for each in journal.audited()] == [
        "*learn* · it-help vpn: vpn",
        "*miss not_a_question* · ",
        "*learn* · it-help vpn: vpn",
        "*not a question* · ",
    ]
    assert not journal.retention.has_older(time.time() - 90 * DAY)
    assert purge(journal) == []


def test_what_is_young_stays(journal: Journal, file: Path) -> None:
    everything(journal)
    age(file, 89)
    with closing(sqlite3.connect(file)) as raw:
        before = list(raw.iterdump())
    assert purge(journal) == []
    with closing(sqlite3.connect(file)) as raw:
        assert list(raw.iterdump()) == before


def test_an_old_question_is_nobodys_any_more(journal: Journal, file: Path) -> None:
    question = note(journal)
    journal.vote(question, WHO, "helpful")
    journal.vote(question, "U2", "unhelpful")
    journal.remember_reply("C1", "1.0", Reply("2.0", question, Origin.MENTION))
    age(file)
    purge(journal)
    assert journal.noted(question) is None
    assert journal.reply_to("C1", "1.0") is None
    assert sorted(journal.votes(question).values()) == ["helpful", "unhelpful"]
    assert not {WHO, "U2"} & set(journal.votes(question))


def test_open_misses_and_waiting_proposals_stay_as_they_were(journal: Journal, file: Path) -> None:
    asked = note(journal, MISSED)
    reported = note(journal)
    journal.misses.report(reported, WHO, "out of date")
    put_off = note(journal, MISSED)
    journal.misses.close_all([put_off], "later", "U9", until=time.time() + 200 * DAY)
    overheard = note(journal, replace(MISSED, source=Origin.AUTO_REPLY))
    chatter = note(journal, replace(MISSED, source=Origin.AUTO_REPLY, text="CANARYTEXT おはようございます"))
    waiting = journal.proposals.add(Proposal(WHO, "it-help", {"question": WORDS}))
    age(file)
    before = journal.misses.open(0, 100)
    purge(journal)
    assert [each for each in journal.misses.open(0, 100) if each in before] == journal.misses.open(0, 100)
    assert {each.id for each in journal.misses.open(0, 100)} == {asked, reported, put_off}
    assert [each.id for each in journal.misses.open(0, 100, sources={Origin.AUTO_REPLY})] == [overheard]
    assert journal.noted(chatter) is None
    assert journal.misses.reasons([reported]) == ["out of date"]
    assert [each.id for each in journal.proposals.waiting()] == [waiting]
    journal.misses.close(asked, "answered", "U9")
    purge(journal)
    assert journal.noted(asked) is None
    age(file, 300)
    purge(journal)
    assert journal.misses.open(0, 100) == []


def test_what_was_confirmed_or_liked_is_no_miss_again(journal: Journal, file: Path) -> None:
    liked, confirmed = note(journal, MISSED), note(journal, MISSED)
    journal.vote(liked, WHO, "hit_2")
    journal.confirmations.add(Opinion(WHO, confirmed, WORDS, "it-help", "vpn", agrees=True))
    age(file)
    purge(journal)
    assert journal.misses.open(0, 100) == []
    assert found(file.parent, "CANARYTEXT", WHO) == []


def test_a_rehearsal_counts_as_before(journal: Journal, file: Path) -> None:
    held_back = note(journal, replace(ASKED, source=Origin.SHADOW))
    journal.vote(held_back, WHO, "right")
    age(file)
    before = journal.statistics.rehearsal("C1", 365)
    purge(journal)
    assert journal.statistics.rehearsal("C1", 365) == before
    assert before.judged == before.right == 1


def test_it_goes_in_small_steps_in_which_others_write(journal: Journal, file: Path) -> None:
    with closing(sqlite3.connect(file)) as raw, raw:
        columns = "at, source, channel, user, text, hits, confidence, threshold, answered"
        rows = [(1.0, WHO, WORDS)] * 5_000
        raw.executemany(f"INSERT INTO questions ({columns}) VALUES (?, 'dm', 'D1', ?, ?, '[]', 0.9, 0.5, 1)", rows)
    longest = 0.0
    started = time.perf_counter()
    for batch in journal.retention.purge(time.time() - 90 * DAY, time.time() - 365 * DAY, looks_like_a_question):
        longest = max(longest, time.perf_counter() - started)
        assert batch <= 200
        assert journal.claim(f"event:{time.time()}")
        started = time.perf_counter()
    assert longest < 1
    assert found(file.parent, "CANARYTEXT", WHO) == []


def test_without_the_database_nothing_is_raised(journal: Journal, file: Path) -> None:
    note(journal)
    age(file)
    file.unlink()
    assert not journal.retention.has_older(time.time())
    assert purge(journal) == []
    assert journal.trouble


def test_the_copy_of_before_an_upgrade_goes_with_the_words_in_it(tmp_path: Path) -> None:
    file = tmp_path / "former.db"
    former_database(file)
    journal = open_journal(f"sqlite:///{file}")
    copy = copy_of(file)
    purge(journal)
    assert copy.is_file()
    os.utime(copy, (time.time() - 91 * DAY,) * 2)
    purge(journal)
    assert not copy.exists()
    assert not journal.trouble
    journal.close()
