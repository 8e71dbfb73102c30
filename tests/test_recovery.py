"""A damaged state database never keeps the bot down: it is set aside, and the newest good copy takes its place."""

import json
import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from handlers.admin.store.statistics import Statistics
from handlers.channel_rules import AutoReply, Channel
from handlers.channels import Channels
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.judged_replies import JudgedReplies
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses
from handlers.learning.store.voices import Voices
from handlers.privacy.store.erasures import Erasures
from handlers.privacy.store.forgetting import databases, forget
from handlers.schema import open_or_recover
from handlers.store.audit import AuditLog
from handlers.store.backup import back_up, backup_of
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from handlers.store.questions import AskedQuestion, FoundHit, Origin, PostedReply, Questions, questions
from handlers.store.recovery import RecoveryNote, set_aside
from handlers.texts import ENGLISH
from indexes.messages import Translatable
from tests.faults.damage import damage

HIT = FoundHit("it-help", "vpn", 0.9, 0.95, 0.9, "0123456789abcdef:0123456789abcdef")
ASKED = AskedQuestion(Origin.SEARCH, "C1", "U0WHO", "VPNにつながりません", (HIT,), 0.95, 0.9, answered=True)
DEFAULT = Channel("", "", ("_shared",), AutoReply.ON, 0.5)
WHO = "U0FORGOTTEN"


