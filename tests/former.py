"""What earlier versions wrote: see `fixtures/56935cf/make.py.txt`, and `fixtures/schemas` for the revisions since."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"
FORMER = FIXTURES / "56935cf"

Rows = dict[str, list[dict[str, Any]]]


def former_ids() -> dict[str, str]:
    """The ids that people and channels had: id -> name, `@name` for direct messages."""
    ids: dict[str, str] = json.loads((FORMER / "ids.json").read_text("utf-8"))
    return ids


def former_messages(ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The messages whose buttons people may still press, by name."""
    text = (FORMER / "messages.json").read_text("utf-8")
    return {each["name"]: each for each in json.loads(_renamed(text, ids))}


def former_database(file: Path, ids: Mapping[str, str] | None = None, dump: Path = FORMER / "state.sql") -> None:
    """Make a database from a dump, as if it had been written just now; `ids` are those of today, by the former ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as database:
        database.executescript(_renamed(dump.read_text("utf-8"), ids or {}))
        [(newest,)] = database.execute("SELECT max(at) FROM seen").fetchall()
        for table in tables(database):
            if "at" in {name for _, name, *_ in database.execute(f'PRAGMA table_info("{table}")')}:
                database.execute(f'UPDATE "{table}" SET at = at + ?', (time.time() - newest,))
        database.execute("PRAGMA journal_mode=WAL")
        database.commit()


def former_folder(folder: Path, ids: Mapping[str, str]) -> None:
    """Make `folder`/knowledge and `folder`/data as they were."""
    for name in ("knowledge", "data"):
        shutil.copytree(FORMER / name, folder / name, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for kept in [*(folder / "data" / "snapshots").iterdir(), *(folder / "data" / "versions").iterdir()]:
        name = kept.name.rpartition("-")[0]
        where = str((folder / "knowledge" / f"{name}.csv").resolve())  # the folder is named after it
        kept.rename(kept.with_name(f"{name}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"))
    for about in (folder / "data").glob("uploads/*/about.json"):
        about.write_text(_renamed(about.read_text("utf-8"), ids), encoding="utf-8")
        os.utime(about.parent)
    former_database(folder / "data" / "state.db", ids)


def tables(database: sqlite3.Connection) -> list[str]:
    """The tables of a database by name."""
    return [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]


def rows(file: Path) -> Rows:
    """Everything that is in a database."""
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        names = [row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [dict(row) for row in database.execute(f'SELECT * FROM "{name}"')] for name in names}


def lost(before: Rows, after: Rows) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows whose values are not all there any more, with their tables."""
    for table, kept in before.items():
        for row in kept:
            if not any(row.items() <= each.items() for each in after.get(table, [])):
                yield table, row


def _renamed(text: str, ids: Mapping[str, str]) -> str:
    return re.sub("|".join(ids), lambda found: ids[found[0]], text) if ids else text
