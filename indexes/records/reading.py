"""Reading a CSV file, or a sheet of a workbook, into a KnowledgeBase."""

import hashlib
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from indexes.errors import UnusableFileError
from indexes.messages import Translatable, reason
from indexes.names import name_of
from indexes.records.columns import assign_roles, is_known
from indexes.records.decoding import MAX_BYTES
from indexes.records.model import KnowledgeBase, Problem, Record
from indexes.records.table import Table, read_table
from indexes.records.workbook import named

_ROLES = ("id", "question", "answer", "category", "url", "keywords", "aliases", "updated", "owner")
_KEYWORD_SEPARATOR = re.compile(r"[,，、;；|｜\r\n]")
_ALIAS_SEPARATOR = re.compile(r"[|｜\r\n]")
_HEADER_SEARCHED = 10
_NO_DETAILS: Mapping[str, str] = MappingProxyType({})
"""Shared by all rows: an empty dict for each of a million rows takes 64 MB."""


def read_records(path: Path, sheet: str = "") -> KnowledgeBase:
    """Read a CSV file or a workbook; raises UnusableFileError if it can't be used as a knowledge base."""
    return parse_records(read_bytes(path), path, sheet)


def parse_records(data: bytes, path: Path, sheet: str = "") -> KnowledgeBase:
    """Parse the bytes of a CSV file, or a sheet of a workbook, by default the first.

    `path` is only used for names, and its ending says which of them it is.
    """
    table = read_table(data, path.name, is_known, sheet)
    try:
        return _knowledge_base(table, path, hashlib.sha256(data).hexdigest())
    except UnusableFileError as error:
        if len(table.sheets) > 1:
            others = named(table.sheets)
            raise UnusableFileError(
                "workbook.other_sheets", error=error.message, sheet=table.sheet, sheets=others, name=name_of(path)
            ) from error
        raise


def _knowledge_base(table: Table, path: Path, digest: str) -> KnowledgeBase:
    roles = _assign_roles(table, path.name)
    problems = list(table.problems)
    records = tuple(_records(table, roles, problems))
    problems.sort(key=lambda problem: problem.line)
    if not records:
        raise _no_records(path.name, problems)
    return KnowledgeBase(
        name=name_of(path),
        path=path,
        records=records,
        problems=tuple(problems),
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=roles,
        digest=digest,
        details=tuple(title for title in table.header if title not in roles.values()),
        header_line=table.header_line,
        sheet=table.sheet,
    )


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file; raises UnusableFileError if it doesn't exist or can't be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnusableFileError("file.not_a_file", file=path.name)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one more than is accepted, whatever size stat reports
    except FileNotFoundError as error:
        raise UnusableFileError("file.missing", file=path.name) from error
    except PermissionError as error:
        raise UnusableFileError("file.no_permission", file=path.name) from error
    except (OSError, ValueError) as error:
        raise UnusableFileError("file.unreadable", file=path.name, reason=reason(error)) from error


def _assign_roles(table: Table, name: str) -> dict[str, str]:
    try:
        return assign_roles(table.header, name)
    except UnusableFileError as error:
        for line, row in zip(table.lines, table.rows(_HEADER_SEARCHED), strict=False):
            if sum(map(is_known, row)) > 1:
                raise UnusableFileError("csv.header_below", error=error.message, line=line) from error
        raise


def _no_records(name: str, problems: list[Problem]) -> UnusableFileError:
    if not problems:
        return UnusableFileError("csv.only_header", file=name)
    first = problems[0]
    return UnusableFileError("csv.no_usable_row", file=name, line=first.line, why=first.message)


def _records(table: Table, roles: dict[str, str], problems: list[Problem]) -> Iterator[Record]:
    """Yield the usable rows; append the problems of the others to `problems`."""
    column = dict(zip(table.header, table.columns, strict=True))
    blanks = [""] * len(table.lines)
    cells = zip(*(column[roles[role]] if role in roles else blanks for role in _ROLES), strict=True)
    lines_of_id: dict[str, int] = {}
    lines_of_text: dict[tuple[str, str], int] = {}
    for line, row, details in zip(table.lines, cells, _details(table, roles), strict=True):
        written_id, question, answer, category, url, keywords, aliases, updated, owner = row
        if not question and not answer:
            message = Translatable("row.both_blank") if "question" in roles else Translatable("row.text_blank")
        elif written_id and written_id in lines_of_id:
            message = Translatable("row.id_taken", id=written_id, line=lines_of_id[written_id])
        elif (question, answer) in lines_of_text:
            message = Translatable("row.repeated", line=lines_of_text[question, answer])
        else:
            identity = written_id or _derived_id(question, answer)
            lines_of_id[identity] = lines_of_text[question, answer] = line
            yield Record(
                id=identity,
                question=question,
                answer=answer,
                category=category,
                url=url,
                keywords=_split(_KEYWORD_SEPARATOR, keywords),
                aliases=_split(_ALIAS_SEPARATOR, aliases),
                updated=updated,
                owner=owner,
                details=details,
                line=line,
            )
            continue
        problems.append(Problem(line, message, skipped=True))


def _details(table: Table, roles: dict[str, str]) -> Iterable[Mapping[str, str]]:
    columns = zip(table.header, table.columns, strict=True)
    others = [(title, cells) for title, cells in columns if title not in roles.values()]
    for row in range(len(table.lines)):
        yield {title: cells[row] for title, cells in others if cells[row]} or _NO_DETAILS


def _derived_id(question: str, answer: str) -> str:
    """Return an id derived from the content of a row, so that moving rows changes no id."""
    return hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()[:12]


def _split(separator: re.Pattern[str], cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    return tuple(dict.fromkeys(part.strip() for part in separator.split(cell) if part.strip()))
