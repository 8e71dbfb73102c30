"""Adding pairs to a file of synonyms, and keeping every other byte."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexes.atomic_file import is_missing
from indexes.records import KnowledgeBase
from indexes.records.csv_editor import CsvEditor
from indexes.records.editing import UnusableRowError, Writer
from indexes.records.reading import read_bytes
from indexes.retrieval.synonyms import Synonyms, parse_synonyms
from indexes.text import normalize

HEADER = b"original,normalized\n"


@dataclass(frozen=True, slots=True)
class Added:
    """The bytes of a file before (None if there was none) and after, with so many pairs each."""

    before: bytes | None
    after: bytes
    pairs_before: int
    pairs: int


def add_synonyms(path: Path, pairs: Sequence[tuple[str, str]], writer: Writer) -> Added | None:
    """Append pairs to a file of synonyms, which is made if need be; None if it has all their originals already.

    Raises UnusableFileError, UnwritableTextError, UnusableRowError or what the writer raises, and then the file is
    unchanged.
    """
    with writer.locked(path):
        before = None if is_missing(path) else read_bytes(path)
        old = parse_synonyms(before or HEADER, path.name)
        known = {normalize(original) for original, _ in old.pairs}
        fresh = [pair for pair in pairs if normalize(pair[0]) not in known]
        if not fresh:
            return None
        after = before or HEADER
        for pair in fresh:
            after = _appended(path, after, pair)
        new = parse_synonyms(after, path.name)
        if new.pairs != (*old.pairs, *fresh):
            raise UnusableRowError("write.others_differ", file=path.name)
        writer.write(path, after, hashlib.sha256(before).hexdigest() if before is not None else "", len(new))
    return Added(before, after, len(old), len(new))


def _appended(path: Path, data: bytes, pair: tuple[str, str]) -> bytes:
    original, normalized = pair
    return CsvEditor.of(data, _layout(path, data)).appended({"original": original, "normalized": normalized})


def _layout(path: Path, data: bytes) -> KnowledgeBase:
    """Return what the editor of knowledge bases wants to know about a file."""
    found: Synonyms = parse_synonyms(data, path.name)
    return KnowledgeBase(
        name=path.stem,
        path=path,
        records=(),
        problems=(),
        encoding=found.encoding,
        delimiter=found.delimiter,
        columns=found.columns,
        digest="",
    )
