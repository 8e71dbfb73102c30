"""Somebody who is to be forgotten is nowhere in the state any more: every table, every copy, every file."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import JSON, Float, Integer, LargeBinary, String, create_engine, insert

from handlers.admin.store.statistics import Statistics
from handlers.files.pending import Pending, forget_uploads
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.learning.store.voices import Voices
from handlers.privacy.store.forgetting import ForgettingError, databases, forget
from handlers.schema import open_database
from handlers.store import migrations
from handlers.store.audit import AuditLog
from handlers.store.channel_settings import ChannelSettings
from handlers.store.database import FORGOTTEN, Database, metadata
from handlers.store.questions import AskedQuestion, FoundHit, Origin, Questions
from indexes.records import Source
from indexes.storage.versions import Versions, forget_author
from tests.former import former_database, former_ids
from tests.postgresql import rows_with
from tests.test_retention import ASKED, WHO, WORDS, everything, found

OTHER = f"{WHO}9"
"""Somebody whose id begins like the one who is forgotten."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def filled(column: Any, text: str, number: int) -> object:
    """Something for a column to hold, with a text wherever one fits."""
    if isinstance(column.type, JSON):
        return [text, {"said": text, "none": None}]
    if isinstance(column.type, String):
        return text
    if isinstance(column.type, LargeBinary):
        return b""
    return number if isinstance(column.type, Integer) else float(number) if isinstance(column.type, Float) else True


@pytest.mark.parametrize("text", [WHO, f"suggested:{WHO}", f"Ask <@{WHO}|taro>, please", f"votes: {WHO}, U2"])
def test_whatever_column_of_whatever_table_has_it(database: Database, url: str, file: Path, text: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            values = {column.name: filled(column, text, 7) for column in table.columns}
            connection.execute(insert(table).values(**values | ({"key": text} if table.name == "installation" else {})))
    engine.dispose()
    assert found(file.parent, WHO)
    changed = forget(url, WHO)
    assert set(changed) == {table.name for table in metadata.sorted_tables} - {"tallies", "voices"} | {
        name for name in ("tallies", "voices") if name in changed
    }
    assert found(file.parent, WHO) == []
    assert forget(url, WHO) == {}
    assert not database.trouble


def test_words_and_votes_go_and_what_others_did_stays(database: Database, url: str, file: Path) -> None:
    everything(database)
    theirs = Questions(database).add(
        AskedQuestion(Origin.SEARCH, "C1", OTHER, "Where is U0CANARY01?", ASKED.hits, 0.95, 0.9, answered=True)
    )
    assert theirs
    for user, kind in ((WHO, "helpful"), (OTHER, "unhelpful")):
        Questions(database).vote(theirs, user, kind)
        Voices(database).count(theirs, user, kind)
    ChannelSettings(database).set("C1", "ask", f"{WHO} {OTHER}", WHO)
    answered = Statistics(database).overview(7).total.answered
    changed = forget(url, WHO)
    assert (changed["voices"], changed["questions"] > 30) == (1, True)
    assert found(file.parent, "CANARYTEXT") == []
    assert found(file.parent, f"{WHO}[^9]", regular=True) == []
    noted = Questions(database).get(theirs)
    assert noted
    assert (noted.user, noted.text) == (OTHER, f"Where is {FORGOTTEN}?")
    assert Questions(database).votes(theirs) == {OTHER: "unhelpful"}
    judged = Voices(database).judged()
    assert judged
    assert [(each.right, each.weight) for each in judged["it-help"]] == [(False, 1)]
    assert Statistics(database).overview(7).total.answered == answered
    setting = ChannelSettings(database).of("C1")["ask"]
    assert (setting.value, setting.by) == (f"{FORGOTTEN} {OTHER}", FORGOTTEN)
    assert {each.user for each in AuditLog(database).newest()} == {"U0ADMIN", "kotae"}
    assert LearnedAliases(database).newest(9)[0].voters == ()
    before = Voices(database).judged()
    Voices(database).recount(lambda _: True)
    assert Voices(database).judged() == before


def test_on_a_server_that_a_replica_works_with(postgresql: str) -> None:
    database = open_database(postgresql)
    everything(database)
    theirs = Questions(database).add(ASKED)
    assert theirs
    for user in (WHO, OTHER):
        Questions(database).vote(theirs, user, "helpful", member=True)
        Voices(database).count(theirs, user, "helpful")
    assert len(rows_with(postgresql, WHO)) > 5
    assert forget(postgresql, WHO)["voices"] == 1
    assert rows_with(postgresql, f"{WHO}[^9]") == rows_with(postgresql, "CANARYTEXT") == []
    assert rows_with(postgresql, OTHER)
    before = Voices(database).judged()
    Voices(database).recount(lambda _: True)
    assert Voices(database).judged() == before
    assert not database.trouble
    database.close()


def test_copies_beside_it_are_searched_too_whatever_their_schema(database: Database, url: str, file: Path) -> None:
    everything(database)
    old = file.with_name("state.db.before-upgrade")
    engine = create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        command.upgrade(migrations.config_for(connection), "0001")
    engine.dispose()
    with closing(sqlite3.connect(old)) as raw, raw:
        columns = "at, source, channel, user, text, hits, confidence, threshold, answered"
        raw.execute(
            f"INSERT INTO questions ({columns}) VALUES (1, 'dm', 'D0CANARY', ?, ?, '[]', 0, 0, 1)", (WHO, WORDS)
        )
        raw.execute("INSERT INTO votes VALUES (1, ?, 'helpful', 1)", (WHO,))
        raw.execute("INSERT INTO seen VALUES (?, 1)", (f"suggested:{WHO}",))
        raw.execute("INSERT INTO audit VALUES (1, 1, 'U9', 'D0CANARY', 'learn', 'x')")
    set_aside = file.with_name("state.db.damaged-20261128")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(set_aside)) as target:
        source.backup(target)
    database.close()
    file.with_name("state.db.lock").write_text("")
    file.with_name("state.db.note").write_text("no database")
    names = [name for name, _ in databases(url)]
    assert names == ["state.db", "state.db.before-upgrade", "state.db.damaged-20261128"]
    for _, each in databases(url):
        assert forget(each, WHO)
    assert found(file.parent, "CANARYTEXT", WHO, "D0CANARY") == []


