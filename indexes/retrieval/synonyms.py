"""Synonyms: words that are replaced in records and questions before they are compared."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.records.columns import refuse_duplicates
from indexes.records.model import Problem
from indexes.records.reading import read_bytes
from indexes.records.table import Table, read_table
from indexes.text import normalize

_ORIGINAL = ("original", "元の語", "元の言葉", "同義語", "表記", "略語")
_NORMALIZED = ("normalized", "normalised", "正規化", "正規化後", "統一表記", "正式名称")
_LATIN = r"0-9a-z\u00df-\u024f"
_LATIN_CHAR = re.compile(f"[{_LATIN}]")


class Synonyms:
    """Pairs of a phrase and its replacement. Immutable, safe to share between threads."""

    def __init__(
        self,
        pairs: Iterable[tuple[str, str]] = (),
        problems: Iterable[Problem] = (),
        encoding: str = "",
        delimiter: str = "",
    ) -> None:
        """Take the pairs as written; of several with the same original the first is used."""
        self.problems = tuple(problems)
        self.encoding, self.delimiter = encoding, delimiter
        self._pairs: dict[str, tuple[str, str]] = {}
        self._targets: dict[str, str] = {}
        for original, target in pairs:
            key, value = normalize(original), normalize(target)
            if key and value and key != value and key not in self._pairs:
                self._pairs[key] = (original, target)
                self._targets[key] = value
        self._pattern = _pattern({*self._targets, *self._targets.values()})
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
        found = (match[0] for match in self._pattern.finditer(text))
        return tuple(dict.fromkeys(self._pairs[phrase] for phrase in found if phrase in self._pairs))

    def _pieces(self, text: str) -> Iterator[str]:
        end = 0
        for match in self._pattern.finditer(text):
            yield text[end : match.start()]
            yield self._targets.get(match[0], match[0])
            end = match.end()
        yield text[end:]


def read_synonyms(path: Path) -> Synonyms:
    """Read a CSV of ``original,normalized``; rows that can't be used are in `problems`. Raises UnusableFileError."""
    return parse_synonyms(read_bytes(path), path.name)


def parse_synonyms(data: bytes, name: str) -> Synonyms:
    """Parse the bytes of such a CSV; `name` begins the error messages."""
    table = read_table(data, name, lambda header: _in(header, _ORIGINAL + _NORMALIZED))
    refuse_duplicates(table.header, name)
    originals = _column(table, _ORIGINAL, name)
    targets = _column(table, _NORMALIZED, name)
    rows = list(zip(table.lines, originals, targets, strict=True))
    good, problems = _usable(rows)
    problems = sorted([*table.problems, *problems], key=lambda problem: problem.line)
    return Synonyms(good, problems, table.encoding, table.delimiter)


def _column(table: Table, names: tuple[str, ...], file: str) -> list[str]:
    for header, cells in zip(table.header, table.columns, strict=True):
        if _in(header, names):
            return cells
    raise UnusableFileError("synonyms.no_column", file=file, column=names[0])


def _in(header: str, names: tuple[str, ...]) -> bool:
    return normalize(header) in names


def _usable(rows: list[tuple[int, str, str]]) -> tuple[list[tuple[str, str]], list[Problem]]:
    first: dict[str, tuple[int, str]] = {}
    good: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for line, original, target in rows:
        if message := _refusal(original, target, first):
            problems.append(Problem(line, message, skipped=True))
        else:
            first[normalize(original)] = (line, target)
            good.append((original, target))
    return good, problems + list(_chains(first))


def _refusal(original: str, target: str, first: dict[str, tuple[int, str]]) -> Translatable | None:
    key, value = normalize(original), normalize(target)
    if not key or not value:
        return Translatable("synonyms.blank")
    if key == value:
        return Translatable("synonyms.same", original=original, target=target)
    if key in first:
        line, other = first[key]
        return Translatable("synonyms.repeated", original=original, target=other, line=line)
    return None


def _chains(first: dict[str, tuple[int, str]]) -> Iterator[Problem]:
    for line, target in first.values():
        if normalize(target) in first:
            other_line, other = first[normalize(target)]
            message = Translatable("synonyms.chained", original=target, target=other, line=other_line)
            yield Problem(line, message, skipped=False)


def _pattern(phrases: set[str]) -> re.Pattern[str]:
    """Return a pattern for all phrases, longest first; Latin letters and digits match at word boundaries only."""
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return re.compile("|".join(map(_bounded, longest_first)))


def _bounded(phrase: str) -> str:
    before = f"(?<![{_LATIN}])" if _LATIN_CHAR.match(phrase[0]) else ""
    after = f"(?![{_LATIN}])" if _LATIN_CHAR.match(phrase[-1]) else ""
    return before + re.escape(phrase) + after


def _join(pieces: Iterable[str]) -> str:
    """Join the pieces, with a space where two Latin words would otherwise run together."""
    joined: list[str] = []
    for piece in filter(None, pieces):
        if joined and _LATIN_CHAR.match(joined[-1][-1]) and _LATIN_CHAR.match(piece):
            joined.append(" ")
        joined.append(piece)
    return "".join(joined)
