"""Reading a CSV file, or a sheet of a workbook, into a KnowledgeBase."""

import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from indexes.errors import UnusableFileError
from indexes.messages import Translatable, reason
from indexes.names import name_of
from indexes.records.columns import (
    SEARCHED,
    Columns,
    guess_columns,
    is_known,
    named_columns,
    no_columns,
)
from indexes.records.dates import DatedColumn, read_days
from indexes.records.decoding import MAX_BYTES
from indexes.records.entities import question_text, without_entities
from indexes.records.layouts import header_problems, refuse_lines_above_header, refuse_other_layouts
from indexes.records.model import KnowledgeBase, Problem, Record
from indexes.records.pictures import has_address, picture_problems
from indexes.records.table import Table, read_table
from indexes.records.workbook import of_several

_ROLES = (
    *("id", "question", "answer", "category", "url", "keywords", "aliases", "updated", "owner", "image"),
    "review_by",
)
_KEYWORD_SEPARATOR = re.compile(r"[,，、;；|｜\r\n]")
_ALIAS_SEPARATOR = re.compile(r"[|｜\r\n]")
_DATED = ("updated", "review_by")
_DATES_NAMED = 20
"""Cells of a column that are named because they have no readable date; the others are counted."""
_DATE_SHOWN = 60
Row = tuple[str, ...]
"""The texts of a row in the order of its columns, without its id."""
_AS_NAMED: Mapping[str, str] = MappingProxyType({})
_NO_DETAILS: Mapping[str, str] = MappingProxyType({})
"""Shared by all rows: an empty dict for each of a million rows takes 64 MB."""


def read_records(path: Path, sheet: str = "", chosen: Mapping[str, str] = _AS_NAMED) -> KnowledgeBase:
    """Read a CSV file or a workbook; raises UnusableFileError if it can't be used as a knowledge base."""
    return parse_records(read_bytes(path), path, sheet, chosen)


def parse_records(data: bytes, path: Path, sheet: str = "", chosen: Mapping[str, str] = _AS_NAMED) -> KnowledgeBase:
    """Parse the bytes of a CSV file, or a sheet of a workbook, by default the first.

    `path` is only used for names, and its ending says which of them it is. `chosen` are headers by role, for columns
    that aren't called by a known name.
    """
    table = read_table(data, path.name, is_known, sheet)
    try:
        columns = _assign_roles(table, chosen, path.name, may_guess=bool(sheet) or len(table.sheets) <= 1)
        return _knowledge_base(table, columns, path, hashlib.sha256(data).hexdigest(), chosen)
    except UnusableFileError as error:
        if len(table.sheets) > 1:
            raise of_several(error, path.name, table.sheet, table.sheets) from error
        raise


def _knowledge_base(
    table: Table, columns: Columns, path: Path, digest: str, chosen: Mapping[str, str]
) -> KnowledgeBase:
    roles = columns.roles
    problems = list(table.problems)
    if columns.guessed:
        problems.append(Problem(table.header_line, _guessed(roles), skipped=False))
    elif not chosen:
        problems += header_problems(table, roles)
    records = tuple(_records(table, columns, problems))
    problems += _short_rows(table, records)
    dates = _dates(records, roles)
    problems += _unreadable_dates(records, roles, dates)
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
        header=table.header,
        sheet=table.sheet,
        chosen=chosen,
        guessed=columns.guessed,
        day_first={role: each.day_first for role, each in dates.items()},
        days={role: each.days for role, each in dates.items()},
    )


def _dates(records: Sequence[Record], roles: Mapping[str, str]) -> dict[str, DatedColumn]:
    """Read the columns with dates, by role."""
    return {role: read_days([getattr(each, role) for each in records]) for role in _DATED if role in roles}


def _unreadable_dates(
    records: Sequence[Record], roles: Mapping[str, str], dates: Mapping[str, DatedColumn]
) -> Iterator[Problem]:
    """Name the first cells without a readable date, and count the others."""
    for role, column in dates.items():
        for place in column.unreadable[:_DATES_NAMED]:
            message = _no_date(roles[role], getattr(records[place], role))
            yield Problem(records[place].line, message, skipped=False)
        if others := column.unreadable[_DATES_NAMED:]:
            message = Translatable("row.more_no_dates", column=roles[role], count=len(others))
            yield Problem(records[others[0]].line, message, skipped=False)


def _no_date(column: str, cell: str) -> Translatable:
    return Translatable("row.no_date", column=column, text=" ".join(cell[:_DATE_SHOWN].split()))


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


def _assign_roles(table: Table, chosen: Mapping[str, str], name: str, *, may_guess: bool) -> Columns:
    """Return the columns; a sheet is only guessed if there is no other or it was named: it may be a cover."""
    roles = named_columns(table.header, chosen, name)
    if table.is_titled:
        refuse_lines_above_header(table, name)
    if not roles.keys().isdisjoint(SEARCHED):
        return Columns(roles)
    refuse_other_layouts(table, name)
    guessed = guess_columns(table.header, table.columns, roles) if may_guess else roles
    if guessed.keys().isdisjoint(SEARCHED):
        raise no_columns(table.header, name)
    return Columns(guessed, guessed=True)