def test_a_copy_that_can_not_be_read_is_named_without_its_content(file: Path) -> None:
    file.write_bytes(b"SQLite format 3\0" + WHO.encode() * 500)
    [(name, address)] = databases(f"sqlite:///{file}")
    assert name == "state.db"
    with pytest.raises(ForgettingError) as refusal:
        forget(address, WHO)
    assert WHO not in str(refusal.value)


def test_uploads_and_the_authors_of_versions(tmp_path: Path) -> None:
    pending = Pending(tmp_path / "uploads")
    for user in (WHO, OTHER):
        pending.keep(b"q,a\n", "kb.csv", user, "D1", "kb", is_certain=True)
    versions, source = Versions(tmp_path), Source("kb", tmp_path / "kb.csv")
    versions.keep(source, b"q,a\n1,2\n", 1, "upload", WHO)
    versions.keep(source, b"q,a\n3,4\n", 1, "edit", OTHER)
    assert (forget_uploads(tmp_path / "uploads", WHO), forget_author(tmp_path, WHO)) == (1, 1)
    [about] = (tmp_path / "uploads").glob("*/about.json")
    assert json.loads(about.read_bytes())["user"] == OTHER
    assert [each.by for each in versions.of(source)] == [OTHER, ""]
    assert versions.read(source, versions.of(source)[1]) == b"q,a\n1,2\n"
    assert (forget_uploads(tmp_path / "uploads", WHO), forget_author(tmp_path, WHO)) == (0, 0)
    for damage in (b"", b"{", b"[]", b'{"file": "kb.csv"}', b"\xff"):  # whose it is, nobody can tell any more
        about.write_bytes(damage)
        assert forget_uploads(tmp_path / "uploads", WHO) == 1
        about.parent.mkdir()


@pytest.mark.long("writes for seconds")
def test_others_write_meanwhile(database: Database, url: str, file: Path) -> None:
    hit = FoundHit("it-help", "vpn", 0.9, 0.95)
    with closing(sqlite3.connect(file)) as raw, raw:
        columns = "at, source, channel, user, text, hits, confidence, threshold, answered"
        rows = ((n, WHO if n % 3 else OTHER, f"{WORDS} {n}") for n in range(20_000))
        raw.executemany(f"INSERT INTO questions ({columns}) VALUES (?, 'dm', 'D1', ?, ?, '[]', 0.9, 0.5, 1)", rows)
    started = time.perf_counter()
    forget(url, WHO)
    assert time.perf_counter() - started < 30
    assert Questions(database).add(AskedQuestion(Origin.SEARCH, "C1", OTHER, "?", (hit,), 0.9, 0.9, answered=True))
    assert not database.trouble


@pytest.mark.parametrize("who", ["hanako", "alice", "olivia", "ichiro"])
def test_somebody_in_a_database_of_an_earlier_version(file: Path, url: str, who: str) -> None:
    former_database(file)
    id_ = {name: id_ for id_, name in former_ids().items()}[who]
    assert found(file.parent, id_)
    assert forget(url, id_)
    assert found(file.parent, id_) == []
    open_database(url).close()
    assert forget(url, id_) == {}
