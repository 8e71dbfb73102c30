"""Removes a person from a state database of any schema: their texts are deleted, their actions become anonymous."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    Text,
    and_,
    cast,
    delete,
    inspect,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from handlers.learning.store import voices
from handlers.store.audit import impersonal, quoted
from handlers.store.database import FORGOTTEN
from handlers.store.engines import is_server, single_use
from handlers.store.errors import StoreError
from handlers.store.exclusive import wait_for
from handlers.store.file_address import url_of
from handlers.store.installation import PSEUDONYMS, installation
from handlers.store.reasons import reason_of
from handlers.store.recovery import ENDINGS, set_aside
from handlers.store.sqlite import file_of
from handlers.texts import ENGLISH

WAIT_SECONDS = 60
"""How long it waits for the running bot to finish writing; each write takes a millisecond."""
HEADER = b"SQLite format 3\0"
OF_RESTORES = ("replaced-*", "restoring")
"""Folders with databases that a restore replaced, or is about to put in place."""
OF_QUESTION = ("reports", "publications", "replies")
"""Tables with more about a question, by its id."""


def databases(url: str, data_dir: Path | None = None) -> list[tuple[str, str]]:
    """List names and addresses of a state database and its copies; none where there is no file.

    Copies are SQLite files beside it whose names begin with its name and a dot: ``state.db.before-upgrade``; and those
    that a restore replaced, also below `data_dir`. What is damaged is listed too, whatever it holds. A process that has
    one of them open must not call this: closing a file releases the locks that SQLite holds on it.
    """
    file = file_of(url)
    if file is None:
        return [("state database", url)]
    copies = [file.parent.glob(f"{file.name}.*")]
    copies += [place.glob(f"{folder}/*") for place in {file.parent, data_dir or file.parent} for folder in OF_RESTORES]
    files = {each for found in copies for each in found if _is_sqlite(each)}
    files |= {each for each in set_aside(file) if not each.name.endswith(ENDINGS[1:])}
    if file.is_file() and file.stat().st_size:
        files.add(file)
    names = {each: each.name if each.parent == file.parent else f"{each.parent.name}/{each.name}" for each in files}
    return [(names[each], url_of(each)) for each in sorted(files)]


class ForgettingError(Exception):
    """A database could not be changed; the message says why, without anything that is in it."""


def forget(url: str, user: str) -> Counter[str]:
    """Remove a person from one database; return how many rows of each table changed. Raises ForgettingError.

    The bot may be running: each table is a transaction of its own. SQLite's files are then rewritten without what was
    deleted, for which the bot waits as for any other write.
    """
    try:
        engine = single_use(make_url(url), WAIT_SECONDS)
        changed = _Person(engine, user).forget()
        _vacuum(engine, changed)
    except KeyError as error:
        raise ForgettingError(f"it has no table {error}") from error
    except (SQLAlchemyError, StoreError) as error:
        raise _failure(error) from None
    return changed


def voice_of(url: str, user: str) -> str | None:
    """Return a person's pseudonym in a database; None if it can't be read, or is older than pseudonyms."""
    try:
        with single_use(make_url(url), WAIT_SECONDS).connect() as connection:
            wanted = select(installation.c.value).where(installation.c.key == PSEUDONYMS)
            secret = connection.execute(wanted).scalar_one_or_none()
    except (SQLAlchemyError, StoreError):
        return None
    return voices.pseudonym(user, secret) if secret else None


def forget_voice(url: str, pseudonym: str) -> None:
    """Remove what a person has voted from a database, by their pseudonym; raises ForgettingError."""
    try:
        with single_use(make_url(url), WAIT_SECONDS).begin() as connection:
            if inspect(connection).has_table("voices"):
                voices.forget(connection, pseudonym)
    except (SQLAlchemyError, StoreError) as error:
        raise _failure(error) from None


def _failure(error: SQLAlchemyError | StoreError) -> ForgettingError:
    return ForgettingError(str(error) if isinstance(error, StoreError) else ENGLISH.say(reason_of(error)))


def _is_sqlite(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(HEADER)) == HEADER


INDEXES = "index_"
"""How the tables of INDEX_BACKEND=pgvector begin: made from the knowledge bases alone, nobody's id is in them."""


