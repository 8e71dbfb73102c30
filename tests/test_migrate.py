"""`kotae migrate`: every row, there and back, however often it is interrupted; and never onto something else."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, func, insert, select, text, update

from bot.config_file import ConfigFile
from bot.lock import only_one
from bot.migrate import MigrationError, migrate
from bot.settings import Environment, Settings
from handlers.knowledge.store.documents import Documents
from handlers.schema import open_database, open_or_recover
from handlers.store.audit import AuditLog
from handlers.store.database import STAYS, metadata
from handlers.store.errors import StoreError
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from handlers.store.moving import BATCH, Move, Moved
from handlers.store.questions import Questions, questions
from handlers.store.replicas import Replicas, replicas
from indexes.messages import Translatable
from indexes.records import Source
from indexes.storage.versions import Versions
from tests.former import former_database
from tests.postgresql import Server
from tests.processes import Python
from tests.test_backup import CSV, TOML, Place, made
from tests.test_recovery import ASKED, fill

MANY = 12 * BATCH


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A SQLite database with something in every table that people fill."""
    file = tmp_path / "data" / "state.db"
    database = open_or_recover(f"sqlite:///{file}", file.parent)
    fill(database, 5, "0.8")
    database.close()
    return file


@pytest.fixture
def many(file: Path) -> Path:
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.begin() as connection:
        one = dict(connection.execute(select(questions).limit(1)).mappings().one())
        connection.execute(insert(questions), [{**one, "id": 1 + number} for number in range(MANY)])
    return file


