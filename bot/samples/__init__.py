"""The sample knowledge bases, about companies that don't exist: for `kotae try` and the tests.

They lie beside this file, in a checkout and in an installed package alike. In the folder of a team they would be given
as facts, so the bot and `kotae doctor` name the files there that come from them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bot.texts import ENGLISH
from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.records import Record, Source, read_records
from indexes.retrieval.synonyms import read_synonyms

FOLDER = Path(__file__).parent
SYNONYMS = FOLDER / "_synonyms.csv"
LARGER = 3
"""Files this many times as large as the largest sample are not read: nearly all of their rows are a team's own."""

Rows = frozenset[tuple[str, str]]


class FromSamples(NamedTuple):
    """A file with rows that the samples have, word for word."""

    path: Path
    shipped: int
    rows: int

    @property
    def message(self) -> Translatable:
        """What is wrong with that, and what to do."""
        path, stem = str(self.path), self.path.stem
        if stem == SYNONYMS.stem:
            return Translatable("samples.synonyms", path=path, shipped=self.shipped, rows=self.rows)
        return Translatable("samples.rows", path=path, shipped=self.shipped, rows=self.rows, name=stem)

    def __str__(self) -> str:
        return ENGLISH.say(self.message)


def sample_files() -> list[Path]:
    """List the samples by name, with the synonyms."""
    return sorted(FOLDER.glob("*.csv"))


def from_samples(
    sources: Iterable[Source], synonyms: Path, answering: Mapping[str, Sequence[Record]] = MappingProxyType({})
) -> Iterator[FromSamples]:
    """Yield the files that have rows of the samples; synonyms only if they are the sample's and no others.

    Two teams may well have the same synonym. Files that can't be read are left out: others say why. `answering` are the
    records by knowledge base, for files that are gone and still answer.
    """
    most = LARGER * max(path.stat().st_size for path in sample_files())
    shipped = _shipped()
    for source in sources:
        if not source.path.exists():
            last = answering.get(source.name, ())
            rows = _of(last) if len(last) <= LARGER * len(shipped) else frozenset()
        else:
            rows = _rows(source) if source.path != synonyms and _size(source.path) <= most else frozenset()
        if count := len(rows & shipped):
            yield FromSamples(source.path, count, len(rows))
    if _size(synonyms) <= most and (pairs := _pairs(synonyms)) and pairs == _pairs(SYNONYMS):
        yield FromSamples(synonyms, len(pairs), len(pairs))


@cache
def _shipped() -> Rows:
    """Return the rows of all samples but the synonyms; they come with the code and change with it alone."""
    samples = [path for path in sample_files() if path != SYNONYMS]
    return frozenset[tuple[str, str]]().union(*(_rows(Source(path.stem, path)) for path in samples))


def _rows(source: Source) -> Rows:
    """Return the questions of a file with their answers."""
    try:
        found = read_records(source.path, source.sheet, source.columns)
    except UnusableFileError:
        return frozenset()
    return _of(found.records)


def _of(records: Iterable[Record]) -> Rows:
    return frozenset((record.question, record.answer) for record in records)


def _pairs(path: Path) -> Rows:
    try:
        return frozenset(read_synonyms(path).pairs)
    except UnusableFileError:
        return frozenset()


def _size(path: Path) -> int:
    """Return the bytes of a file; none if it isn't there."""
    return path.stat().st_size if path.is_file() else 0
