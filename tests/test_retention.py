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

from handlers.admin.store.statistics import Statistics
from handlers.answers.store.publications import Publication, Publications
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.learning.misses import looks_like_a_question
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses
from handlers.learning.store.voices import Voices
from handlers.privacy.store.retention import Retention
from handlers.schema import open_database
from handlers.store.audit import AuditLog
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.migrations import copy_of
from handlers.store.questions import AskedQuestion, FoundHit, Origin, PostedReply, Questions
from handlers.texts import ENGLISH
from indexes.messages import Translatable
from tests.former import former_database

DAY = 24 * 3600
WORDS, WHO = "CANARYTEXT のことで困っています。教えてください", "U0CANARY01"
HIT = FoundHit("it-help", "vpn", 0.9, 0.95, 0.9)
ASKED = AskedQuestion(Origin.SEARCH, "C1", WHO, WORDS, (HIT,), 0.95, 0.9, answered=True)
MISSED = replace(ASKED, confidence=0.3, answered=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def url(file: Path, database_url: str | None) -> str:
    return database_url or f"sqlite:///{file}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def note(database: Database, question: AskedQuestion = ASKED) -> Any:
    number = Questions(database).add(question)
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


def purge(database: Database, days: int = 90) -> list[int]:
    now = time.time()
    return list(Retention(database).purge(now - days * DAY, now - 365 * DAY, looks_like_a_question))


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


def everything(database: Database) -> None:
    """Let somebody leave words and their id wherever they can."""
    for number in range(30):
        question = note(database, replace(ASKED, text=f"{WORDS} {number} " + "あ" * number * 20))
        Questions(database).vote(question, WHO, "helpful")
        Voices(database).count(question, WHO, "helpful")
        Questions(database).remember_reply("C1", f"{number}.0", PostedReply("2.0", question, Origin.MENTION))
        AliasVotes(database).add(AliasVote(WHO, question, WORDS, "it-help", "vpn", agrees=True))
        with Publications(database).only_once(question, "ask", Publication("C1", WHO, (WHO,))):
            pass
    closed = note(database, MISSED)
    Misses(database).report(closed, WHO, WORDS)
    Misses(database).close(closed, "answered", WHO)
    dismissed = note(database, MISSED)
    Misses(database).close(dismissed, "not_a_question", WHO)
    AuditLog(database).record("U0ADMIN", "C1", Translatable("audit.miss.not_a_question", question=WORDS))
    votes = Translatable("audit.votes", people=(WHO,))
    AuditLog(database).record(
        "kotae", "", Translatable("audit.learn", name="it-help", id="vpn", phrasing="vpn", votes=votes)
    )
    LearnedAliases(database).add(StoredAlias("it-help", "vpn", "VPN", "vpn", "vpn", (WHO,), "kotae"))
    decided = Proposals(database).add(Proposal(WHO, "it-help", {"question": WORDS}))
    Proposals(database).claim(decided, "U0ADMIN")
    Proposals(database).settle(decided, "declined", WORDS)


@pytest.mark.sqlite
def test_what_is_old_is_gone_from_the_files_and_still_counted(database: Database, file: Path) -> None:
    everything(database)
    audited_before(file, "miss not_a_question", WORDS)
    audited_before(file, "learn", f"it-help vpn: vpn; votes: {WHO}")
    assert found(file.parent, "CANARYTEXT", WHO)
    age(file)
    overview, often = Statistics(database).overview(365), Questions(database).most_asked(["it-help"], 365)
    judged = Voices(database).judged()
    assert overview.total.helpful == overview.total.answered == 30
    assert Retention(database).has_older(time.time() - 90 * DAY)
    assert sum(purge(database)) > 60
    assert found(file.parent, "CANARYTEXT", WHO) == []
    assert Statistics(database).overview(365) == overview
    assert Questions(database).most_asked(["it-help"], 365) == often
    assert Voices(database).judged() == judged
    assert [each.phrasing for each in LearnedAliases(database).newest(9)] == ["vpn"]
    assert [ENGLISH.say(each.done) for each in AuditLog(database).newest()] == [
        "*learn* · it-help vpn: vpn",
        "*miss not_a_question* · ",
        "*learn* · it-help vpn: vpn",
        "*not a question* · ",
    ]
    assert not Retention(database).has_older(time.time() - 90 * DAY)
    assert purge(database) == []


@pytest.mark.sqlite
def test_what_is_young_stays(database: Database, file: Path) -> None:
    everything(database)
    age(file, 89)
    with closing(sqlite3.connect(file)) as raw:
        before = list(raw.iterdump())
    assert purge(database) == []
    with closing(sqlite3.connect(file)) as raw:
        assert list(raw.iterdump()) == before


@pytest.mark.sqlite
def test_an_old_question_is_nobodys_any_more(database: Database, file: Path) -> None:
    question = note(database)
    Questions(database).vote(question, WHO, "helpful")
    Questions(database).vote(question, "U2", "unhelpful")
    Questions(database).remember_reply("C1", "1.0", PostedReply("2.0", question, Origin.MENTION))
    age(file)
    purge(database)
    assert Questions(database).get(question) is None
    assert Questions(database).reply_to("C1", "1.0") is None
    assert sorted(Questions(database).votes(question).values()) == ["helpful", "unhelpful"]
    assert not {WHO, "U2"} & set(Questions(database).votes(question))


@pytest.mark.sqlite
def test_open_misses_and_waiting_proposals_stay_as_they_were(database: Database, file: Path) -> None:
    asked = note(database, MISSED)
    reported = note(database)
    Misses(database).report(reported, WHO, "out of date")
    put_off = note(database, MISSED)
    Misses(database).close_all([put_off], "later", "U9", until=time.time() + 200 * DAY)
    overheard = note(database, replace(MISSED, source=Origin.AUTO_REPLY))
    chatter = note(database, replace(MISSED, source=Origin.AUTO_REPLY, text="CANARYTEXT おはようございます"))
    waiting = Proposals(database).add(Proposal(WHO, "it-help", {"question": WORDS}))
    age(file)
    before = Misses(database).open(0, 100)
    purge(database)
    assert [each for each in Misses(database).open(0, 100) if each in before] == Misses(database).open(0, 100)
    assert {each.id for each in Misses(database).open(0, 100)} == {asked, reported, put_off}
    assert [each.id for each in Misses(database).open(0, 100, sources={Origin.AUTO_REPLY})] == [overheard]
    assert Questions(database).get(chatter) is None
    assert Misses(database).reasons([reported]) == ["out of date"]
    assert [each.id for each in Proposals(database).waiting()] == [waiting]
    Misses(database).close(asked, "answered", "U9")
    purge(database)
    assert Questions(database).get(asked) is None
    age(file, 300)
    purge(database)
    assert Misses(database).open(0, 100) == []


@pytest.mark.sqlite
def test_what_was_confirmed_or_liked_is_no_miss_again(database: Database, file: Path) -> None:
    liked, confirmed = note(database, MISSED), note(database, MISSED)
    Questions(database).vote(liked, WHO, "hit_2")
    AliasVotes(database).add(AliasVote(WHO, confirmed, WORDS, "it-help", "vpn", agrees=True))
    age(file)
    purge(database)
    assert Misses(database).open(0, 100) == []
    assert found(file.parent, "CANARYTEXT", WHO) == []


@pytest.mark.sqlite
def test_a_rehearsal_counts_as_before(database: Database, file: Path) -> None:
    held_back = note(database, replace(ASKED, source=Origin.SHADOW))
    Questions(database).vote(held_back, WHO, "right")
    age(file)
    before = Statistics(database).rehearsal("C1", 365)
    purge(database)
    assert Statistics(database).rehearsal("C1", 365) == before
    assert before.judged == before.right == 1


@pytest.mark.sqlite
def test_it_goes_in_small_steps_in_which_others_write(database: Database, file: Path) -> None:
    claims = Claims(database)
    with closing(sqlite3.connect(file)) as raw, raw:
        columns = "at, source, channel, user, text, hits, confidence, threshold, answered"
        rows = [(1.0, WHO, WORDS)] * 5_000
        raw.executemany(f"INSERT INTO questions ({columns}) VALUES (?, 'dm', 'D1', ?, ?, '[]', 0.9, 0.5, 1)", rows)
    longest = 0.0
    started = time.perf_counter()
    for batch in Retention(database).purge(time.time() - 90 * DAY, time.time() - 365 * DAY, looks_like_a_question):
        longest = max(longest, time.perf_counter() - started)
        assert batch <= 200
        assert claims.take(f"event:{time.time()}")
        started = time.perf_counter()
    assert longest < 1
    assert found(file.parent, "CANARYTEXT", WHO) == []


@pytest.mark.sqlite
def test_without_the_database_nothing_is_raised(database: Database, file: Path) -> None:
    note(database)
    age(file)
    file.unlink()
    assert not Retention(database).has_older(time.time())
    assert purge(database) == []
    assert database.trouble


@pytest.mark.sqlite
def test_the_copy_of_before_an_upgrade_goes_with_the_words_in_it(tmp_path: Path) -> None:
    file = tmp_path / "former.db"
    former_database(file)
    database = open_database(f"sqlite:///{file}")
    copy = copy_of(file)
    purge(database)
    assert copy.is_file()
    os.utime(copy, (time.time() - 91 * DAY,) * 2)
    purge(database)
    assert not copy.exists()
    assert not database.trouble
    database.close()
