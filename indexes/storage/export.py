"""A knowledge base as a CSV that spreadsheets open as it is meant: UTF-8 with its mark, CRLF, no live formulas."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexes.records import parse_records
from indexes.records.columns import is_known
from indexes.records.table import Table, read_table
from indexes.retrieval.learned_aliases import LearnedAlias, with_learned_aliases
from indexes.text import is_japanese

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r]")
"""How a cell begins that a spreadsheet may compute; full-width signs count in Japanese ones."""
_BETWEEN_ALIASES = "|"


@dataclass(frozen=True)
class Export:
    """A CSV's bytes, how many rows are in it, and how many are not, since they don't fit the header or are blank.

    `guarded` is the number of cells that were kept from being computed.
    """

    data: bytes
    rows: int
    left_out: int
    guarded: int


def export(data: bytes, path: Path, learned: Sequence[LearnedAlias]) -> Export:
    """Write every row and column of a knowledge base anew, with what people taught among its aliases.

    Raises UnusableFileError.
    """
    base = parse_records(data, path)
    table = read_table(data, path.name, is_known)
    pairs = zip(base.records, with_learned_aliases(base.records, learned), strict=True)
    aliases = {record.line: after.aliases for record, after in pairs if record.aliases != after.aliases}
    return _written(_with_aliases(table, base.columns, aliases) if aliases else table)


def export_table(data: bytes, name: str) -> Export:
    """Do the same with any other table, such as the synonyms."""
    return _written(read_table(data, name, is_known))


def _with_aliases(table: Table, roles: Mapping[str, str], aliases: Mapping[int, Sequence[str]]) -> Table:
    """Fill the column of aliases, adding one if there is none, in the rows that start at these lines."""
    header = roles.get("aliases") or _new_header(roles)
    columns = dict(zip(table.header, table.columns, strict=True))
    cells = columns.get(header, [""] * len(table.lines))
    columns[header] = [
        _joined(aliases[line]) if line in aliases else cell for line, cell in zip(table.lines, cells, strict=True)
    ]
    return Table(tuple(columns), tuple(columns.values()), table.lines, table.problems, table.encoding, table.delimiter)


def _new_header(roles: Mapping[str, str]) -> str:
    return "言い換え" if is_japanese("".join(roles.values())) else "aliases"


def _joined(aliases: Sequence[str]) -> str:
    """Put aliases into one cell; a bar within one would cut it in two."""
    clean = (" ".join(re.sub(r"[|｜]", " ", alias).split()) for alias in aliases)
    return _BETWEEN_ALIASES.join(dict.fromkeys(clean))


def _written(table: Table) -> Export:
    rows = [table.header, *zip(*table.columns, strict=True)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    guarded = sum(_harmless(cell) != cell for row in rows for cell in row)
    left_out = sum(problem.skipped for problem in table.problems)
    return Export(text.getvalue().encode("utf-8-sig"), len(table.lines), left_out, guarded)


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from computing a cell, which might send what is in the others elsewhere."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
