"""Changing rows of a CSV and keeping all other bytes: rows, cells, quotation marks and line ends are located.

This works on a text that maps to the bytes one to one, so that everything else is preserved, even where an encoding has
two ways to write a character.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from indexes.errors import KnowledgeBaseError
from indexes.messages import Value
from indexes.records.cells import cell_text
from indexes.records.model import KnowledgeBase
from indexes.records.table import SEPARATOR_HINT, unnamed

_MARKS = {
    "utf-8-sig": ((codecs.BOM_UTF8, "utf-8"),),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
}
_WIDE = ("utf-16", "utf-32")
_DOS_END_OF_FILE = "\x1a"
_LINE_END = re.compile(r"(?:\r\n|\r|\n)?\Z")
_SAMPLED_ROWS = 200
# Characters, and the look-alikes that Windows writes for them in CP932.
_LOOKALIKES = str.maketrans("〜−‖—¢£¬", "～－∥―￠￡￢")


class UnwritableTextError(KnowledgeBaseError):
    """A text can't be written: there is no such column, it is too long, or it has an unsupported character.

    `role` names the column, `character` the character, if that is the cause.
    """

    def __init__(self, key: str, /, *, role: str, **values: Value) -> None:
        super().__init__(key, role=role, **values)
        self.role, self.character = role, str(values.get("character", ""))


@dataclass(frozen=True)
class CsvEditor:
    """The layout of one file that was read successfully."""

    read: KnowledgeBase
    data: bytes
    mark: bytes
    """The byte order mark."""
    codec: str
    """The codec of the cells."""
    lines: list[str]
    """The lines of the text that maps to the bytes."""
    tail: str
    """The end-of-file character of DOS programs, if any."""

    @classmethod
    def of(cls, data: bytes, read: KnowledgeBase) -> "CsvEditor":
        """Locate the rows in the bytes that `read` was read from."""
        marks = _MARKS.get(read.encoding, ((b"", read.encoding),))
        mark, codec = next((mark, codec) for mark, codec in marks if data.startswith(mark))
        text = data[len(mark) :].decode(codec if codec.startswith(_WIDE) else "latin-1")
        tail = _DOS_END_OF_FILE if text.endswith(_DOS_END_OF_FILE) else ""
        return cls(read, data, mark, codec, list(io.StringIO(text.removesuffix(tail), newline="")), tail)

    def has(self, role: str) -> bool:
        """Return whether the file has a column with this role."""
        return role in self.read.columns

    def column(self, role: str) -> list[str]:
        """Return the cells of a role's column, including rows that are not used."""
        place = self._place(role)
        return [cell_text(self._decoded(row[place])) for _, row in self._rows[1:] if place < len(row)]

    def cells(self, line: int) -> dict[str, str]:
        """Return the cells, by role, of the row that starts at a line."""
        row = self._row_at(line)
        row += [""] * (len(self._header) - len(row))  # blank cells at the end may be left out
        return {role: self._decoded(row[self._place(role)]) for role in self.read.columns}

    @property
    def next_line(self) -> int:
        """The line where an appended row will start."""
        return len(self.lines) + 1

    def appended(self, texts: Mapping[str, str]) -> bytes:
        """Return the bytes with a row appended, its texts given by role; raises UnwritableTextError."""
        written = dict.fromkeys(range(len(self._header)), "")
        for role, text in texts.items():
            written[self._place(role)] = self._encoded(role, text)
        row = self.read.delimiter.join(
            _quoted(text, self.read.delimiter, always=self._is_usually_quoted(place, blank=not text))
            for place, text in written.items()
        )
        ended = self.lines[-1].endswith(("\r", "\n"))
        return self._bytes([*self.lines, row + self._line_end] if ended else [*self.lines, self._line_end + row])

    def renamed(self, titles: Mapping[str, str]) -> bytes:
        """Return the bytes with other headers, given by the ones they replace; raises UnwritableTextError."""
        line = self._rows[0][0]
        row = "".join(self.lines[line - 1 : self._ends[line]])
        raw = self._raw(row)
        for place, title in enumerate(self._titles):
            if title in titles:
                raw[place] = _quoted(self._encoded(title, titles[title]), self.read.delimiter, always=False)
        changed = self.read.delimiter.join(raw) + _line_end(row)
        return self._bytes([*self.lines[: line - 1], changed, *self.lines[self._ends[line] :]])

    def changed(self, line: int, texts: Mapping[str, str]) -> bytes:
        """Return the bytes with other texts, by role, in the row that starts at `line`; raises UnwritableTextError."""
        row = "".join(self.lines[line - 1 : self._ends[line]])
        raw = self._raw(row)
        for role, text in texts.items():
            place = self._place(role)
            raw += [""] * (place + 1 - len(raw))
            encoded = self._encoded(role, text)
            telling = raw[place] and not self._needs_quotes(raw[place])
            always = raw[place].startswith('"') if telling else self._is_usually_quoted(place, blank=not text)
            raw[place] = _quoted(encoded, self.read.delimiter, always=always)
        changed = self.read.delimiter.join(raw) + _line_end(row)
        return self._bytes([*self.lines[: line - 1], changed, *self.lines[self._ends[line] :]])

    @cached_property
    def _rows(self) -> list[tuple[int, list[str]]]:
        """First line and cells of each row that isn't blank, the header first."""
        return [(start, row) for start, _, row in self._parsed if any(cell_text(self._decoded(cell)) for cell in row)]

    @cached_property
    def _ends(self) -> dict[int, int]:
        """The last line of each row, by its first line."""
        return {start: end for start, end, _ in self._parsed}

    @cached_property
    def _parsed(self) -> list[tuple[int, int, list[str]]]:
        hinted = SEPARATOR_HINT.fullmatch(self.lines[0])
        return list(_parsed(["\n", *self.lines[1:]] if hinted else self.lines, self.read.delimiter))

    @property
    def _header(self) -> list[str]:
        return self._rows[0][1]

    @cached_property
    def _titles(self) -> list[str]:
        decoded = (cell_text(self._decoded(title)) for title in self._header)
        return [title or unnamed(place) for place, title in enumerate(decoded, start=1)]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {role: self._titles.index(title) for role, title in self.read.columns.items()}

    def _place(self, role: str) -> int:
        if role not in self._places:
            raise UnwritableTextError("write.no_column", role=role, file=self.read.path.name)
        return self._places[role]

    def _row_at(self, line: int) -> list[str]:
        return next(row for start, row in self._rows if start == line)

    @cached_property
    def _line_end(self) -> str:
        """The line end of the last row that has one."""
        rows = reversed(self._ends.values())
        return next((end for last in rows if (end := _line_end(self.lines[last - 1]))), "\n")

    @cached_property
    def _sample(self) -> list[list[str]]:
        """The cells of the last rows, as written between the delimiters."""
        rows = self._rows[1:][-_SAMPLED_ROWS:] or self._rows
        return [self._raw("".join(self.lines[start - 1 : self._ends[start]])) for start, _ in rows]

    def _is_usually_quoted(self, place: int, *, blank: bool) -> bool:
        """Return whether such cells usually have unneeded quotation marks: in this column, or else in the file."""
        column = [row[place] for row in self._sample if place < len(row)]
        every = [cell for row in self._sample for cell in row]
        kinds = [[cell for cell in cells if (cell in {"", '""'}) == blank] for cells in (column, every)]
        for cells in (*kinds, every):
            if telling := [cell.startswith('"') for cell in cells if not self._needs_quotes(cell)]:
                return 2 * sum(telling) > len(telling)
        return False

    def _needs_quotes(self, raw: str) -> bool:
        return raw.startswith('"') and _is_special(raw[1:-1], self.read.delimiter)

    def _raw(self, row: str) -> list[str]:
        delimiter = re.escape(self.read.delimiter)
        cell = re.compile(rf'(?:"[^"]*(?:""[^"]*)*")?[^{delimiter}\r\n]*')
        body = row[: len(row) - len(_line_end(row))]
        cells: list[str] = []
        at = 0
        while at <= len(body):
            found = cell.match(body, at)
            cells.append(found[0] if found else "")
            at = (found.end() if found else at) + 1
        return cells

    def _decoded(self, text: str) -> str:
        return text if self._is_wide else text.encode("latin-1").decode(self.codec)

    def _encoded(self, role: str, text: str) -> str:
        """Return the text that maps to the encoded bytes."""
        text = encodable(self.read, role, text)
        return text if self._is_wide else text.encode(self.codec).decode("latin-1")

    @property
    def _is_wide(self) -> bool:
        return self.codec.startswith(_WIDE)

    def _bytes(self, lines: Sequence[str]) -> bytes:
        text = "".join([*lines, self.tail])
        return self.mark + text.encode(self.codec if self._is_wide else "latin-1")


