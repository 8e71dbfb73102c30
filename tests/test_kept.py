"""Everything that is kept has a line in one table, and an end; what a killed process left behind is deleted."""

import os
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Table

from bot.retention import KEPT
from handlers.schema import MODULES
from indexes.errors import KnowledgeBaseError
from indexes.records import read_records
from indexes.records.editing import add
from indexes.storage.leftovers import sweep_data, sweep_files

NOW = 1_000_000_000.0


def aged(path: Path, seconds: float = 10) -> Path:
    """Make a file or a folder that was written so long before NOW."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix or path.name.startswith("."):
        path.write_bytes(b"half")
    else:
        path.mkdir()
    os.utime(path, (NOW - seconds, NOW - seconds))
    return path


def test_every_table_has_a_line() -> None:
    tables = {each.name for module in MODULES for each in vars(module).values() if isinstance(each, Table)}
    assert tables == {place for kept in KEPT for place in kept.where} & tables


def test_leftovers_of_a_killed_process_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ours = [
        aged(data / ".status.json.0a1b2c.new"),
        aged(data / ".state.db.backup.0a1b2c.new"),
        aged(data / ".state.db.backup.0a1b2c.new-wal"),
        aged(data / "versions" / "it-help-01234567" / ".versions.json.ffffff.new"),
        aged(data / "uploads" / "0123456789abcdef" / ".about.json.ffffff.new"),
        aged(data / "snapshots" / "it-help-01234567" / ".CURRENT.ffffff.new"),
        aged(data / "snapshots" / "it-help-01234567" / f"{3:020d}-ffffff", 9999),
    ]
    others = [
        aged(data / ".status.json.0a1b2c.new", -10).rename(data / ".status.json.0a1b2d.new"),
        aged(data / "state.db.backup"),
        aged(data / ".notes.new"),
        aged(data / "report.0a1b2c.new"),
        aged(data / "else" / ".status.json.0a1b2c.new"),
        aged(data / "snapshots" / "it-help-01234567" / f"{1:020d}-ffffff", 9999),
        aged(data / "snapshots" / "it-help-01234567" / f"{2:020d}-ffffff", 9999),
        aged(data / "snapshots" / "it-help-01234567" / f"{4:020d}-ffffff", 10),
        aged(data / "snapshots" / "it-help-01234567" / "mine", 9999),
    ]
    ours[0] = aged(data / ".status.json.0a1b2c.new")
    os.utime(others[0], (NOW + 10, NOW + 10))
    (data / "snapshots" / "it-help-01234567" / "CURRENT").write_text(f"{2:020d}-ffffff")
    link = data / ".status.json.111111.new"
    link.symlink_to(others[1])
    assert sweep_data(data, NOW) == len(ours)
    assert [each for each in ours if each.exists()] == []
    assert [each for each in [*others, link] if not each.exists()] == []


def test_what_only_an_earlier_version_read_is_gone(tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshots" / "faq-0123456789"
    snapshot.mkdir(parents=True)
    for folder in (tmp_path, snapshot):
        (folder / "calibration.json").write_text("{}")
        (folder / "kept.json").write_text("{}")
    sweep_data(tmp_path, 0.0)
    assert {path.name for path in tmp_path.rglob("*.json")} == {"kept.json"}
    assert len(list(tmp_path.rglob("kept.json"))) == 2


def test_in_the_knowledge_folder_only_what_the_bot_itself_began(tmp_path: Path) -> None:
    ours = aged(tmp_path / ".it-help.csv.0a1b2c.new")
    others = [aged(tmp_path / name) for name in (".it-help.csv.swp", ".it-help.csv.new", "x.csv.0a1b2c.new")]
    below = aged(tmp_path / "below" / ".it-help.csv.0a1b2c.new")
    assert sweep_files(tmp_path, NOW) == 1
    assert not ours.exists()
    assert all(each.exists() for each in [*others, below])


def test_writing_does_not_make_a_folder_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "knowledge" / "it.csv"
    file.parent.mkdir()
    file.write_text("question,answer\nq,a\n")
    base = read_records(file)
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(KnowledgeBaseError, match=r"its folder .*knowledge is gone"):
        add(base, {"question": "x", "answer": "y"}, datetime.now().astimezone())
    assert not file.parent.exists()
