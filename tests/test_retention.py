"""What is too old goes, word for word, also from the files; what is counted, open or waiting stays."""

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from handlers.admin.store.statistics import Statistics
from handlers.answers.store.publications import Publication, Publications
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.learning.misses import looks_like_a_question
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Miss, Misses
from handlers.learning.store.voices import Voices
from handlers.privacy.store.retention import Retention
from handlers.schema import open_database
from handlers.store.audit import AuditLog, entry
from handlers.store.claims import Claims
from handlers.store.database import Database, metadata
from handlers.store.migrations import copy_of
from handlers.store.questions import AskedQuestion, FoundHit, Origin, PostedReply, Questions
from handlers.texts import ENGLISH
from indexes.messages import Translatable
from tests.former import former_database
from tests.postgresql import rows_with
from tests.state import change, rows_of

DAY = 24 * 3600
WORDS, WHO = "CANARYTEXT のことで困っています。教えてください", "U0CANARY01"
HIT = FoundHit("it-help", "vpn", 0.9, 0.95, 0.9)
ASKED = AskedQuestion(Origin.SEARCH, "C1", WHO, WORDS, (HIT,), 0.95, 0.9, answered=True)
MISSED = replace(ASKED, confidence=0.3, answered=False)


def is_open_miss(miss: Miss) -> bool:
    return miss.source.is_asked or miss.reported or looks_like_a_question(miss.text)


def note(database: Database, question: AskedQuestion = ASKED) -> Any:
    number = Questions(database).add(question)
    assert number
    return number


def age(url: str, days: float = 100) -> None:
    """Let everything that is there have happened so long before."""
    for table in ("questions", "votes", "reports", "confirmations", "learned", "closings", "audit", "proposals"):
        change(url, f"UPDATE {table} SET at = at - {days * DAY}")
    change(url, f"UPDATE proposals SET decided_at = decided_at - {days * DAY} WHERE decided_at > 0")
    change(url, f"UPDATE closings SET until = until - {days * DAY}")


def audited_before(url: str, action: str, outcome: str) -> None:
    """Write into the audit log as earlier versions did."""
    row = {"id": len(action), "at": time.time(), "action": action, "outcome": outcome}
    into = """INSERT INTO audit (id, at, "user", channel, action, outcome)"""
    change(url, f"{into} VALUES (:id, :at, 'U0ADMIN', 'C1', :action, :outcome)", row)


def purge(database: Database, days: int = 90) -> list[int]:
    now = time.time()
    return list(Retention(database).purge(now - days * DAY, now - 365 * DAY, is_open_miss))


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


def left(url: str, *words: str) -> list[str]:
    """Where any of the words stands: in the files of SQLite, or in the tables of a server."""
    file = make_url(url).database or ""
    return found(Path(file).parent, *words) if url.startswith("sqlite") else rows_with(url, "|".join(words))


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
    logged = entry("U0ADMIN", "C1", Translatable("audit.decline", name="it-help"))
    assert Proposals(database).decline(decided, "U0ADMIN", WORDS, logged)


def test_what_is_old_is_gone_from_the_files_and_still_counted(database: Database, url: str) -> None:
    everything(database)
    audited_before(url, "miss not_a_question", WORDS)
    audited_before(url, "learn", f"it-help vpn: vpn; votes: {WHO}")
    assert left(url, "CANARYTEXT", WHO)
    age(url)
    overview, often = Statistics(database).overview(365), Questions(database).most_asked(["it-help"], 365)
    judged = Voices(database).judged()
    assert overview.total.helpful == overview.total.answered == 30
    assert Retention(database).has_older(time.time() - 90 * DAY)
    assert sum(purge(database)) > 60
    assert left(url, "CANARYTEXT", WHO) == []
    assert Statistics(database).overview(365) == overview
    assert Questions(database).most_asked(["it-help"], 365) == often
    assert Voices(database).judged() == judged
    assert [each.phrasing for each in LearnedAliases(database).newest(9)] == ["vpn"]
    assert [ENGLISH.say(each.done) for each in AuditLog(database).newest()] == [
        "*learn* · it-help vpn: vpn",
        "*miss not_a_question* · ",
        "*decline a proposal for it-help*",
        "*learn* · it-help vpn: vpn",
        "*not a question* · ",
    ]
    assert not Retention(database).has_older(time.time() - 90 * DAY)
    assert purge(database) == []


