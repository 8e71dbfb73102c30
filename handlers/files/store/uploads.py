"""Files that wait for an admin's decision, in a database that replicas share."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, String, Table, Text, delete, insert, select
from sqlalchemy import update as updating

from handlers.files.pending import EXPIRES_SECONDS, PendingError, Upload, vanished
from handlers.store.database import STAYS, Database, metadata
from handlers.store.errors import StoreError
from indexes.messages import Translatable

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("file", Text, nullable=False),
    Column("user", String(32), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("is_certain", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("columns", JSON, nullable=False),
    Column("data", LargeBinary, nullable=False),
    info={STAYS: True},
)
_ABOUT = [column for column in uploads.columns if column.name != "data"]


class SharedPending:
    """The files that wait, as `Pending` has them in a folder."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def keep(
        self, data: bytes, file: str, user: str, channel: str, target: str, *, is_certain: bool, version: int = 0
    ) -> Upload:
        """Store a file; raises PendingError if the database fails."""
        self.purge()
        upload = Upload(secrets.token_hex(8), file, user, channel, target, is_certain, version, self._clock())
        values = {column.name: getattr(upload, column.name) for column in _ABOUT}
        try:
            with self._database.transaction(Translatable("database.failed.file")) as connection:
                connection.execute(insert(uploads).values(**values, data=data))
        except StoreError as error:
            raise PendingError.of(error.message) from error
        return upload

    def get(self, id_: str) -> Upload | None:
        """Return the file with an id; None if it was decided or expired, or the database fails."""
        self.purge()
        rows = self._database.read("look up an upload", select(*_ABOUT).where(uploads.c.id == id_))
        return Upload(**rows[0]._mapping) if rows else None  # noqa: SLF001 - public

    def data(self, upload: Upload) -> bytes:
        """Return the bytes of a file; raises PendingError if it was decided meanwhile."""
        rows = self._database.read("read an upload", select(uploads.c.data).where(uploads.c.id == upload.id))
        if not rows:
            raise vanished(upload)
        return bytes(rows[0].data)

    def choose(self, upload: Upload, target: str) -> Upload:
        """Store which knowledge base a file is for; raises PendingError if it was decided meanwhile."""
        return self._changed(replace(upload, target=target), {"target": target})

    def choose_columns(self, upload: Upload, columns: Mapping[str, str]) -> Upload:
        """Store which columns are which; raises PendingError if the file was decided meanwhile."""
        return self._changed(replace(upload, columns=columns), {"columns": dict(columns)})

    def _changed(self, chosen: Upload, values: Mapping[str, Any]) -> Upload:
        same = updating(uploads).where(uploads.c.id == chosen.id).values(values)
        if not self._database.change("change an upload", lambda connection: connection.execute(same).rowcount):
            raise vanished(chosen)
        return chosen

    @contextmanager
    def decided(self, upload: Upload) -> Iterator[bool]:
        """Yield True to exactly one caller, who carries out the decision; if the block raises, the file waits again.

        So it does if the process dies in the middle. Raises StoreError.
        """
        with self._database.exclusively(f"upload {upload.id}"):
            if self.get(upload.id) is None:
                yield False
                return
            yield True
            self._database.write("end an upload", delete(uploads).where(uploads.c.id == upload.id))

    def purge(self) -> None:
        """Delete files that nobody decided about within a day."""
        self._database.write("tidy uploads", delete(uploads).where(uploads.c.at < self._clock() - EXPIRES_SECONDS))