def _guessed(roles: Mapping[str, str]) -> Translatable:
    if "question" in roles:
        return Translatable("csv.guessed", question=roles["question"], answer=roles["answer"])
    return Translatable("csv.guessed_answer", answer=roles["answer"])


def _no_records(name: str, problems: list[Problem]) -> UnusableFileError:
    if not problems:
        return UnusableFileError("csv.only_header", file=name)
    first = problems[0]
    return UnusableFileError("csv.no_usable_row", file=name, line=first.line, why=first.message)


def _records(table: Table, columns: Columns, problems: list[Problem]) -> Iterator[Record]:
    """Yield the usable rows; append the problems of the others to `problems`."""
    roles = columns.roles
    column = dict(zip(table.header, table.columns, strict=True))
    blanks = [""] * len(table.lines)
    by_role = [column[roles[role]] if role in roles else blanks for role in _ROLES]
    others = [cells for title, cells in column.items() if title != roles.get("id")]
    lines_of_id: dict[str, int] = {}
    lines_of_row: dict[Row, int] = {}
    plain = _plain_rows(lambda: zip(by_role[1], by_role[2], zip(*others, strict=True), strict=True))
    rows = zip(table.lines, zip(*by_role, strict=True), _details(table, roles), zip(*others, strict=True), strict=True)
    for line, row, details, whole in rows:
        written_id, question, answer, category, url, keywords, aliases, updated, owner, image, review_by = row
        asked, answered = question_text(question), without_entities(answer)
        if not asked and not answered:
            message = Translatable("row.both_blank") if "question" in roles else Translatable("row.text_blank")
        elif written_id and written_id in lines_of_id:
            message = Translatable("row.id_taken", id=written_id, line=lines_of_id[written_id])
        elif whole in lines_of_row:
            message = Translatable("row.repeated", line=lines_of_row[whole])
        else:
            is_plain = plain.get((question, answer), whole) == whole
            identity = written_id or (_derived_id(question, answer) if is_plain else _derived_id(*whole))
            lines_of_id[identity] = lines_of_row[whole] = line
            is_named = not image or has_address(image)
            record = Record(
                id=identity,
                question=asked,
                answer=answered,
                category=without_entities(category),
                url=url,
                keywords=_split(_KEYWORD_SEPARATOR, without_entities(keywords)),
                aliases=_split(_ALIAS_SEPARATOR, without_entities(aliases)),
                updated=updated,
                owner=owner,
                details=details if is_named else {**details, roles["image"]: without_entities(image)},
                line=line,
                guessed=columns.guessed,
                image=image if is_named else "",
                review_by=review_by,
            )
            if image or "![" in answer:
                problems += picture_problems(record, image)
            yield record
            continue
        problems.append(Problem(line, message, skipped=True))


def _plain_rows(rows: Callable[[], Iterable[tuple[str, str, Row]]]) -> Mapping[tuple[str, str], Row]:
    """Return, for a question and answer that several rows have, the row whose id is derived from these two alone.

    It is the first in the order of all their texts: taking the first of the file, moving rows would change ids.
    """
    seen: set[int] = set()
    doubled: set[int] = set()
    for question, answer, _ in rows():
        key = hash((question, answer))
        (doubled if key in seen else seen).add(key)
    plain: dict[tuple[str, str], Row] = {}
    for question, answer, whole in rows() if doubled else ():
        if hash((question, answer)) in doubled:
            plain[question, answer] = min(plain.get((question, answer), whole), whole)
    return plain


def _short_rows(table: Table, records: Sequence[Record]) -> Iterator[Problem]:
    """Say once that spreadsheets left out blank cells at the end of rows."""
    used = {record.line for record in records} if table.short else set()
    lines = [line for line in table.short if line in used]
    if lines:
        others = len(lines) - 1
        message = Translatable("row.short.other", others=others) if others else Translatable("row.short.one")
        yield Problem(lines[0], message, skipped=False)


def _details(table: Table, roles: Mapping[str, str]) -> Iterable[Mapping[str, str]]:
    columns = zip(table.header, table.columns, strict=True)
    others = [(title, cells) for title, cells in columns if title not in roles.values()]
    for row in range(len(table.lines)):
        filled = {title: cells[row] for title, cells in others if cells[row]}
        yield {title: text for title, cell in filled.items() if (text := without_entities(cell))} or _NO_DETAILS


def _derived_id(*texts: str) -> str:
    """Return an id derived from the content of a row, so that moving rows changes no id."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _split(separator: re.Pattern[str], cell: str) -> tuple[str, ...]:
    if not cell:
        return ()
    return tuple(dict.fromkeys(part.strip() for part in separator.split(cell) if part.strip()))
