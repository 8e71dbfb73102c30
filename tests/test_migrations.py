"""The schema of the state database: made and brought up to date by its migrations, whole or not at all."""

import logging
import os
import re
import signal
import sqlite3
import stat
import subprocess
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import OperationalError

from handlers import schema
from handlers.answers.store.publications import Publications
from handlers.entries.store.proposals import Proposals
from handlers.learning.store.alias_votes import AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.learning.store.misses import Misses
from handlers.schema import open_database
from handlers.store import migrations
from handlers.store.audit import AuditLog
from handlers.store.channel_settings import ChannelSettings
from handlers.store.database import Database, metadata
from handlers.store.errors import StoreError
from handlers.store.questions import Questions, questions
from tests.audit import action
from tests.former import FIXTURES, former_database, former_ids, lost, rows, tables
from tests.processes import Python, run

SCHEMAS = sorted((FIXTURES / "schemas").glob("*.sql"))
FIRST_SHARED = "0009"
"""The revision with which several replicas could share a database for the first time."""
OPEN = """
import logging, sys
from handlers import schema
from handlers.schema import open_database
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
sys.stdin.readline()
open_database(sys.argv[1]).close()
print("opened")
"""
SLOW = """
CREATE TRIGGER slow BEFORE DELETE ON seen
BEGIN SELECT count(*) FROM seen a, seen b, seen c, seen d, seen e, seen f; END
"""
"""Makes a deletion take minutes: 41 rows to the sixth."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "state.db"


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement)
        database.commit()


def revisions() -> list[str]:
    """Every revision, the first one first."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def upgraded_to(file: Path, revision: str) -> None:
    """Bring a database to an earlier revision than today's."""
    engine = create_engine(url(file))
    with engine.begin() as connection:
        command.upgrade(migrations.config_for(connection), revision)
    engine.dispose()