def everything(url: str) -> dict[str, list[Any]]:
    """All rows of all tables but those of processes, in an order that depends on them alone."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        tables = [table for table in metadata.sorted_tables if not table.info.get(STAYS)]
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}


def moved(source: str, target: str) -> dict[str, int]:
    move = Move(source, target, metadata)
    done = list(move.run())
    move.finish()
    return {each.table: each.digest.rows for each in done}


def kotae(file: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    started = process(file, *arguments, **environment)
    out, err = started.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, started.returncode, out, err)


def process(file: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HF_HUB_OFFLINE")}
    return Python[str](
        *("-m", "bot", *arguments),
        cwd=file.parent,
        env={**kept, "DATA_DIR": str(file.parent), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_row_goes_there_and_back(file: Path, postgresql: str, tmp_path: Path) -> None:
    before = everything(f"sqlite:///{file}")
    counts = {name: len(rows) for name, rows in before.items()}
    assert {"questions", "votes", "audit", "settings", "learned", "voices"} <= {name for name in counts if counts[name]}
    assert moved(f"sqlite:///{file}", postgresql) == counts
    assert everything(postgresql) == before
    back = f"sqlite:///{tmp_path / 'back.db'}"
    assert moved(postgresql, back) == counts
    assert everything(back) == before
    database = open_or_recover(back, tmp_path)
    assert database.recovery.waiting is None
    database.close()


def test_what_a_former_version_wrote_is_upgraded_first_and_goes_along(tmp_path: Path, postgresql: str) -> None:
    file = tmp_path / "data" / "state.db"
    former_database(file)
    done = kotae(file, "migrate", "--to", postgresql)
    assert done.returncode == 0, done.stderr
    assert everything(postgresql) == everything(f"sqlite:///{file}")
    assert file.with_name("state.db.before-upgrade").is_file()


def test_it_says_what_was_compared_and_how_long_it_took(file: Path, postgresql: str) -> None:
    done = kotae(file, "migrate", "--to", postgresql)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert next(line for line in lines if line.startswith("questions: 10 rows, digest ")).endswith(", the same in both")
    total = sum(map(len, everything(postgresql).values()))
    assert lines[-1].startswith(f"Moved {total:,} rows. The bot had to be stopped for ")
    again = kotae(file, "status", DATABASE_URL=postgresql)
    assert again.returncode == 1
    assert "No bot is running" in again.stderr


def test_numbers_and_ids_go_on_after_those_that_are_there(file: Path, postgresql: str) -> None:
    moved(f"sqlite:///{file}", postgresql)
    database = open_database(postgresql)
    former = [entry.at for entry in AuditLog(database).newest(100)]
    AuditLog(database).record("U0ADMIN", "C1", Translatable("audit.threshold", threshold="0.5"))
    assert len(AuditLog(database).newest(100)) == len(former) + 1
    assert Questions(database).add(ASKED)
    assert database.trouble is None
    database.close()


@pytest.mark.long("moves everything there and back")
def test_knowledge_bases_go_along_with_their_versions_there_and_back(tmp_path: Path, postgresql: str) -> None:
    place, home = made(tmp_path / "here", rounds=1), Place(tmp_path / "there")
    (place.knowledge / "_synonyms.csv").write_text("original,normalized\nWLAN,wifi\n")
    versions = Versions(place.data)
    removed = place.knowledge / "old.csv"
    versions.keep(Source("old", removed), CSV.encode(), 1, "upload", "U0ADMIN")
    database = open_database(f"sqlite:///{place.file}")
    KnowledgeFiles(database).decide(KnowledgeFile("old", removed.absolute(), FileState.REMOVED, "U0ADMIN"))
    database.close()
    (place.knowledge / "it-help.csv").write_text(CSV + "new,New?,Yes.\n")
    before = place.content()
    done = place.kotae("migrate", "--to", postgresql)
    assert (done.returncode, "with their versions: 3" in done.stdout) == (0, True), done.stderr
    shared = open_database(postgresql)
    listed = {each.file: bool(each.digest) for each in Documents(shared).all_or_raise()}
    assert listed == {"_synonyms.csv": True, "files/faq 1.csv": True, "it-help.csv": True, "old.csv": False}
    assert [one.number for one in Documents(shared).versions("it-help.csv")] == [3, 2, 1]
    assert [one.by for one in Documents(shared).versions("old.csv")] == ["U0ADMIN"]
    shared.close()
    home.data.mkdir(parents=True)
    (home.knowledge / "files").mkdir(parents=True)
    (home.folder / "kotae.toml").write_text(TOML)
    (home.folder / ".env").write_text(f"DATABASE_URL={postgresql}\n")
    (home.knowledge / "README.md").write_text("As a checkout has it.\n")
    (home.knowledge / "it-help.csv").write_text("question,answer\nold,one\n")
    refused = home.kotae("migrate", "--to", f"sqlite:///{home.file}")
    assert (refused.returncode, "it-help.csv: the database holds something else" in refused.stderr) == (1, True)
    (home.knowledge / "it-help.csv").unlink()
    done = home.kotae("migrate", "--to", f"sqlite:///{home.file}")
    assert done.returncode == 0, done.stderr
    after = home.content()
    names = ("knowledge/it-help.csv", "knowledge/files/faq 1.csv", "knowledge/_synonyms.csv")
    assert [after[name] for name in names] == [before[name] for name in names]
    assert after["versions"] == {"it-help": [(3, ""), *before["versions"]["it-help"]], "faq": before["versions"]["faq"]}
    database = open_database(f"sqlite:///{home.file}")
    states = {file.path.name: file.state for file in KnowledgeFiles(database).all()}
    assert states["old.csv"] is FileState.REMOVED
    assert Versions(home.data).of(Source("old", home.knowledge / "old.csv"))[0].by == "U0ADMIN"
    database.close()


# Interrupted


def marked(url: str) -> str:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        wanted = text("SELECT value FROM installation WHERE key = 'moving'")
        return str(connection.execute(wanted).scalar_one_or_none() or "")


def wait_for_rows(url: str, running: subprocess.Popen[str], least: int) -> None:
    while counted(url) < least:
        assert running.poll() is None, running.communicate()
        time.sleep(0.002)


def counted(url: str) -> int:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(questions)).scalar_one())


@pytest.mark.long("kills a process again and again")
def test_killed_in_the_middle_it_goes_on_and_no_bot_starts_meanwhile(many: Path, postgresql: str) -> None:
    before = everything(f"sqlite:///{many}")
    for least in (1, 4 * BATCH):
        running = process(many, "migrate", "--to", postgresql)
        wait_for_rows(postgresql, running, least)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        assert least <= counted(postgresql) < MANY
        assert counted(postgresql) % BATCH == 0
        with pytest.raises(StoreError, match="`kotae migrate` was interrupted"):
            open_or_recover(postgresql, many.parent)
    done = kotae(many, "migrate", "--to", postgresql)
    assert done.returncode == 0, done.stderr
    assert everything(postgresql) == before
    assert marked(postgresql) == ""
    open_or_recover(postgresql, many.parent).close()


@pytest.mark.long("waits for a server")
def test_a_server_that_ends_its_connections_interrupts_it_and_it_goes_on(
    many: Path, postgresql: str, postgresql_server: Server
) -> None:
    running = process(many, "migrate", "--to", postgresql)
    wait_for_rows(postgresql, running, 2 * BATCH)
    name = postgresql.rpartition("/")[2].partition("?")[0]
    while running.poll() is None:
        postgresql_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert running.returncode == 1
    said = running.communicate()[1]
    assert "Run it again: it goes on where it was" in said
    assert "Traceback" not in said
    assert marked(postgresql)
    assert moved(f"sqlite:///{many}", postgresql)["questions"] == MANY + 10
    assert everything(postgresql) == everything(f"sqlite:///{many}")


def test_what_changed_in_the_source_between_two_runs_is_noticed(many: Path, postgresql: str) -> None:
    source = f"sqlite:///{many}"
    half = Move(source, postgresql, metadata).run()
    first = next(half)
    assert isinstance(first, Moved)
    half.close()
    engine = create_engine(source, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(update(questions).where(questions.c.id == 5).values(text="another"))
        one = dict(connection.execute(select(questions).limit(1)).mappings().one())
        connection.execute(insert(questions), [{**one, "id": 10**9}])
    moved(source, postgresql)
    assert everything(postgresql) == everything(source)


# Refused


def test_a_target_with_rows_is_refused_and_left_alone(file: Path, postgresql: str) -> None:
    database = open_database(postgresql)
    Questions(database).add(ASKED)
    database.close()
    before = everything(postgresql)
    done = kotae(file, "migrate", "--to", postgresql)
    assert (done.returncode, "its questions has rows (1)" in done.stderr) == (1, True), done.stderr
    assert everything(postgresql) == before


def test_the_unfinished_move_of_another_source_is_refused(many: Path, postgresql: str, tmp_path: Path) -> None:
    half = Move(f"sqlite:///{many}", postgresql, metadata).run()
    next(half)
    half.close()
    other = tmp_path / "other.db"
    open_database(f"sqlite:///{other}").close()
    before = everything(postgresql)
    with pytest.raises(StoreError, match="An unfinished move from another database"):
        moved(f"sqlite:///{other}", postgresql)
    assert everything(postgresql) == before


def test_a_running_bot_is_refused_and_so_is_a_running_replica(file: Path, postgresql: str, tmp_path: Path) -> None:
    with only_one(file.parent):
        done = kotae(file, "migrate", "--to", postgresql)
    assert (done.returncode, f"process {os.getpid()} on " in done.stderr) == (1, True)
    database = open_database(postgresql)
    Replicas(database).join("one.1", "one", "kotae-7f9c")
    environment = Environment.model_validate({"data_dir": file.parent, "database_url": postgresql})
    with pytest.raises(MigrationError, match=r"still running on kotae-7f9c\. Stop all replicas first"):
        migrate(Settings(environment, ConfigFile(), Path("kotae.toml")), f"sqlite:///{tmp_path / 'new.db'}", print)
    Replicas(database).leave("one.1")
    database.close()
    done = kotae(file, "migrate", "--to", f"sqlite:///{tmp_path / 'new.db'}", DATABASE_URL=postgresql)
    assert done.returncode == 0, done.stderr
    assert rows_of_processes(f"sqlite:///{tmp_path / 'new.db'}") == 0


def rows_of_processes(url: str) -> int:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return int(connection.execute(select(func.count()).select_from(replicas)).scalar_one())


def test_settings_that_wait_for_an_admin_are_not_taken_along_unconfirmed(file: Path, postgresql: str) -> None:
    file.write_bytes(b"noise")
    done = kotae(file, "migrate", "--to", postgresql)
    assert (done.returncode, "no admin has confirmed the settings since" in done.stderr) == (1, True), done.stderr
    assert everything(postgresql)["settings"] == []


def test_the_same_database_one_that_is_not_there_and_no_address_are_refused(file: Path) -> None:
    wrong = kotae(file, "migrate", "--to", "hunter2")
    assert (wrong.returncode, "hunter2" in wrong.stderr) == (1, False)
    assert wrong.stderr.startswith("--to must be an address such as postgresql+psycopg://kotae@db/kotae")
    same = kotae(file, "migrate", "--to", f"sqlite:///{file}")
    assert (same.returncode, "names the database that is in use" in same.stderr) == (1, True)
    gone = kotae(file, "migrate", "--to", "postgresql+psycopg://kotae:hunter2@127.0.0.1:9/kotae")
    assert (gone.returncode, "hunter2" in gone.stderr, "Traceback" in gone.stderr) == (1, False, False)
    assert "Run it again" in gone.stderr


# What only SQLite takes


def test_a_text_that_a_server_can_not_hold_is_refused_before_anything_is_moved(file: Path, postgresql: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE votes SET vote = ?", ("x" * 17,))
    with pytest.raises(StoreError, match="The table votes holds a text that is longer"):
        moved(f"sqlite:///{file}", postgresql)
    assert everything(postgresql)["questions"] == []


def test_a_nul_character_becomes_the_sign_for_what_can_not_be_shown(file: Path, postgresql: str) -> None:
    database = open_database(f"sqlite:///{file}")
    number = Questions(database).add(replace(ASKED, text="a\0b"))
    database.close()
    moved(f"sqlite:///{file}", postgresql)
    engine = create_engine(postgresql, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(select(questions.c.text).where(questions.c.id == number)).scalar_one() == "a�b"


def test_every_table_is_moved_or_says_that_it_stays() -> None:
    staying = {table.name for table in metadata.sorted_tables if table.info.get(STAYS)}
    assert staying == {"buckets", "changes", "replicas", "uploads", "vector_chunks", "vector_encoders", "vector_scales"}
