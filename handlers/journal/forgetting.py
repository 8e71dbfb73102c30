"""Removes a person from a state database, of whatever schema: what they wrote goes, what they did is nobody's."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Engine,
    MetaData,
    NullPool,
    String,
    Table,
    Text,
    and_,
    cast,
    create_engine,
    delete,
    event,
    make_url,
    or_,
    select,
    update,
)

from handlers.journal import voices
from handlers.journal.database import delete_securely
from handlers.journal.installation import PSEUDONYMS

FORGOTTEN = "forgotten"
"""What stands where the id of somebody stood who is forgotten."""
WAIT_SECONDS = 60
"""How long it waits for the running bot to finish writing; each write takes a millisecond."""
HEADER = b"SQLite format 3\0"
OF_QUESTION = ("votes", "reports", "publications", "replies", "confirmations")
"""Tables that say more of a question, by its id."""


def databases(url: str) -> list[str]:
    """List the address of a state database and of its copies: of SQLite's, the files called like it and a dot more."""
    location = make_url(url)
    if location.get_backend_name() != "sqlite" or not location.database:
        return [url]
    file = Path(location.database)
    files = sorted(each for each in [file, *file.parent.glob(f"{file.name}.*")] if _is_sqlite(each))
    return [f"sqlite:///{each}" for each in files]


def forget(url: str, user: str) -> Counter[str]:
    """Remove a person from one database; return how many rows of each table changed. Raises SQLAlchemyError.

    Beside a running bot: each table is a transaction of its own. SQLite's files are then written anew without what was
    deleted, for which the bot waits as long as for any other write.
    """
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    waiting = {"timeout": WAIT_SECONDS} if is_sqlite else {}
    engine = create_engine(url, poolclass=NullPool, connect_args=waiting, hide_parameters=True)
    if is_sqlite:
        event.listen(engine, "connect", delete_securely)
    changed = _Person(engine, user).forget()
    if is_sqlite:
        _vacuum(engine)
    return changed


def _is_sqlite(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(HEADER)) == HEADER


class _Person:
    """One person in one database, whose tables are looked up: a copy may be of an older schema."""

    def __init__(self, engine: Engine, user: str) -> None:
        self._engine = engine
        self._user = user
        self._word = re.compile(rf"<@{re.escape(user)}(?:\|[^>]*)?>|(?<!\w){re.escape(user)}(?!\w)")
        metadata = MetaData()
        metadata.reflect(engine)
        self._tables = metadata.tables
        self._changed: Counter[str] = Counter()

    def forget(self) -> Counter[str]:
        """Take back what counts, delete what belongs to the person alone, and take the id out of all the rest."""
        self._forget_voices()
        self._forget_questions()
        self._delete("confirmations", "user")
        for table in self._tables.values():
            self._sweep(table)
        return +self._changed

    def _forget_voices(self) -> None:
        if "voices" not in self._tables:
            return
        facts = self._tables["installation"]
        with self._engine.begin() as connection:
            secret = connection.execute(select(facts.c.value).where(facts.c.key == PSEUDONYMS)).scalar_one()
            self._changed["voices"] += voices.forget(connection, voices.pseudonym(self._user, secret))

    def _forget_questions(self) -> None:
        """Leave of the person's questions what is counted, and of what was done with them nothing."""
        questions = self._tables["questions"]
        own = questions.c.user == self._user
        mine = select(questions.c.id).where(own).scalar_subquery()
        with self._engine.begin() as connection:
            for name in ("reports", "publications", "replies"):
                about = self._tables[name].c.question.in_(mine)
                self._changed[name] += connection.execute(delete(self._tables[name]).where(about)).rowcount
            blank = update(questions).where(own).values(user="", text="")
            self._changed["questions"] += connection.execute(blank).rowcount

    def _delete(self, name: str, column: str) -> None:
        with self._engine.begin() as connection:
            own = self._tables[name].c[column] == self._user
            self._changed[name] += connection.execute(delete(self._tables[name]).where(own)).rowcount

    def _sweep(self, table: Table) -> None:
        """Delete the rows that have the id in their key, and put something else in its place where it stands else."""
        keys = list(table.primary_key.columns)
        texts = [column for column in table.columns if isinstance(column.type, String | JSON)]
        with self._engine.begin() as connection:
            rows = connection.execute(select(table).where(or_(*map(self._may_have, texts)))).mappings().all()
            for row in rows:
                this = and_(*(key == row[key.name] for key in keys))
                if any(self._has(row[key.name]) for key in keys):
                    connection.execute(delete(table).where(this))
                elif fresh := dict(self._without(row, texts)):
                    connection.execute(update(table).where(this).values(fresh))
                else:
                    continue
                self._changed[table.name] += 1

    def _may_have(self, column: Column[Any]) -> ColumnElement[bool]:
        return cast(column, Text).contains(self._user, autoescape=True)

    def _has(self, value: object) -> bool:
        return isinstance(value, str) and self._word.search(value) is not None

    def _without(self, row: Any, columns: Sequence[Column[Any]]) -> Iterator[tuple[str, Any]]:
        """Yield the columns that change, with what they then hold."""
        for column in columns:
            value = row[column.name]
            fresh = self._replaced(value)
            if fresh != value:
                yield column.name, fresh

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._word.sub(FORGOTTEN, value)
        if isinstance(value, list):
            return [self._replaced(each) for each in value if each != self._user]
        return json.loads(self._word.sub(FORGOTTEN, json.dumps(value, ensure_ascii=False)))


def _vacuum(engine: Engine) -> None:
    """Write the file anew: pages that were freed before, and rows that were moved, may still hold the words."""
    with closing(engine.raw_connection()) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