def opening(file: Path) -> subprocess.Popen[str]:
    """A process that is about to open the database; it waits for a line."""
    pipe = subprocess.PIPE
    return Python[str]("-c", OPEN, url(file), stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def say_everything(database: Database) -> None:
    """Everything that the former version wrote is found by the code of today."""
    names = {name: id_ for id_, name in former_ids().items()}
    asked = [Questions(database).get(number) for number in range(1, 12)]
    assert [noted.source if noted else None for noted in asked] == [
        *("search", "search", "dm", "mention", "search", "search", "auto_reply", "shadow", "search", "search", "search")
    ]
    assert asked[2] is not None
    assert (asked[2].text, asked[2].hits[0].target) == ("VPNにつながりません。", ("it-help", "vpn"))
    assert Questions(database).votes(2) == {names["hanako"]: "unhelpful"}
    assert Misses(database).reasons([2]) == ["outdated: SSID が変わりました"]
    assert {miss.id for miss in Misses(database).open(0, 99)} >= {2}
    assert Publications(database).of(5)["ask"].people == (names["ichiro"],)
    assert [(one.id, one.user, one.state) for one in Proposals(database).waiting()] == [(1, names["alice"], "waiting")]
    assert [one.admin for one in Proposals(database).messages(1)] == [names["olivia"]]
    assert [one.phrasing for one in LearnedAliases(database).newest(9)] == ["Wi-Fi office how"]
    assert len(AliasVotes(database).recent()) == 3
    assert ChannelSettings(database).of(names["it-help"])["threshold"].value == "0.5"
    assert [action(entry) for entry in AuditLog(database).newest()][::-1][:2] == ["auto-reply", "threshold"]
    assert not database.trouble


# What the schema is


def test_the_revisions_are_one_line_numbered_in_order() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert len(scripts.get_heads()) == 1
    assert revisions() == [f"{number:04}" for number in range(1, len(revisions()) + 1)]


@pytest.mark.parametrize("former", [False, True])
def test_the_migrations_make_what_the_code_expects(file: Path, *, former: bool) -> None:
    if former:
        former_database(file)
    open_database(url(file)).close()
    engine = create_engine(url(file))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == revisions()[-1]
    engine.dispose()


# What was written before


def test_an_unversioned_database_keeps_every_row_and_answers(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    former_database(file)
    before = rows(file)
    caplog.set_level(logging.INFO)
    database = open_database(url(file))
    after = rows(file)
    marks = {row["key"] for table, row in lost(before, after) if table == "seen"}
    assert [table for table, _ in lost(before, after) if table != "seen"] == []
    assert marks == {key for key in (row["key"] for row in before["seen"]) if key.startswith(("introduced:", "sugg"))}
    assert marks <= {row["key"] for row in after["once"]}
    say_everything(database)
    database.close()
    assert f"State database upgraded from schema 0000 to {revisions()[-1]}" in caplog.messages


@pytest.mark.parametrize("revision", revisions())
def test_every_revision_is_brought_up_to_date(file: Path, revision: str) -> None:
    former_database(file)
    upgraded_to(file, revision)
    before = rows(file)
    database = open_database(url(file))
    assert {table for table, _ in lost(before, rows(file))} <= {"seen", "alembic_version"}
    say_everything(database)
    database.close()


def test_replicas_of_the_version_before_go_on_working_while_newer_ones_start(file: Path) -> None:
    """Columns only come, and may be left out when a row is inserted; none goes or changes what it holds."""
    file.parent.mkdir()
    engine = create_engine(f"sqlite:///{file}")
    before: dict[str, dict[str, ReflectedColumn]] = {}
    for revision in revisions():
        with engine.begin() as connection:
            command.upgrade(migrations.config_for(connection), revision)
            there = inspect(connection)
            after = {name: {each["name"]: each for each in there.get_columns(name)} for name in there.get_table_names()}
        for table, columns in before.items() if revision >= FIRST_SHARED else ():
            known, now = columns.keys(), after[table].keys()
            kinds = {name: (str(columns[name]["type"]), columns[name]["nullable"]) for name in known}
            assert kinds == {name: (str(after[table][name]["type"]), after[table][name]["nullable"]) for name in known}
            fresh = [after[table][name] for name in now - known]
            required = [each["name"] for each in fresh if not each["nullable"] and each["default"] is None]
            assert not required, f"{revision} lets replicas of the version before insert nothing into {table}"
        before = after
    engine.dispose()


def test_every_revision_has_a_dump() -> None:
    assert [dump.stem for dump in SCHEMAS] == revisions()


@pytest.mark.parametrize("dump", SCHEMAS, ids=lambda dump: dump.stem)
def test_a_database_that_a_released_revision_wrote_is_brought_up_to_date(file: Path, dump: Path) -> None:
    former_database(file, dump=dump)
    database = open_database(url(file))
    say_everything(database)
    database.close()


def test_a_copy_is_made_before_anything_changes_for_its_owner_alone(file: Path) -> None:
    former_database(file)
    before = rows(file)
    open_database(url(file)).close()
    copy = migrations.copy_of(file)
    assert rows(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copy.unlink()
    open_database(url(file)).close()
    assert not copy.exists()  # nothing had to change


def everything(file: Path) -> list[str]:
    """All that is in a database, as SQL."""
    with closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


@pytest.mark.skipif(os.name == "nt", reason="limits of Unix")
def test_where_the_copy_finds_no_room_it_says_so_and_nothing_changes(file: Path) -> None:
    former_database(file)
    before, size = everything(file), file.stat().st_size
    limited = (
        f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); room = {size // 2}\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))\n{OPEN}"
    )
    done = run("-c", limited, url(file), said="\n")
    assert "StoreError: The state database can't be opened (disk I/O error)" in done.stderr
    assert everything(file) == before
    assert [each.name for each in file.parent.glob("*copy*")] == []
    open_database(url(file)).close()


ODD = [
    "UPDATE settings SET value = '{' WHERE key = 'knowledge_bases'",
    "UPDATE settings SET value = 'null' WHERE key = 'knowledge_bases'",
    "UPDATE questions SET hits = '{'",
    "UPDATE questions SET hits = 'null'",
    "UPDATE questions SET hits = '[{}]'",
    "CREATE TABLE alembic_version AS SELECT '0001' AS version_num UNION SELECT '0002'",
]


@pytest.mark.parametrize("statement", ODD)
def test_what_no_version_has_written_is_refused_and_left_as_it_was(file: Path, statement: str) -> None:
    former_database(file)
    execute(file, "INSERT OR REPLACE INTO settings VALUES ('C1', 'knowledge_bases', '[]', 'U1', 1)")
    execute(file, statement)
    before = everything(file)
    with pytest.raises(StoreError, match="holds something that no version of Kotae has written"):
        open_database(url(file))
    assert [each.path for each in psutil.Process().open_files() if each.path.startswith(str(file))] == []
    assert everything(file) == before


def test_of_a_new_database_there_is_no_copy(file: Path) -> None:
    open_database(url(file)).close()
    assert sorted(each.name for each in file.parent.iterdir() if "before" in each.name or each.name[0] == ".") == []


# Killed, and at once


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
def test_killed_in_the_middle_the_next_start_is_as_if_nothing_had_been(file: Path) -> None:
    former_database(file)
    execute(file, SLOW)
    before = rows(file)
    child = opening(file)
    with child:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.flush()
        deadline = time.monotonic() + 60
        while not migrations.copy_of(file).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(1)
        assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        assert child.wait(20) == -signal.SIGKILL
    assert rows(file) == before
    execute(file, "DROP TRIGGER slow")
    database = open_database(url(file))
    say_everything(database)
    database.close()


@pytest.mark.long("starts several processes")
def test_of_several_processes_that_start_at_once_one_upgrades(file: Path) -> None:
    former_database(file)
    children = [opening(file) for _ in range(3)]
    for child in children:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.flush()
    said = [child.communicate(timeout=60) for child in children]
    assert [error for _, error in said] == [""] * 3
    assert [out.splitlines()[-1] for out, _ in said] == ["opened"] * 3
    assert sum(out.count("State database upgraded") for out, _ in said) == 1


# Refused


def test_a_newer_schema_is_refused_and_left_alone(file: Path) -> None:
    open_database(url(file)).close()
    execute(file, "UPDATE alembic_version SET version_num = '9999'")
    before = rows(file)
    with pytest.raises(StoreError, match=rf"schema 9999, which is newer.*\({revisions()[-1]}\)\. Update Kotae"):
        open_database(url(file))
    assert rows(file) == before
    assert not migrations.copy_of(file).exists()


@pytest.mark.parametrize("former", [False, True])
def test_a_database_that_lacks_a_column_is_refused_by_name_and_left_alone(file: Path, *, former: bool) -> None:
    if former:
        former_database(file)
    else:
        open_database(url(file)).close()
    execute(file, "ALTER TABLE audit DROP COLUMN outcome")
    execute(file, "ALTER TABLE replies DROP COLUMN source")
    before = rows(file)
    with pytest.raises(StoreError, match=r"lacks audit\.outcome, replies\.source"):
        open_database(url(file))
    assert rows(file) == before


def test_a_table_that_is_missing_in_an_unversioned_database_is_made(file: Path) -> None:
    """Earlier versions than 56935cf had fewer tables, and made what was missing at each start."""
    former_database(file)
    execute(file, "DROP TABLE publications")
    database = open_database(url(file))
    assert Publications(database).of(5) == {}
    with closing(sqlite3.connect(file)) as raw:
        assert "publications" in tables(raw)
    database.close()


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(StoreError, match="DATABASE_URL"):
        open_database("sqlite://")


def test_what_is_said_of_a_failed_statement_holds_no_question(file: Path) -> None:
    """Not even where somebody logs the error as it is: it names no parameters."""
    database = open_database(url(file))
    execute(file, "DROP TABLE questions")
    with (
        pytest.raises(OperationalError) as failure,
        database._engine.begin() as connection,
    ):
        connection.execute(insert(questions).values(id=1, text="VPNにつながらない"))
    assert "VPNにつながらない" not in str(failure.value)
    assert "hidden" in str(failure.value)
    database.close()


def test_every_module_with_a_table_is_known_to_the_schema() -> None:
    """Else its table is not compared when the database is opened, and nothing is remembered in it."""
    root = Path(schema.__file__).parent
    known = {Path(str(module.__file__)) for module in schema.MODULES}
    stores = (file for file in root.rglob("store/*.py") if "migrations" not in file.parts)
    assert {file for file in stores if re.search(r"^\w+ = Table\($", file.read_text("utf-8"), re.MULTILINE)} == known
