"""Messages that were posted because somebody pressed a button: shared answers and questions to people, once each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlalchemy import Column, ColumnElement, Float, String, Table, Text, delete, select, update

from handlers.store.database import Database, Id, metadata
from handlers.store.errors import StoreError
from handlers.store.upsert import claim

publications = Table(
    "publications",
    metadata,
    Column("question", Id, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("by", String(32), nullable=False),
    Column("people", Text, nullable=False),
    Column("message", String(32), nullable=False),
    Column("link", Text, nullable=False),
    Column("closed_by", String(32), nullable=False),
    Column("at", Float, nullable=False),
)

Kind = Literal["share", "ask"]


@dataclass(frozen=True)
class Publication:
    """A message that was posted for the user `by`; `people` are the ids of those who were asked."""

    channel: str
    by: str
    people: tuple[str, ...] = ()
    message: str = ""
    link: str = ""
    closed_by: str = ""


class Publications:
    """Stores what was posted, so that it happens once per question."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def only_once(self, question: int, kind: Kind, planned: Publication, *, again: bool = False) -> Iterator[bool]:
        """Yield whether this is the first time; if the block then fails, it may be tried again. Raises StoreError.

        `again` is for repeated work: what an earlier process planned for the same person, and ended, is not done yet.
        """
        first = self._claim(question, kind, planned) or (again and self._is_unfinished(question, kind, planned.by))
        try:
            yield first
        except BaseException:
            if first:
                self._database.write("forget what was not published", delete(publications).where(*_is(question, kind)))
            raise

    def _is_unfinished(self, question: int, kind: Kind, by: str) -> bool:
        planned = self.of(question).get(kind)
        return planned is not None and not planned.message and planned.by == by

    def posted(self, question: int, kind: Kind, message: str, link: str) -> None:
        """Store the message that was posted."""
        changed = update(publications).where(*_is(question, kind)).values(message=message, link=link)
        self._database.write("remember what was published", changed)

    def of(self, question: int) -> dict[str, Publication]:
        """Return what was posted for a question, by kind."""
        columns = publications.c
        wanted = select(
            columns.kind,
            columns.channel,
            columns.by,
            columns.people,
            columns.message,
            columns.link,
            columns.closed_by,
        ).where(columns.question == question)
        rows = self._database.read("look up what was published", wanted) or ()
        return {
            kind: Publication(channel, by, tuple(people.split()), *rest) for kind, channel, by, people, *rest in rows
        }

    def close(self, question: int, by: str) -> None:
        """Store who closed a question to a person; the first one stays."""
        still_open = (*_is(question, "ask"), publications.c.closed_by == "")
        self._database.write("close a question", update(publications).where(*still_open).values(closed_by=by))

    def _claim(self, question: int, kind: Kind, planned: Publication) -> bool:
        values = {**vars(planned), "people": " ".join(planned.people), "at": time.time()}
        row = {"question": question, "kind": kind, **values}
        is_first = self._database.change("remember what is published", partial(claim, table=publications, row=row))
        if is_first is None:
            raise StoreError("database.not_posted", reason=self._database.trouble or "")
        return is_first


def _is(question: int, kind: Kind) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return publications.c.question == question, publications.c.kind == kind