class _Person:
    """A person in one database, whose tables are read from it: a copy may have an older schema."""

    def __init__(self, engine: Engine, user: str) -> None:
        self._engine = engine
        self._user = user
        self._ids = [user]
        metadata = MetaData()
        metadata.reflect(engine, only=lambda name, _: not name.startswith(INDEXES))
        self._tables = metadata.tables
        self._changed: Counter[str] = Counter()

    def forget(self) -> Counter[str]:
        """Delete the person's votes, questions and proposals, and replace the user id everywhere else."""
        self._forget_waiting()
        self._forget_voices()
        self._forget_questions()
        self._forget_opinions()
        for table in self._tables.values():
            self._sweep(table)
        return +self._changed

    @contextmanager
    def _transaction(self, alone: str = "") -> Iterator[Connection]:
        """Lock the database before reading, so that nobody writes between reading and writing.

        On a server only what the bot does under the same name, see `Database.change`, and rows that are read to be
        changed.
        """
        with self._engine.begin() as connection:
            if not is_server(self._engine.url):
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif alone:
                wait_for(connection, alone)
            yield connection

    def _forget_waiting(self) -> None:
        """Delete what the person has asked and the bot has not done yet, how much it was, and their files that wait."""
        for name, column in (("inbox", "user"), ("uploads", "user"), ("buckets", "person")):
            if name in self._tables:
                table = self._tables[name]
                with self._transaction() as connection:
                    own = delete(table).where(table.c[column] == self._user)
                    self._changed[name] += connection.execute(own).rowcount

    def _forget_voices(self) -> None:
        if "voices" not in self._tables:
            return
        facts = self._tables["installation"]
        with self._transaction(alone=voices.VOICES) as connection:
            secret = connection.execute(select(facts.c.value).where(facts.c.key == PSEUDONYMS)).scalar_one()
            self._changed["voices"] += voices.forget(connection, voices.pseudonym(self._user, secret))

    def _forget_questions(self) -> None:
        """Blank the person's questions, which stay for the counts, and delete what was done with them."""
        questions = self._tables["questions"]
        own = questions.c.user == self._user
        mine = select(questions.c.id).where(own).scalar_subquery()
        with self._transaction() as connection:
            direct = select(questions.c.channel).where(own, questions.c.channel.startswith("D")).distinct()
            self._ids += connection.execute(direct).scalars().all()
            self._forget_quotes(connection, set(connection.execute(select(questions.c.text).where(own)).scalars()))
            for name in OF_QUESTION:
                about = self._tables[name].c.question.in_(mine)
                self._changed[name] += connection.execute(delete(self._tables[name]).where(about)).rowcount
            blank = update(questions).where(own).values(user="", text="")
            self._changed["questions"] += connection.execute(blank).rowcount

    def _forget_quotes(self, connection: Connection, words: Collection[str]) -> None:
        """Remove the person's questions from audit entries that quote them."""
        audit = self._tables["audit"]
        closed = or_(audit.c.action.startswith("miss "), audit.c.action.startswith("audit.miss."))
        for row in connection.execute(select(audit).where(closed)).all():
            if (question := quoted(row.action, row.outcome)) and question in words:
                fresh = update(audit).where(audit.c.id == row.id).values(outcome=impersonal(row.action, row.outcome))
                self._changed["audit"] += connection.execute(fresh).rowcount

    def _forget_opinions(self) -> None:
        """Delete the person's votes on aliases and their decided proposals; waiting ones only lose the author."""
        opinions, proposals = self._tables["confirmations"], self._tables["proposals"]
        own = opinions.c.user == self._user
        decided = and_(proposals.c.user == self._user, proposals.c.state.in_(["approved", "declined"]))
        with self._transaction() as connection:
            confirmed = connection.execute(delete(opinions).where(own)).rowcount
            self._changed["confirmations"] += confirmed
            if confirmed and "synonym_proposals" in self._tables:  # made of these words; the next ones are made without
                made = connection.execute(delete(self._tables["synonym_proposals"]))
                self._changed["synonym_proposals"] += made.rowcount
            self._changed["proposals"] += connection.execute(delete(proposals).where(decided)).rowcount

    def _sweep(self, table: Table) -> None:
        """Delete the rows that have the id in their key; replace it in all others.

        The same for the id of the direct message with the person.
        """
        keys = list(table.primary_key.columns)
        texts = [column for column in table.columns if isinstance(column.type, String | JSON)]
        if not texts:  # of an index, say: all its rows would be read
            return
        with self._transaction() as connection:
            wanted = select(table).where(or_(*map(self._may_have, texts))).with_for_update()
            rows = connection.execute(wanted).mappings().all()
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
        return or_(*(cast(column, Text).contains(id_, autoescape=True) for id_ in self._ids))

    @cached_property
    def _word(self) -> re.Pattern[str]:
        ids = "|".join(map(re.escape, self._ids))
        return re.compile(rf"<@(?:{ids})(?:\|[^<>]*)?>|(?<!\w)(?:{ids})(?!\w)")

    def _has(self, value: object) -> bool:
        return isinstance(value, str) and self._word.search(value) is not None

    def _without(self, row: Any, columns: Sequence[Column[Any]]) -> Iterator[tuple[str, Any]]:
        """Yield the columns that change, with their new values."""
        for column in columns:
            value = row[column.name]
            fresh = self._replaced(value)
            if fresh != value:
                yield column.name, fresh

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._word.sub(FORGOTTEN, value)
        if isinstance(value, list):
            return [self._replaced(each) for each in value if each not in self._ids]
        return json.loads(self._word.sub(FORGOTTEN, json.dumps(value, ensure_ascii=False)))


def _vacuum(engine: Engine, changed: Collection[str]) -> None:
    """Rewrite the file or, on a server, the pages of changed tables: freed space may still hold the deleted texts."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if is_server(engine.url):
            for name in changed:
                connection.exec_driver_sql(f'VACUUM "{name}"')
            return
        connection.exec_driver_sql("VACUUM")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    if busy:
        raise OperationalError(None, None, OSError("its write-ahead log is in use; try again"))
