"""A shared database that never held a knowledge base takes the folder of the first replica that starts, once."""

import logging
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from bot.app import Bot
from bot.importing import run_import
from bot.playground import LocalSlack
from bot.samples import FOLDER as SAMPLES
from handlers.knowledge.store.documents import Documents, Made
from handlers.schema import open_database
from handlers.store.audit import AuditLog
from handlers.store.database import Database
from handlers.store.errors import StoreError
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from indexes.encoder import ModelManager
from indexes.records import Source
from indexes.storage.versions import Versions
from tests.audit import action, outcome
from tests.postgresql import Server
from tests.replicas import Replicas, knows, replicas
from tests.slack.conftest import IT_HELP
from tests.slack.test_serve import Process
from tests.state import change

PASSWORD = ("パスワードを忘れました", "再設定ページ")
OLD = "質問,回答\nパスワードを忘れました,古い手順です\n"
FROM_SAMPLES = "rows are those of the samples that come with Kotae"


@pytest.fixture
def several(slack: LocalSlack, tmp_path: Path, postgresql: str) -> Iterator[Replicas]:
    with replicas(slack, tmp_path, postgresql) as running:
        yield running


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    opened = open_database(postgresql)
    yield opened
    opened.close()


def contents(database: Database) -> dict[str, str]:
    stored = Documents(database)
    return {
        each.file: (stored.content(each.file, each.digest) or b"?").decode()
        for each in stored.all_or_raise()
        if each.digest
    }


def folder_with(path: Path, **files: str) -> Path:
    """Make a knowledge folder; the files' names end in .csv."""
    path.mkdir()
    for name, content in files.items():
        (path / f"{name.replace('_', '-')}.csv").write_text(content, encoding="utf-8")
    return path


def imports(database: Database) -> list[tuple[str, str]]:
    """What the audit log says of imports, the oldest first."""
    newest = AuditLog(database).newest()
    return [(action(each), outcome(each)) for each in reversed(newest) if each.user == "import"]


