"""Records kept as bytes and read one at a time: a million of them are opened in no time and take no memory.

Each is a JSON list, found by its offset. Reading one takes 5 microseconds (from SQLite 15, as Python objects all at
once 4, but then all of them at every start).
"""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from indexes.records.model import Record

_BATCH = 4_096
_DETAILS = 9
"""Position of the details in a stored record."""
_NO_DETAILS: Mapping[str, str] = MappingProxyType({})
_NONE_ADDED: Mapping[int, tuple[str, ...]] = MappingProxyType({})


Texts = Callable[[Sequence[int]], Sequence[bytes]]
"""Returns what is stored of some rows, in their order."""


class StoredRecords(Sequence[Record]):
    """The records in arrays made by `record_arrays`, in file order.

    `aliases` replaces those of some rows: learned ones are not in the file. `texts` reads what is stored of rows; by
    default that is among the arrays, too.
    """

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        aliases: Mapping[int, tuple[str, ...]] = _NONE_ADDED,
        texts: Texts | None = None,
    ) -> None:
        self._arrays = arrays
        self._aliases = aliases
        self._texts = texts or _TextsInMemory(arrays)

    def with_aliases(self, aliases: Mapping[int, tuple[str, ...]]) -> "StoredRecords":
        """Return the same records, some with other aliases, by row."""
        return StoredRecords(self._arrays, aliases, self._texts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of `record_arrays`; texts that are elsewhere are all read."""
        if isinstance(self._texts, _TextsInMemory):
            return dict(self._arrays)
        texts = list(self.raws())
        ends = np.cumsum(list(map(len, texts)), dtype=np.int64)
        return {**self._arrays, "text": np.frombuffer(b"".join(texts), np.uint8), "ends": ends}

    def take(self, rows: Sequence[int]) -> tuple[Record, ...]:
        """Return the records of some rows, in their order: reading them together may be much faster."""
        return tuple(map(self._record, rows, self._texts(rows)))

    @property
    def categories(self) -> Mapping[str, int]:
        """How many records each category has, in the order in which they first appear; without the blank one."""
        return dict(json.loads(self._arrays["categories"].tobytes()))

    def row_of(self, record_id: str) -> int | None:
        """Return the row of an id, or None."""
        ids, key = self._arrays["ids"], np.uint32(_id_key(record_id))  # searchsorted would copy all for another type
        first, last = ids.searchsorted(key), ids.searchsorted(key, side="right")
        rows = self._arrays["rows"][first:last].tolist()
        return next((row for row, text in zip(rows, self._texts(rows), strict=True) if _id(text) == record_id), None)

    def raws(self) -> Iterator[bytes]:
        """Yield what is stored of each row: the same for the same record, wherever in the file it is."""
        for rows in self._batches():
            yield from self._texts(rows)

    def __len__(self) -> int:
        return len(self._arrays["lines"])

    @overload
    def __getitem__(self, row: int) -> Record: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, row: int | slice) -> Record | tuple[Record, ...]:
        if isinstance(row, slice):
            return self.take(range(len(self))[row])
        return self.take([range(len(self))[row]])[0]

    def __iter__(self) -> Iterator[Record]:
        for rows in self._batches():
            yield from self.take(rows)

    def _batches(self) -> Iterator[Sequence[int]]:
        return (range(at, min(at + _BATCH, len(self))) for at in range(0, len(self), _BATCH))

    def _record(self, row: int, text: bytes) -> Record:
        id_, question, answer, category, url, keywords, aliases, updated, owner, details, guessed, *later = json.loads(
            str(text, "utf-8", "surrogatepass")
        )
        return Record(
            id=id_,
            question=question,
            answer=answer,
            category=category,
            url=url,
            keywords=tuple(keywords),
            aliases=self._aliases.get(row) or tuple(aliases),
            updated=updated,
            owner=owner,
            details=details or _NO_DETAILS,
            line=int(self._arrays["lines"][row]),
            guessed=guessed,
            image=later[0] if later else "",
            review_by=later[1] if len(later) > 1 else "",
        )


class _TextsInMemory:
    """What is stored of rows, in the arrays of `record_arrays`."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._text = arrays["text"].data
        self._ends = arrays["ends"]

    def __call__(self, rows: Sequence[int]) -> Sequence[bytes]:
        return [self._raw(row) for row in rows]

    def _raw(self, row: int) -> bytes:
        start = int(self._ends[row - 1]) if row else 0
        return bytes(self._text[start : int(self._ends[row])])


def _id(text: bytes) -> str:
    return str(json.loads(text)[0])


def take(records: Sequence[Record], rows: Sequence[int]) -> tuple[Record, ...]:
    """Return the records of some rows, in their order."""
    return records.take(rows) if isinstance(records, StoredRecords) else tuple(records[row] for row in rows)


def record_arrays(records: Sequence[Record]) -> dict[str, NDArray[Any]]:
    """Return arrays for `StoredRecords`."""
    if isinstance(records, StoredRecords):
        return records.arrays()
    texts, lengths, ids = [], list[int](), list[int]()
    for at in range(0, len(records), _BATCH):
        batch = [_stored(record) for record in records[at : at + _BATCH]]
        lengths += map(len, batch)
        texts.append(b"".join(batch))
        ids += [_id_key(record.id) for record in records[at : at + _BATCH]]
    keys = np.array(ids, dtype=np.uint32)
    rows = np.argsort(keys, kind="stable")
    return {
        "text": np.frombuffer(b"".join(texts), np.uint8),
        "ends": np.cumsum(lengths, dtype=np.int64),
        "lines": np.array([record.line for record in records], dtype=np.int32),
        "ids": keys[rows],
        "rows": rows.astype(np.int32),
        "categories": np.frombuffer(_encoded(list(categories(records).items())), np.uint8),
    }


def categories(records: Sequence[Record]) -> Mapping[str, int]:
    """Count the records of each category, in the order in which they first appear; without the blank one."""
    if isinstance(records, StoredRecords):
        return records.categories
    return Counter(record.category for record in records if record.category)


def changed_records(before: Sequence[Record], after: Sequence[Record]) -> tuple[Iterable[Record], Iterable[Record]]:
    """Return those of two files that may differ, in each: not those which both have stored the same."""
    if not isinstance(before, StoredRecords) or not isinstance(after, StoredRecords):
        return before, after
    old, new = ({hash(text): row for row, text in enumerate(each.raws())} for each in (before, after))
    gone, fresh = old.keys() - new.keys(), new.keys() - old.keys()
    return before.take([old[key] for key in gone]), after.take([new[key] for key in fresh])


class RecordRows:
    """Finds the rows of records by their ids."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        stored = isinstance(records, StoredRecords)
        self._rows = {} if stored else {record.id: row for row, record in enumerate(records)}

    def find(self, record_id: str) -> int | None:
        """Return the row of an id, or None."""
        records = self._records
        return records.row_of(record_id) if isinstance(records, StoredRecords) else self._rows.get(record_id)


def with_aliases(records: Sequence[Record], aliases: Mapping[int, tuple[str, ...]]) -> Sequence[Record]:
    """Return the records with other aliases in some rows."""
    if isinstance(records, StoredRecords):
        return records.with_aliases(aliases)
    return tuple(
        replace(record, aliases=aliases[row]) if row in aliases else record for row, record in enumerate(records)
    )


def _stored(record: Record) -> bytes:
    return _encoded(
        (
            record.id,
            record.question,
            record.answer,
            record.category,
            record.url,
            record.keywords,
            record.aliases,
            record.updated,
            record.owner,
            dict(record.details) if record.details else 0,
            record.guessed,
            *_later(record),
        )
    )


def _later(record: Record) -> list[str]:
    """Return what records have only since a later version, as far as it is filled in."""
    if record.review_by:
        return [record.image, record.review_by]
    return [record.image] if record.image else []


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def _encoded(data: Any) -> bytes:
    return _encode(data).encode("utf-8", "surrogatepass")


def _id_key(record_id: str) -> int:
    return zlib.crc32(record_id.encode("utf-8", "surrogatepass"))
