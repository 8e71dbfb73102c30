"""The records of words."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.knowledge.store.copying import copy
from handlers.knowledge.store.index_server import IndexServer
from indexes.retrieval.inverted import Arrays

RECORD_ARRAYS = frozenset({"records.text", "records.ends"})
"""The arrays that `write_records` stores."""


class StoredRecordTexts:
    """The texts of the records of one knowledge base, as `StoredRecords` reads them."""

    def __init__(self, server: IndexServer, words: int) -> None:
        self._server = server
        self._statement = f'SELECT "row", record FROM index_records_{words} WHERE "row" = ANY(:rows)'  # noqa: S608 - a number

    def __call__(self, rows: Sequence[int]) -> Sequence[bytes]:
        """Return the stored texts of some rows, in their order."""
        found = dict(self._server.rows(self._statement, {"rows": list(rows)}))
        return [found[row] for row in rows]


def write_records(connection: Connection, words: int, arrays: Arrays) -> None:
    """Store the records in the table of words."""
    rows = _rows(words, arrays["records.text"], arrays["records.ends"])
    copy(connection, f"index_records_{words}", ("int4", "int4", "bytea"), rows)


def _rows(words: int, texts: NDArray[np.uint8], ends: NDArray[np.int64]) -> Iterator[tuple[object, ...]]:
    data, first = texts.data, 0
    for row, end in enumerate(ends.tolist()):
        yield words, row, bytes(data[first:end])
        first = end