def test_a_bot_whose_state_was_there_before_answers_at_once(
    several: Replicas, manager: ModelManager, knowledge: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    files = [KnowledgeFile("it-help", (knowledge / "it-help.csv").absolute(), FileState.THERE)]
    KnowledgeFiles(database).remember(files)
    shutil.copy(SAMPLES / "dev-faq.csv", knowledge)
    caplog.set_level(logging.WARNING)
    bot = several.start("a", manager)
    assert knows(*PASSWORD)(bot)
    assert sorted(contents(database)) == ["_shared.csv", "dev-faq.csv", "it-help.csv"]
    said = "The database held no knowledge base yet: 3 files of "
    assert any(record.getMessage().startswith(f"{said}{knowledge}") for record in caplog.records)
    named = f"{knowledge / 'dev-faq.csv'}: "
    assert any(each.getMessage().startswith(named) and FROM_SAMPLES in each.getMessage() for each in caplog.records)
    assert imports(database) == [("first import", "files of the knowledge folder: 3")]


def test_its_versions_go_along_and_what_only_they_hold(
    several: Replicas, manager: ModelManager, knowledge: Path, database: Database, tmp_path: Path
) -> None:
    """A file that was missing answered from what was read last; so did one that could not be read any more."""
    versions = Versions(tmp_path / "a")
    gone, broken, removed = (knowledge / f"{name}.csv" for name in ("gone", "broken", "removed"))
    for path in (gone, broken, removed):
        versions.keep(Source(path.stem, path), OLD.encode(), 1, "file")
    broken.write_text("", encoding="utf-8")
    states = {gone: FileState.ASKED, broken: FileState.THERE, removed: FileState.REMOVED}
    KnowledgeFiles(database).remember([KnowledgeFile(path.stem, path, state) for path, state in states.items()])
    versions.keep(Source("it-help", knowledge / "it-help.csv"), OLD.encode(), 1, "upload", "U1")
    bot = several.start("a", manager)
    assert knows(PASSWORD[0], "古い手順", "gone")(bot)
    assert knows(PASSWORD[0], "古い手順", "broken")(bot)
    assert "removed" not in bot.services.registry.loaded
    kept = {name: Documents(database).versions(f"{name}.csv") for name in ("it-help", "removed")}
    assert [(each.number, each.by) for each in kept["it-help"]] == [(2, ""), (1, "U1")]
    assert [each.number for each in kept["removed"]] == [1]


def test_no_other_folder_overrides_anything_afterwards(
    several: Replicas, manager: ModelManager, tmp_path: Path, database: Database
) -> None:
    several.start("a", manager, knowledge_dir=str(folder_with(tmp_path / "first", it_help=IT_HELP)))
    several.stop("a")
    older = folder_with(tmp_path / "older", it_help=OLD, more=OLD)
    for name, folder in (("a", older), ("b", folder_with(tmp_path / "empty")), ("c", tmp_path / "nowhere")):
        assert knows(*PASSWORD)(several.start(name, manager, knowledge_dir=str(folder)))
    assert contents(database) == {"it-help.csv": IT_HELP}
    assert len(imports(database)) == 1
    for name in ("a", "b", "c"):
        several.stop(name)
    Documents(database).remove("it-help.csv", "U1")
    Documents(database).purge(time.time() + 1)
    assert Documents(database).all() == []
    assert several.start("d", manager, knowledge_dir=str(older)).services.registry.loaded == {}
    assert contents(database) == {}


def test_what_was_written_by_other_means_counts_as_well(
    several: Replicas, manager: ModelManager, tmp_path: Path, database: Database
) -> None:
    several.import_files(folder_with(tmp_path / "imported", dev_faq=OLD))
    Documents(database).remove("dev-faq.csv", "U1")
    Documents(database).purge(time.time() + 1)
    several.start("a", manager, knowledge_dir=str(folder_with(tmp_path / "first", it_help=IT_HELP)))
    assert contents(database) == {}


def test_an_empty_folder_is_no_beginning(
    several: Replicas, manager: ModelManager, tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    empty = several.start("a", manager, knowledge_dir=str(folder_with(tmp_path / "empty")))
    assert "The database holds no knowledge base yet" in caplog.text
    assert imports(database) == []
    several.start("b", manager, knowledge_dir=str(folder_with(tmp_path / "full", it_help=IT_HELP)))
    several.wait("what the second one imported", lambda bot: "it-help" in bot.services.registry.loaded)
    assert knows(*PASSWORD)(empty)


def test_of_two_that_start_at_once_one_folder_is_taken_as_a_whole(
    several: Replicas, manager: ModelManager, tmp_path: Path, database: Database
) -> None:
    names = [f"faq_{number}" for number in range(8)]
    folders = {
        which: folder_with(
            tmp_path / f"of-{which}", **dict.fromkeys([*names, f"only_{which}"], f"質問,回答\nq,{which}\n")
        )
        for which in ("a", "b", "c")
    }
    started: dict[str, Bot] = {}

    def start(which: str) -> None:
        started[which] = several.start(which, manager, knowledge_dir=str(folders[which]))

    threads = [threading.Thread(target=start, args=which) for which in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(started) == 3
    stored = contents(database)
    assert len(stored) == len(names) + 1
    assert len(set(stored.values())) == 1
    assert len(imports(database)) == 1
    several.wait("the same on all", lambda bot: len(bot.services.registry.loaded) == len(stored))


def test_copies_of_another_database_are_not_replaced_by_a_folder(
    several: Replicas,
    manager: ModelManager,
    tmp_path: Path,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The database was lost and made anew: the copies may be the last ones, and are newer than the folder."""
    folder_with((tmp_path / "a"), note="")
    folder_with(tmp_path / "a" / "knowledge", it_help=IT_HELP)
    caplog.set_level(logging.ERROR)
    bot = several.start("a", manager, knowledge_dir=str(folder_with(tmp_path / "older", it_help=OLD)))
    assert knows(*PASSWORD)(bot)
    assert contents(database) == {}
    assert "goes on answering" in caplog.text


def test_another_database_than_before_is_refused_until_it_is_said_to_be_meant(
    several: Replicas, manager: ModelManager, knowledge: Path, postgresql_server: Server, tmp_path: Path
) -> None:
    assert knows(*PASSWORD)(several.start("a", manager))
    several.stop("a")
    other = postgresql_server.make_empty()
    copies, noted = tmp_path / "a" / "knowledge", tmp_path / "a" / "database-id"
    with pytest.raises(StoreError, match=f"delete {noted} and start again.*`kotae import {copies}`"):
        several.start("a", manager, database_url=other)
    shutil.rmtree(knowledge)
    noted.unlink()
    assert knows(*PASSWORD)(several.start("a", manager, database_url=other))
    opened = open_database(other)
    assert contents(opened) == {}
    said: list[str] = []
    assert run_import(several.settings("a", database_url=other), copies, said.append, lambda: True)
    assert sorted(contents(opened)) == ["_shared.csv", "dev-faq.csv", "it-help.csv"]
    several.stop("a")
    opened.close()
    postgresql_server.drop(other)


def test_what_a_database_holds_that_was_made_anew_replaces_no_copy_of_a_replica_that_runs(
    slack: LocalSlack,
    several: Replicas,
    manager: ModelManager,
    knowledge: Path,
    database: Database,
    postgresql: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert knowledge.is_dir()
    bot = several.start("a", manager)
    change(postgresql, "UPDATE installation SET value = 'another secret' WHERE key = 'pseudonyms'")
    known = Documents(database).digest("it-help.csv") or ""
    Documents(database).put("it-help.csv", OLD.encode(), known, Made(1, "file", ""))
    slack.wait_until(lambda: "The database is another one than before" in caplog.text, what="the refusal")
    assert knows(*PASSWORD)(bot)


def test_a_folder_that_becomes_the_copy_is_imported(
    several: Replicas, manager: ModelManager, tmp_path: Path, database: Database
) -> None:
    """KNOWLEDGE_DIR may have been DATA_DIR/knowledge all along."""
    (tmp_path / "a").mkdir()
    folder = folder_with(tmp_path / "a" / "knowledge", it_help=IT_HELP)
    assert knows(*PASSWORD)(several.start("a", manager, knowledge_dir=str(folder)))
    assert contents(database) == {"it-help.csv": IT_HELP}


@pytest.mark.parametrize("table", ["installation", "documents", "document_versions", "audit", "changes"])
def test_killed_in_the_middle_nothing_is_there_and_the_next_start_has_all(
    slack: LocalSlack, knowledge: Path, postgresql: str, database: Database, table: str
) -> None:
    """A table that is locked makes the import wait at the statement that writes it."""
    engine = create_engine(postgresql, poolclass=NullPool)
    wanted = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:table AS regclass)")
    with engine.begin() as beside:
        beside.execute(text(f"LOCK TABLE {table} IN EXCLUSIVE MODE"))
        process = Process(slack, knowledge.parent, DATABASE_URL=postgresql)
        slack.wait_until(lambda: beside.execute(wanted, {"table": table}).scalar_one(), 120, "the import")
        process.running.kill()
        process.running.wait()
    assert contents(database) == {}
    assert imports(database) == []
    process = Process(slack, knowledge.parent, DATABASE_URL=postgresql)
    try:
        slack.wait_until(lambda: "3 knowledge bases by words" in process.text(), 120, "all knowledge bases")
    finally:
        process.running.kill()
        process.running.wait()
    assert sorted(contents(database)) == ["_shared.csv", "dev-faq.csv", "it-help.csv"]
    assert len(imports(database)) == 1
