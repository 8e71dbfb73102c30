"""`kotae backup` and `kotae restore`: whole or not at all, whatever is given and whenever it is killed."""

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.archive import ABOUT, _digest
from bot.backup import SETTINGS
from bot.config_file import ConfigFile
from bot.lock import only_one
from bot.restore import finish
from bot.settings import Environment, Settings
from handlers.schema import open_database
from handlers.store.questions import Questions, questions
from indexes.records import Source
from indexes.storage.versions import Versions
from tests.former import former_folder, rows
from tests.processes import Python, run
from tests.test_recovery import ASKED, FINAL, WHO, fill, settings

CSV = "id,question,answer\nvpn,How do I connect?,Open the client.\n"
TOML = 'threshold = 0.7\n[knowledge_bases.faq]\nfile = "files/faq 1.csv"\n'
KILLING = """\
import os, signal, sys
left = int(sys.argv.pop(1))
def count(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect", "shutil.rmtree"):
        touched = [str(each) for each in arguments[:1]]
        if any("place" in each or "replaced" in each or "restoring" in each for each in touched):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
from bot.cli import main
sys.addaudithook(count)
sys.exit(main())
"""
"""Kills itself before the file operation whose number it is given."""

WRITING = """\
import sys
from pathlib import Path
from handlers.schema import open_database
from handlers.store.questions import Questions
from indexes.atomic_file import replace_file
from tests.test_recovery import ASKED
database = open_database(f"sqlite:///{sys.argv[1]}/data/state.db")
for number in range(10**6):
    Questions(database).add(ASKED)
    if number % 500 == 250:
        replace_file(Path(sys.argv[1], "knowledge/it-help.csv"), b"question,answer\\n" * number)
    print(number, flush=True)
"""
"""A bot that is asked without a pause, and whose file is edited now and then."""