def fill(database: Database, rounds: int, threshold: str) -> None:
    """Store something in every table that people fill."""
    channels = Channels(database, default=DEFAULT)
    for number in range(rounds):
        asked = replace(ASKED, user=f"U0{number:03d}", text=f"{ASKED.text} {number} " + "あ" * number)
        question = Questions(database).add(asked)
        assert question
        Questions(database).vote(question, asked.user, "right", member=True)
        Voices(database).count(question, asked.user, "helpful")
        Questions(database).remember_reply("C1", f"{number}.0", PostedReply("2.0", question, Origin.AUTO_REPLY))
        AliasVotes(database).add(AliasVote(asked.user, question, asked.text, "it-help", "vpn", agrees=True))
        missed = Questions(database).add(replace(asked, confidence=0.2, answered=False))
        assert missed
        Misses(database).report(missed, asked.user, "out of date")
        AuditLog(database).record("U0ADMIN", "C1", Translatable("audit.threshold", threshold=str(number)))
        Proposals(database).add(Proposal(asked.user, "it-help", {"question": asked.text, "answer": "はい"}))
        Claims(database).take(f"event:{threshold}:{number}")
    aliases = StoredAlias("it-help", "vpn", f"VPN {threshold}", "vpn", f"vpn {threshold}", ("U0001",), "kotae")
    LearnedAliases(database).add(aliases)
    KnowledgeFiles(database).remember([KnowledgeFile("it-help", Path("/knowledge/it-help.csv"), FileState.THERE)])
    for id_ in ("C1", "C2", "C3"):
        channels.set(id_, "threshold", threshold, "U0ADMIN")
        channels.set(id_, "auto_reply", "off", "U0ADMIN")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a bot that was killed: a daily copy, a day of changes, and the last of them only in the log."""
    folder = tmp_path_factory.mktemp("killed")
    file = folder / "state.db"
    database = open_or_recover(f"sqlite:///{file}", folder)
    fill(database, 12, "0.7")
    back_up(file)
    fill(database, 6, "0.8")
    database.compact()
    fill(database, 6, "0.9")
    shutil.copytree(folder, folder / "copy")
    database.close()
    return folder / "copy"


@pytest.fixture
def file(tmp_path: Path, killed: Path) -> Path:
    shutil.copytree(killed, tmp_path / "data")
    return tmp_path / "data" / "state.db"


def opened(file: Path) -> Database:
    return open_or_recover(f"sqlite:///{file}", file.parent)


def read_everything(database: Database) -> None:
    """Read whatever any page, button or message reads; a value that no version writes would raise."""
    asked = Questions(database)
    for (id_,) in database.read("list questions", select(questions.c.id)) or ():
        asked.get(id_)
        asked.votes(id_)
    for number in range(12):
        asked.reply_to("C1", f"{number}.0")
    Misses(database).open(0, 100)
    Statistics(database).overview(365)
    Statistics(database).rehearsal("C1", 365)
    [ENGLISH.say(entry.done) for entry in AuditLog(database).newest(100)]
    Proposals(database).waiting()
    LearnedAliases(database).newest(100)
    Voices(database).judged()
    JudgedReplies(database).of("it-help")
    KnowledgeFiles(database).all()
    asked.most_asked(["it-help"], 365)


def settings(database: Database) -> set[tuple[AutoReply, float]]:
    channels = Channels(database, default=DEFAULT)
    return {(rules.auto_reply, rules.threshold) for rules in map(channels.of, ("C1", "C2", "C3"))}


FINAL = {(AutoReply.OFF, 0.9)}


def test_killed_it_goes_on_as_it_was(file: Path) -> None:
    database = opened(file)
    assert settings(database) == FINAL
    assert database.recovery.current is None
    read_everything(database)
    database.close()


@pytest.mark.long("damages a database again and again")
@pytest.mark.parametrize(
    ("ending", "seeds", "least"), [("", 30, 15), ("-wal", 14, 5), ("-shm", 6, 0)], ids=["file", "log", "log index"]
)
def test_no_damage_keeps_it_down_or_is_served(
    tmp_path: Path, killed: Path, ending: str, seeds: int, least: int
) -> None:
    """`make soak` makes more. `least` is how many at least must be noticed: others hit a free page, or a letter."""
    recovered = 0
    for seed in range(seeds):
        folder = tmp_path / str(seed)
        shutil.copytree(killed, folder)
        file = folder / "state.db"
        how = damage(folder / f"state.db{ending}", seed)
        database = opened(file)
        recovered += database.recovery.waiting is not None
        assert settings(database) == FINAL or database.recovery.waiting, f"{how} with seed {seed}"
        read_everything(database)
        assert database.trouble is None, f"{how} with seed {seed}: {database.trouble}"
        Channels(database, default=DEFAULT).set("C1", "threshold", "0.6", "U0ADMIN")
        database.close()
        shutil.rmtree(folder)
    assert recovered >= least


def test_what_was_set_aside_and_every_copy_is_for_its_owner_alone(file: Path) -> None:
    file.write_bytes(b"noise" * 100)
    opened(file).close()
    [aside, *_] = set_aside(file)
    assert aside.read_bytes() == b"noise" * 100
    beside = [each for each in file.parent.glob("state.db*") if not each.name.endswith(".lock")]
    assert {stat.S_IMODE(each.stat().st_mode) for each in beside} == {0o600}, beside


def test_a_file_that_is_gone_comes_back_from_its_copy_and_begins_anew_without_one(file: Path) -> None:
    file.unlink()
    database = opened(file)
    assert settings(database) == {(AutoReply.OFF, 0.7)}
    assert database.recovery.waiting
    assert database.recovery.waiting.damaged == ""
    database.close()
    fresh = opened(file.parent / "fresh" / "state.db")
    assert fresh.recovery.current is None
    fresh.close()


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_a_file_that_can_not_be_looked_at_is_not_taken_for_one_that_is_gone(file: Path) -> None:
    opened(file).close()
    back_up(file)
    file.unlink()
    file.symlink_to(file)
    with pytest.raises(StoreError, match="can't be opened"):
        opened(file)
    assert (file.is_symlink(), set_aside(file)) == (True, [])


def test_a_damaged_log_costs_what_is_in_the_log_alone(file: Path) -> None:
    log = file.with_name("state.db-wal")
    data = log.read_bytes()
    log.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    database = opened(file)
    assert settings(database) == {(AutoReply.OFF, 0.8)}
    assert database.recovery.waiting
    database.close()


def test_somebody_elses_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "elsewhere" / "notes.txt"
    theirs.parent.mkdir()
    theirs.write_text("notes")
    with pytest.raises(StoreError, match="not a database"):
        open_or_recover(f"sqlite:///{theirs}", tmp_path / "data")
    assert theirs.read_text() == "notes"


def test_the_schema_of_a_newer_version_is_no_damage(file: Path) -> None:
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.execute("PRAGMA user_version = 9999")
    with pytest.raises(StoreError, match="schema 9999, which is newer"):
        opened(file)
    assert set_aside(file) == []


def test_a_wrong_number_of_its_schema_is_damage(file: Path) -> None:
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '0106'")
    database = opened(file)
    assert database.recovery.waiting
    database.close()


def test_who_was_forgotten_does_not_come_back_with_a_copy(file: Path) -> None:
    database = opened(file)
    question = Questions(database).add(replace(ASKED, user=WHO, text="CANARYTEXT"))
    assert question
    Voices(database).count(question, WHO, "helpful")
    judged = Voices(database).judged()
    voice = Voices(database).pseudonym(WHO)
    assert voice
    back_up(file)
    database.close()
    copy = backup_of(file).read_bytes()
    Erasures(file).add(WHO, [voice])
    for _, url in databases(f"sqlite:///{file}"):
        forget(url, WHO)
    backup_of(file).write_bytes(copy)  # as if it had been made while they were forgotten
    assert WHO not in file.with_name("state.db.erasures").read_text()
    file.write_bytes(b"noise")
    database = opened(file)
    assert Questions(database).get(question) is None
    assert Voices(database).judged() != judged
    database.close()
    for each in (b"CANARYTEXT", WHO.encode()):
        assert each not in file.read_bytes()


def test_erasures_end_and_damage_in_them_is_said(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    Erasures(file).add(WHO, [])
    stored = file.with_name("state.db.erasures")
    stored.write_text(stored.read_text().replace('"at": 1', '"at": 2'))
    Erasures(file).apply(backup_of(file))
    assert "run `kotae forget` again" in caplog.text
    Erasures(file).expire(time.time() + 1e10)
    assert not stored.exists()


def test_a_damaged_database_is_named_to_whoever_forgets_somebody(file: Path) -> None:
    file.write_bytes(b"noise")
    opened(file).close()
    [aside, *_] = set_aside(file)
    assert [name for name, _ in databases(f"sqlite:///{file}")] == ["state.db", "state.db.backup", aside.name]


def test_the_note_of_a_recovery_that_is_damaged_itself_asks_again(file: Path) -> None:
    file.write_bytes(b"noise")
    opened(file).close()
    RecoveryNote(file).confirm()
    assert RecoveryNote(file).waiting is None
    for noise in (b"", b"{}", b"[]", b"\xff", b'{"at": 1e999}', json.dumps({"at": "x"}).encode()):
        file.with_name("state.db.recovered").write_bytes(noise)
        assert RecoveryNote(file).waiting, noise


def test_a_copy_is_made_while_others_write_and_none_of_a_damaged_file(file: Path) -> None:
    database = opened(file)
    backup_of(file).unlink()
    assert not database.back_up(time.time())
    assert backup_of(file).is_file()
    made = backup_of(file).stat().st_mtime_ns
    assert not database.back_up(time.time() + 3600)
    assert backup_of(file).stat().st_mtime_ns == made
    for wrong in (0, time.time() + 1e9):  # also one of a time when the clock was wrong
        os.utime(backup_of(file), (wrong, wrong))
        assert not database.back_up(time.time())
        assert abs(backup_of(file).stat().st_mtime - time.time()) < 3600
    database.close()


def test_a_copy_made_while_somebody_was_forgotten_forgets_them_too(file: Path) -> None:
    database = opened(file)
    Questions(database).add(replace(ASKED, user=WHO, text="CANARYTEXT"))
    started = time.time()
    back_up(file)
    Erasures(file).add(WHO, [])
    Erasures(file).apply(backup_of(file), since=started)
    database.close()
    assert WHO.encode() not in backup_of(file).read_bytes()
    assert b"CANARYTEXT" not in backup_of(file).read_bytes()
