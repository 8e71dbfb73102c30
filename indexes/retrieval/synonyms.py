"""Synonyms: words that are replaced in records and questions before they are compared."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Self

from ahocorasick_rs import AhoCorasick, MatchKind

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.records.checking import CheckReport
from indexes.records.columns import refuse_duplicates
from indexes.records.model import Problem
from indexes.records.reading import read_bytes
from indexes.records.table import Table, read_table
from indexes.text import normalize

_ORIGINAL = ("original", "元の語", "元の言葉", "同義語", "表記", "略語")
_NORMALIZED = ("normalized", "normalised", "正規化", "正規化後", "統一表記", "正式名称")
_AS_NAMED: Mapping[str, str] = MappingProxyType({})
_LATIN = r"0-9a-z\u00df-\u024f"
_LATIN_CHAR = re.compile(f"[{_LATIN}]")
_EDGE = re.compile(f"(?<![{_LATIN}])(?=[{_LATIN}])|(?<=[{_LATIN}])(?![{_LATIN}])")
_MARK = "\0"
"""Stands at both ends of each run of Latin letters and digits in what the automaton reads."""
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
"""The mark, and the halves of pairs that no text in Rust may have."""
MOST_CHARACTERS = 1_000_000
"""Of all phrases together: the automaton takes up to 50 MB and half a second, during which nothing else runs."""


class Synonyms:
    """Pairs of a phrase and its replacement. Immutable, safe to share between threads."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        problems: Iterable[Problem] = (),
        encoding: str = "",
        delimiter: str = "",
        columns: Mapping[str, str] = _AS_NAMED,
    ) -> None:
        """Take the pairs as written; of several with the same original the first is used."""
        self.problems = tuple(problems)
        self.encoding, self.delimiter, self.columns = encoding, delimiter, columns
        self._pairs: dict[str, tuple[str, str]] = {}
        self._targets: dict[str, str] = {}
        for original, target in pairs:
            key, value = normalize(original), normalize(target)
            if key and value and key != value and key not in self._pairs:
                self._pairs[key] = (original, target)
                self._targets[key] = value
        self._phrases = sorted({*self._targets, *self._targets.values()})
        self._automaton = AhoCorasick(map(_marked, self._phrases), MatchKind.LeftmostLongest, store_patterns=False)
        self.digest = hashlib.sha256(repr(sorted(self._targets.items())).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._targets)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs in use, as written."""
        return tuple(self._pairs.values())

    def apply(self, text: str) -> str:
        """Replace every original in a normalized text, once; the result is normalized too.

        The longest phrase wins. A target that is in the text already stays, even if it contains an original.
        """
        if not self._targets:
            return text
        replaced = _join(self._pieces(text))
        return text if replaced == text else normalize(replaced)

    def applied(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return the pairs, as written, that `apply` uses on this text, in the order of the text."""
        if not self._targets:
            return ()
        found = (text[start:end] for start, end in self._spans(text))
        return tuple(dict.fromkeys(self._pairs[phrase] for phrase in found if phrase in self._pairs))

    def _pieces(self, text: str) -> Iterator[str]:
        at = 0
        for start, end in self._spans(text):
            yield text[at:start]
            yield self._targets.get(text[start:end], text[start:end])
            at = end
        yield text[at:]

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where phrases stand, the longest first of those that begin at the same place; none overlap."""
        marked = _marked(text)
        at = marks = 0
        for phrase, found, _ in self._automaton.find_matches_as_indexes(marked):
            marks += marked.count(_MARK, at, found)
            at, start = found, found - marks
            yield start, start + len(self._phrases[phrase])


def read_synonyms(path: Path) -> Synonyms:
    """Read a CSV of ``original,normalized``; rows that can't be used are in `problems`. Raises UnusableFileError."""
    return parse_synonyms(read_bytes(path), path.name)


def parse_synonyms(data: bytes, name: str) -> Synonyms:
    """Parse the bytes of such a CSV; `name` begins the error messages."""
    table = read_table(data, name, lambda header: _in(header, _ORIGINAL + _NORMALIZED))
    refuse_duplicates(table.header, name)
    original, originals = _column(table, _ORIGINAL, name)
    target, targets = _column(table, _NORMALIZED, name)
    rows = map(_Row.of, table.lines, originals, targets)
    good, problems = _usable(rows)
    problems = sorted([*table.problems, *problems], key=lambda problem: problem.line)
    columns = {"original": original, "normalized": target}
    return Synonyms(good, problems, table.encoding, table.delimiter, columns)


def check_synonyms(path: Path) -> CheckReport:
    """Read such a CSV the way the bot does, and return a report; problems of the file are never raised."""
    try:
        found = read_synonyms(path)
    except UnusableFileError as error:
        return CheckReport(file=str(path), error=error.message)
    return CheckReport(
        file=str(path),
        encoding=found.encoding,
        delimiter=found.delimiter,
        columns=found.columns,
        records=len(found),
        problems=found.problems,
    )


def _column(table: Table, names: tuple[str, ...], file: str) -> tuple[str, list[str]]:
    """Return the header and the cells of the first column with one of these names."""
    for header, cells in zip(table.header, table.columns, strict=True):
        if _in(header, names):
            return header, cells
    raise UnusableFileError("synonyms.no_column", file=file, column=names[0])


def _in(header: str, names: tuple[str, ...]) -> bool:
    return normalize(header) in names


class _Row(NamedTuple):
    line: int
    original: str
    target: str
    key: str
    """The original, normalized; `value` is the target."""
    value: str

    @classmethod
    def of(cls, line: int, original: str, target: str) -> Self:
        return cls(line, original, target, normalize(original), normalize(target))


def _usable(rows: Iterable[_Row]) -> tuple[list[tuple[str, str]], list[Problem]]:
    first: dict[str, _Row] = {}
    problems: list[Problem] = []
    room = MOST_CHARACTERS
    for row in rows:
        room -= len(row.key) + len(row.value)
        if room < 0:
            problems.append(Problem(row.line, Translatable("synonyms.too_many", most=MOST_CHARACTERS), skipped=True))
            break
        if message := _refusal(row, first):
            problems.append(Problem(row.line, message, skipped=True))
        else:
            first[row.key] = row
    good = [(row.original, row.target) for row in first.values()]
    return good, problems + list(_chains(first))


def _refusal(row: _Row, first: Mapping[str, _Row]) -> Translatable | None:
    if not row.key or not row.value:
        return Translatable("synonyms.blank")
    if row.key == row.value:
        return Translatable("synonyms.same", original=row.original, target=row.target)
    if other := first.get(row.key):
        return Translatable("synonyms.repeated", original=row.original, target=other.target, line=other.line)
    return None


def _chains(first: Mapping[str, _Row]) -> Iterator[Problem]:
    for row in first.values():
        if other := first.get(row.value):
            message = Translatable("synonyms.chained", original=row.target, target=other.target, line=other.line)
            yield Problem(row.line, message, skipped=False)


def _marked(text: str) -> str:
    """Mark the ends of Latin words, so that phrases match whole words only; no mark belongs to two phrases."""
    return _EDGE.sub(_MARK, _UNREADABLE.sub("\ufffd", text))


def _join(pieces: Iterable[str]) -> str:
    """Join the pieces, with a space where two Latin words would otherwise run together."""
    joined: list[str] = []
    for piece in filter(None, pieces):
        if joined and _LATIN_CHAR.match(joined[-1][-1]) and _LATIN_CHAR.match(piece):
            joined.append(" ")
        joined.append(piece)
    return "".join(joined)