class Place:
    """A folder with a bot's data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.knowledge, self.file = folder / "data", folder / "knowledge", folder / "data" / "state.db"

    def kotae(self, *arguments: object, said: str = "", program: tuple[str, ...] = ("-m", "bot")) -> Any:
        return run(*program, *arguments, said=said, cwd=self.folder, env=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HF_HUB_OFFLINE")}
        return {**kept, "DATA_DIR": str(self.data), "ADMIN_USERS": "U0ADMIN"}

    @property
    def settings(self) -> Settings:
        environment = Environment(data_dir=self.data, knowledge_dir=self.knowledge)
        return Settings(environment, ConfigFile(), self.folder / "kotae.toml")

    def content(self) -> dict[str, Any]:
        """What a backup holds: rows, files, and contents of versions by the file that they belong to."""
        files = {str(each.relative_to(self.folder)): each.read_bytes() for each in self.knowledge.rglob("*.csv")}
        versions = {
            name: [(one.number, one.by) for one in Versions(self.data).of(Source(name, self.knowledge / file))]
            for name, file in (("it-help", "it-help.csv"), ("faq", "files/faq 1.csv"))
        }
        tables = {name: len(found) for name, found in rows(self.file).items()} if self.file.exists() else {}
        toml = self.folder / "kotae.toml"
        return {**files, "versions": versions, "tables": tables, "toml": toml.exists() and toml.read_text()}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return made(tmp_path_factory.mktemp("original"), rounds=4)


def made(folder: Path, rounds: int) -> Place:
    place = Place(folder)
    (place.knowledge / "files").mkdir(parents=True)
    (place.knowledge / "it-help.csv").write_text(CSV)
    (place.knowledge / "files" / "faq 1.csv").write_text(CSV)
    (place.knowledge / ".it-help.csv.0a1b2c.new").write_text("half")
    (place.folder / "kotae.toml").write_text(TOML)
    (place.folder / ".env").write_text("SLACK_BOT_TOKEN=xoxb-CANARYTOKEN\nMODEL_NAME=some/model\n")
    database = open_database(f"sqlite:///{place.file}")
    fill(database, rounds, "0.9")
    database.close()
    for name, file in (("it-help", "it-help.csv"), ("faq", "files/faq 1.csv")):
        source = Source(name, place.knowledge / file)
        Versions(place.data).keep(source, b"id,question,answer\nold,?,!\n", 1, "upload", WHO)
        Versions(place.data).keep(source, CSV.encode(), 1, "upload", "U0ADMIN")
    return place


@pytest.fixture(scope="module")
def backup(original: Place) -> Path:
    target = original.folder / "kotae.zip"
    done = original.kotae("backup", target)
    assert (done.returncode, "no token" in done.stderr) == (0, True), done.stderr
    return target


@pytest.fixture
def other(tmp_path: Path) -> Place:
    """Another machine, with a bot of its own."""
    place = made(tmp_path / "place", rounds=2)
    (place.knowledge / "it-help.csv").write_text(CSV + "new,New?,Yes.\n")
    (place.knowledge / "extra.csv").write_text(CSV)
    (place.folder / "kotae.toml").write_text("threshold = 0.5\n")
    return place


def copied(place: Place, folder: Path) -> Place:
    """The same elsewhere; folders of versions are named after where their files are."""
    copy = Place(folder)
    shutil.copytree(place.folder, folder, ignore=shutil.ignore_patterns("*.zip"))
    for name, file in (("it-help", "it-help.csv"), ("faq", "files/faq 1.csv")):
        was = copy.data / "versions" / Source(name, place.knowledge / file).folder
        was.rename(was.with_name(Source(name, copy.knowledge / file).folder))
    return copy


# Whole


def test_what_is_restored_elsewhere_is_what_was_backed_up(original: Place, backup: Path, other: Place) -> None:
    before = other.content()
    done = other.kotae("restore", backup, "--yes")
    assert done.returncode == 0, done.stderr
    assert other.content() == original.content()
    [aside] = other.data.glob("replaced-*")
    assert str(aside) in done.stdout
    assert (aside / "knowledge" / "extra.csv").read_text() == CSV
    kept = {name: len(found) for name, found in rows(aside / "state.db").items()}
    assert (kept, (aside / "kotae.toml").read_text()) == (before["tables"], before["toml"])
    database = open_database(f"sqlite:///{other.file}")
    assert settings(database) == FINAL
    assert database.recovery.waiting is None
    assert database.recovery.answers_since > time.time() - 60
    database.close()


def test_it_says_what_is_replaced_and_asks(backup: Path, other: Place) -> None:
    before = other.content()
    for said in ("y\n", ""):
        done = other.kotae("restore", backup, said=said)
        assert (done.returncode, "Nothing was changed" in done.stderr) == (1, True)
    for line in ("it-help.csv: changed", "extra.csv: removed", "kotae.toml: changed", "State database: 0."):
        assert line in done.stdout
    assert other.content() == before
    assert not (other.data / "restoring").exists()
    (other.folder / ".env").write_text("")
    again = other.kotae("restore", backup, said="yes\n")
    assert again.returncode == 0
    assert ".env: left as it is; MODEL_NAME was 'some/model', and is '' here" in again.stdout
    assert other.kotae("restore", backup, "--yes").stdout.count("changed") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_leaves_at_the_question_leaves_nothing_unpacked(backup: Path, other: Place, number: int) -> None:
    """After Ctrl-C nothing is left; after a kill the next start cleans up."""
    before, pipe, said = other.content(), subprocess.PIPE, ""
    arguments = ("-m", "bot", "restore", str(backup))
    with Python[str](
        *arguments, cwd=other.folder, env=other.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as asking:
        assert asking.stderr
        while not said.endswith("Type yes: "):
            said += asking.stderr.read(1)
        assert (other.data / "restoring" / "state.db").exists()
        asking.send_signal(number)
        _, after = asking.communicate(timeout=60)
    if number == signal.SIGINT:
        assert (asking.returncode, after) == (1, "Stopped.\n")
    else:
        finish(other.settings)
    assert not (other.data / "restoring").exists()
    assert other.content() == before


def test_it_holds_no_secret_and_is_for_its_owner_alone(original: Place, backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with zipfile.ZipFile(backup) as archive:
        names = archive.namelist()
        assert all(b"CANARYTOKEN" not in archive.read(name) for name in names)
        assert not [name for name in names if ".env" in name or ".new" in name or "snapshots" in name]
        about = json.loads(archive.read(ABOUT))["about"]
    assert about["settings"] == {
        "ADMIN_COMMAND": "/kb",
        "ADMIN_USERS": "U0ADMIN",
        "ENCODER_BACKEND": "auto",
        "ENCODER_PRECISION": "auto",
        "INDEX_BACKEND": "faiss",
        "LOG_LEVEL": "INFO",
        "MODEL_NAME": "some/model",
        "SEARCH_COMMAND": "/search",
    }
    done = original.kotae("backup", backup)
    assert (done.returncode, "exists already" in done.stderr) == (1, True)


def test_every_setting_is_told_or_is_a_secret_or_a_place() -> None:
    others = {name for name in Environment.model_fields if name not in SETTINGS}
    secrets = {"slack_bot_token", "slack_app_token", "slack_config_token", "kotae_token", "database_url"}
    assert others == secrets | {"slack_api_url", "knowledge_dir", "data_dir", "hf_home"}


def test_a_copy_made_while_the_bot_writes_is_whole(original: Place, tmp_path: Path) -> None:
    place = copied(original, tmp_path / "busy")
    running = Python[bytes]("-c", WRITING, str(place.folder), stdout=subprocess.PIPE)
    try:
        assert running.stdout
        running.stdout.readline()
        done = place.kotae("backup", tmp_path / "busy.zip")
    finally:
        running.kill()
        running.communicate()
    assert done.returncode == 0, done.stderr
    restored = made(tmp_path / "place", 1)
    assert restored.kotae("restore", tmp_path / "busy.zip", "--yes").returncode == 0
    with closing(sqlite3.connect(restored.file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM inbox").fetchone() == (0,)


def test_what_a_former_version_wrote_is_restored_and_upgraded(tmp_path: Path, other: Place) -> None:
    former = Place(tmp_path / "former")
    former_folder(former.folder, {})
    before = rows(former.file)
    assert former.kotae("backup", tmp_path / "former.zip").returncode == 0
    assert rows(former.file) == before  # nothing is upgraded by it
    assert other.kotae("restore", tmp_path / "former.zip", "--yes").returncode == 0
    database = open_database(f"sqlite:///{other.file}")
    assert len(database.read("count", questions.select()) or ()) == len(before["questions"])
    database.close()
    assert len(Versions(other.data).of(Source("it-help", other.knowledge / "it-help.csv"))) == 2


# Refused


def refused(place: Place, archive: Path, words: str) -> None:
    before = place.content()
    done = place.kotae("restore", archive, "--yes")
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr
    assert place.content() == before
    assert list(place.data.glob("replaced-*")) == []


def test_a_running_bot_is_refused(backup: Path, other: Place) -> None:
    with only_one(other.data):
        refused(other, backup, f"process {os.getpid()} on ")


@pytest.mark.long("damages a file again and again")
def test_damage_anywhere_is_refused(backup: Path, other: Place, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    numbers = random.Random(14)
    for number in range(12):
        data = bytearray(whole)
        at = numbers.randrange(len(data))
        if number % 3:
            data[at] ^= 1 << numbers.randrange(8)
        else:
            del data[at:]
        damaged = tmp_path / f"{number}.zip"
        damaged.write_bytes(data)
        before = other.content()
        done = other.kotae("restore", damaged, "--yes")
        if done.returncode == 0:  # a bit of a date, or of the headers that nobody reads
            assert _members(damaged) == _members(backup), number
            shutil.rmtree(other.folder)
            made(other.folder, rounds=2)
        else:
            assert "Traceback" not in done.stderr, done.stderr
            assert other.content() == before, number
            assert not (other.data / "restoring").exists()


def _members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/tmp/evil.csv", "knowledge/../../evil.csv", "C:/evil.csv", "a\\..\\evil", "a//b", "./a"]
)
def test_a_path_that_leaves_the_folder_is_refused(backup: Path, other: Place, tmp_path: Path, name: str) -> None:
    def add(about: dict[str, Any]) -> None:
        about["files"][name] = {"size": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}

    refused(other, forged(backup, tmp_path / "forged.zip", add, {name: b""}), "a path that leaves the folder")


def test_a_folder_of_versions_that_leaves_is_refused(backup: Path, other: Place, tmp_path: Path) -> None:
    def lead_out(about: dict[str, Any]) -> None:
        about["about"]["folders"] = {"it-help-00000000": "../../elsewhere.csv"}

    refused(other, forged(backup, tmp_path / "forged.zip", lead_out, {}), "a path that leaves the folder")


def test_a_newer_format_or_schema_is_refused(backup: Path, other: Place, tmp_path: Path) -> None:
    newer = forged(backup, tmp_path / "format.zip", lambda about: about.update(format=2), {})
    refused(other, newer, "has format 2, this version reads 1. Update Kotae")
    with zipfile.ZipFile(backup) as archive:
        archive.extract("state.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "state.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("PRAGMA user_version = 9999")
    place = Place(tmp_path / "newer")
    place.data.mkdir(parents=True)
    shutil.copyfile(tmp_path / "state.db", place.file)
    assert "schema 9999, which is newer" in place.kotae("backup", tmp_path / "no.zip").stderr
    data = (tmp_path / "state.db").read_bytes()

    def swap(about: dict[str, Any]) -> None:
        about["files"]["state.db"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    refused(other, forged(backup, tmp_path / "schema.zip", swap, {"state.db": data}), "schema 9999, which is newer")


def test_what_is_no_backup_is_refused(other: Place, tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_text("notes")
    refused(other, tmp_path / "notes.zip", "is damaged, or no backup of Kotae's")
    refused(other, tmp_path / "none.zip", "can't be read: No such file")


def test_a_database_on_a_server_has_backups_of_its_own(other: Place, tmp_path: Path) -> None:
    (other.folder / ".env").write_text("DATABASE_URL=postgresql+psycopg://kotae:hunter2@db/kotae\n")
    done = other.kotae("backup", tmp_path / "no.zip")
    assert (done.returncode, "pg_dump" in done.stderr, "hunter2" in done.stderr) == (1, True, False)


def forged(backup: Path, target: Path, change: Callable[[dict[str, Any]], object], added: dict[str, bytes]) -> Path:
    """A backup that somebody changed, with the right checksums."""
    members = {**_members(backup), **added}
    about = json.loads(members.pop(ABOUT))
    change(about)
    about["sha256"] = _digest({"about": about["about"], "files": about["files"]})
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr(ABOUT, json.dumps(about))
    return target


# Forgotten


def test_who_was_forgotten_stays_forgotten(original: Place, tmp_path: Path) -> None:
    asked = copied(original, tmp_path / "asked")
    database = open_database(f"sqlite:///{asked.file}")
    Questions(database).add(type(ASKED)(ASKED.source, "C1", WHO, "CANARYTEXT", ASKED.hits, 0.9, 0.9, answered=True))
    database.close()
    archive = asked.folder / "with.zip"
    assert asked.kotae("backup", archive).returncode == 0
    assert asked.kotae("forget", WHO).returncode == 0
    assert asked.kotae("restore", archive, "--yes").returncode == 0
    assert _found(asked, WHO) == _found(asked, "CANARYTEXT") == []
    assert [one.by for one in Versions(asked.data).of(Source("it-help", asked.knowledge / "it-help.csv"))][1] == ""


def test_forgetting_reaches_what_a_restore_replaced(backup: Path, other: Place) -> None:
    database = open_database(f"sqlite:///{other.file}")
    Questions(database).add(type(ASKED)(ASKED.source, "C1", WHO, "CANARYTEXT", ASKED.hits, 0.9, 0.9, answered=True))
    database.close()
    assert other.kotae("restore", backup, "--yes").returncode == 0
    assert _found(other, "CANARYTEXT")
    done = other.kotae("forget", WHO)
    assert (done.returncode, "replaced-" in done.stdout) == (0, True), done.stderr
    assert _found(other, WHO) == _found(other, "CANARYTEXT") == []


def _found(place: Place, word: str) -> list[str]:
    return [str(each) for each in place.data.rglob("*") if each.is_file() and word.encode() in each.read_bytes()]


# Killed


@pytest.mark.long("kills a process again and again")
def test_killed_at_any_file_operation_it_is_the_old_or_the_new(original: Place, backup: Path, tmp_path: Path) -> None:
    template = made(tmp_path / "template", rounds=1)
    (template.knowledge / "extra.csv").write_text(CSV)
    old, new = template.content(), original.content()
    found: set[str] = set()
    for number in _steps():
        place = copied(template, tmp_path / f"place{number}")
        done = place.kotae(number, "restore", backup, "--yes", program=("-c", KILLING))
        finish(place.settings)
        assert place.content() in (old, new), number
        found.add("new" if place.content() == new else "old")
        if place.content() == new:
            [aside] = place.data.glob("replaced-*")
            assert (aside / "knowledge" / "extra.csv").read_text() == CSV, number
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        shutil.rmtree(place.folder)
    else:
        pytest.fail("it was never left to the end")
    assert found == {"old", "new"}


def _steps() -> Iterator[int]:
    """Every 17th operation: each of them starts a process."""
    return iter(range(0, 10_000, 17))