def encodable(read: KnowledgeBase, role: str, text: str) -> str:
    """Return the text with look-alikes where the encoding needs them; raises UnwritableTextError if that fails."""
    known = "".join(_written_there(character, read.encoding) for character in text)
    for character in known:
        if not _survives(character, read.encoding):
            place = {"file": read.path.name, "encoding": read.encoding}
            raise UnwritableTextError("write.not_encodable", role=role, character=character, **place)
    return known


def _written_there(character: str, encoding: str) -> str:
    """Return the character, or the look-alike that the encoding has."""
    return character if _survives(character, encoding) else character.translate(_LOOKALIKES)


def _parsed(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield first line and last line, from 1, and the cells of each row."""
    reader = csv.reader(lines, delimiter=delimiter)
    end = 0
    for row in reader:
        yield end + 1, reader.line_num, row
        end = reader.line_num


def _line_end(text: str) -> str:
    found = _LINE_END.search(text)
    return found[0] if found else ""


def _is_special(text: str, delimiter: str) -> bool:
    return any(special in text for special in (delimiter, '"', "\r", "\n"))


def _quoted(text: str, delimiter: str, *, always: bool) -> str:
    if always or _is_special(text, delimiter):
        return '"' + text.replace('"', '""') + '"'
    return text


def _survives(character: str, codec: str) -> bool:
    """Return whether the character survives encoding and decoding."""
    try:
        return character.encode(codec).decode(codec) == character
    except UnicodeError:
        return False
