"""`kotae import`: what a folder would change is shown, and an empty or older one overrides nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.importing import run_import
from bot.samples import FOLDER as SAMPLES
from bot.settings import Environment, Settings, SettingsError
from handlers.knowledge.store.documents import ConflictError, Documents, Made
from handlers.schema import open_database
from handlers.store.audit import AuditLog
from handlers.store.database import Database
from tests.audit import action, outcome

FIRST = "id,question,answer\nvpn,VPN?,Restart it.\nwifi,Wi-Fi?,Sample-Office\n"
SECOND = "id,question,answer\nvpn,VPN?,Open the client.\npw,Password?,Reset it.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "knowledge"
    made.mkdir()
    return made


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    opened = open_database(postgresql)
    yield opened
    opened.close()


class Importer:
    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder = folder
        self.url = url
        self.config = ConfigFile()

    def __call__(self, path: Path | None = None, *, confirm: bool = True) -> tuple[bool, list[str]]:
        values = {"knowledge_dir": self.folder, "data_dir": self.folder.parent / "data", "database_url": self.url}
        settings = Settings(Environment.model_validate(values), self.config, Path("kotae.toml"))
        said: list[str] = []
        return run_import(settings, path, said.append, lambda: confirm), said


@pytest.fixture
def importer(folder: Path, postgresql: str) -> Importer:
    return Importer(folder, postgresql)


def contents(database: Database) -> dict[str, str]:
    stored = Documents(database)
    return {
        each.file: (stored.content(each.file, each.digest) or b"?").decode()
        for each in stored.all() or ()
        if each.digest
    }


def test_what_is_new_is_imported_once_it_is_confirmed(folder: Path, importer: Importer, database: Database) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    (folder / "_synonyms.csv").write_text("original,normalized\nルーター,無線機\n", encoding="utf-8")
    shown = ["new       it-help.csv: 2 rows", "new       _synonyms.csv: 1 rows"]
    assert importer(confirm=False) == (False, [*shown, "Nothing was imported"])
    assert contents(database) == {}
    done = ["it-help.csv: imported as version 1", "_synonyms.csv: imported as version 1"]
    assert importer() == (True, [*shown, *done])
    assert contents(database)["it-help.csv"] == FIRST
    same = ["same      it-help.csv: the same", "same      _synonyms.csv: the same", "Nothing to import"]
    assert importer() == (True, same)
    assert [(action(each), outcome(each)) for each in AuditLog(database).newest()][-1] == (
        "import it-help.csv",
        "version 1; entries: 2, +2 ~0 -0",
    )


def test_the_difference_is_shown_by_rows(folder: Path, importer: Importer, database: Database) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    importer()
    (folder / "it-help.csv").write_text(SECOND, encoding="utf-8")
    _, said = importer()
    assert said[0] == "changed   it-help.csv: 1 added, 1 changed, 1 removed (2 rows)"
    assert contents(database) == {"it-help.csv": SECOND}


def test_an_empty_folder_overrides_nothing(folder: Path, importer: Importer, database: Database) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    importer()
    (folder / "it-help.csv").unlink()
    _, said = importer()
    assert said == [
        "absent    it-help.csv: only in the database, where it stays; /kb remove removes it",
        f"{folder}: no CSV file or workbook; nothing is changed",
    ]
    assert contents(database) == {"it-help.csv": FIRST}


def test_an_older_file_overrides_nothing_unless_it_is_named(
    folder: Path, importer: Importer, database: Database
) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    importer()
    stored = Documents(database)
    stored.put("it-help.csv", SECOND.encode(), stored.digest("it-help.csv") or "", Made(2, "edit", "U1"))
    _, said = importer()
    why = "it is version 1, the database has a later one; left out unless it is named"
    assert said == [f"older     it-help.csv: {why} (1 added, 1 changed, 1 removed)", "Nothing to import"]
    assert contents(database) == {"it-help.csv": SECOND}
    assert importer(folder / "it-help.csv")[1][-1] == "it-help.csv: imported as version 3"
    assert contents(database) == {"it-help.csv": FIRST}


def test_what_an_admin_removed_stays_removed_unless_it_is_named(
    folder: Path, importer: Importer, database: Database
) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    importer()
    Documents(database).remove("it-help.csv", "U1")
    _, said = importer()
    assert said == [
        "removed   it-help.csv: an admin removed it; left out unless it is named (2 rows)",
        "Nothing to import",
    ]
    importer(folder / "it-help.csv")
    assert contents(database) == {"it-help.csv": FIRST}


def test_a_file_that_cant_be_used_is_left_out_and_the_others_are_not(
    folder: Path, importer: Importer, database: Database
) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    (folder / "notes.csv").write_text("", encoding="utf-8")
    went_well, said = importer()
    assert not went_well
    assert said[1].startswith("unusable  notes.csv: ")
    assert said[1].endswith("; left out")
    assert contents(database) == {"it-help.csv": FIRST}


def test_a_file_that_kotae_toml_names_keeps_its_place(folder: Path, importer: Importer, database: Database) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "it.csv").write_text(FIRST, encoding="utf-8")
    importer.config = ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(file=Path("sub/it.csv"))})
    importer()
    assert contents(database) == {"sub/it.csv": FIRST}


def test_without_a_shared_database_there_is_nothing_to_import(folder: Path) -> None:
    with pytest.raises(SettingsError, match="the bot reads KNOWLEDGE_DIR itself"):
        Importer(folder, None)()


def test_nothing_is_imported_that_is_not_logged(
    folder: Path, importer: Importer, database: Database, postgresql: str
) -> None:
    (folder / "it-help.csv").write_text(FIRST, encoding="utf-8")
    engine = create_engine(postgresql, poolclass=NullPool)
    with engine.connect() as beside:
        beside.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
        done, said = importer()
    assert (done, contents(database)) == (False, {})
    assert "it-help.csv: not imported" in said[-1]
    assert importer()[0]
    assert contents(database) == {"it-help.csv": FIRST}
    assert len(AuditLog(database).newest()) == 1


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(database: Database) -> None:
    stored = Documents(database)
    first = stored.put("a.csv", b"1", "", Made(1, "file", ""))
    stored.put("a.csv", b"2", first.digest, Made(1, "edit", "U1"))
    with pytest.raises(ConflictError, match=r"a\.csv: the file has changed meanwhile"):
        stored.put("a.csv", b"3", first.digest, Made(1, "edit", "U2"))
    with pytest.raises(ConflictError):
        stored.put("b.csv", b"3", first.digest, Made(1, "edit", "U2"))
    assert contents(database) == {"a.csv": "2"}


def test_samples_are_named_before_anybody_confirms(folder: Path, importer: Importer, database: Database) -> None:
    shutil.copy(SAMPLES / "dev-faq.csv", folder)
    imported, said = importer(confirm=False)
    assert not imported
    assert "rows are those of the samples that come with Kotae" in said[1]
    assert contents(database) == {}