def test_what_is_young_stays(database: Database, url: str) -> None:
    everything(database)
    age(url, 89)
    before = contents(url)
    assert purge(database) == []
    assert contents(url) == before


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(rows_of(url, f'SELECT * FROM "{name}"'), key=str) for name in metadata.tables}


def test_an_old_question_is_nobodys_any_more(database: Database, url: str) -> None:
    question = note(database)
    Questions(database).vote(question, WHO, "helpful")
    Questions(database).vote(question, "U2", "unhelpful")
    Questions(database).remember_reply("C1", "1.0", PostedReply("2.0", question, Origin.MENTION))
    age(url)
    purge(database)
    assert Questions(database).get(question) is None
    assert Questions(database).reply_to("C1", "1.0") is None
    assert sorted(Questions(database).votes(question).values()) == ["helpful", "unhelpful"]
    assert not {WHO, "U2"} & set(Questions(database).votes(question))


def test_open_misses_and_waiting_proposals_stay_as_they_were(database: Database, url: str) -> None:
    asked = note(database, MISSED)
    reported = note(database)
    Misses(database).report(reported, WHO, "out of date")
    put_off = note(database, MISSED)
    Misses(database).close_all([put_off], "later", "U9", until=time.time() + 200 * DAY)
    overheard = note(database, replace(MISSED, source=Origin.AUTO_REPLY))
    chatter = note(database, replace(MISSED, source=Origin.AUTO_REPLY, text="CANARYTEXT おはようございます"))
    waiting = Proposals(database).add(Proposal(WHO, "it-help", {"question": WORDS}))
    age(url)
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
    age(url, 300)
    purge(database)
    assert Misses(database).open(0, 100) == []


def test_what_was_confirmed_or_liked_is_no_miss_again(database: Database, url: str) -> None:
    liked, confirmed = note(database, MISSED), note(database, MISSED)
    Questions(database).vote(liked, WHO, "hit_2")
    AliasVotes(database).add(AliasVote(WHO, confirmed, WORDS, "it-help", "vpn", agrees=True))
    age(url)
    purge(database)
    assert Misses(database).open(0, 100) == []
    assert left(url, "CANARYTEXT", WHO) == []


def test_a_rehearsal_counts_as_before(database: Database, url: str) -> None:
    held_back = note(database, replace(ASKED, source=Origin.SHADOW))
    Questions(database).vote(held_back, WHO, "right")
    age(url)
    before = Statistics(database).rehearsal("C1", 365)
    purge(database)
    assert Statistics(database).rehearsal("C1", 365) == before
    assert before.judged == before.right == 1


def test_it_goes_in_small_steps_in_which_others_write(database: Database, url: str) -> None:
    claims = Claims(database)
    columns = 'id, at, source, channel, "user", text, hits, confidence, threshold, answered'
    rows = ({"id": number, "user": WHO, "text": WORDS} for number in range(5_000))
    asked = f"INSERT INTO questions ({columns}) VALUES (:id, 1.0, 'dm', 'D1', :user, :text, '[]', 0.9, 0.5, true)"
    change(url, asked, *rows)
    longest = 0.0
    started = time.perf_counter()
    for batch in Retention(database).purge(time.time() - 90 * DAY, time.time() - 365 * DAY, is_open_miss):
        longest = max(longest, time.perf_counter() - started)
        assert batch <= 200
        assert claims.take(f"event:{time.time()}")
        started = time.perf_counter()
    assert longest < 1
    assert left(url, "CANARYTEXT", WHO) == []


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
def test_without_the_database_nothing_is_raised(database: Database, url: str, file: Path) -> None:
    note(database)
    age(url)
    file.unlink()
    assert not Retention(database).has_older(time.time())
    assert purge(database) == []
    assert database.trouble


@pytest.mark.sqlite("a server's databases are copied by whoever runs it")
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
