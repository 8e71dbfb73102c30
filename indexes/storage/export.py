"""Exporting a CSV that spreadsheets open correctly: UTF-8 with byte order mark, CRLF, no active formulas."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexes.records import Source, parse_records
from indexes.records.columns import is_known
from indexes.records.table import Table, read_table
from indexes.retrieval.learned_aliases import LearnedAlias, with_learned_aliases
from indexes.text import is_japanese

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r]")
"""Beginning of a cell that a spreadsheet may compute; Japanese ones also accept full-width signs."""
_BETWEEN_ALIASES = "|"


@dataclass(frozen=True)
class Export:
    """The bytes of a CSV, the number of its rows, and of rows left out because they are blank or don't fit the header.

    `guarded` is the number of cells that were escaped, so that they are not computed.
    """

    data: bytes
    rows: int
    left_out: int
    guarded: int


def export(data: bytes, source: Source, learned: Sequence[LearnedAlias]) -> Export:
    """Write all rows and columns of a knowledge base, with the learned aliases. Raises UnusableFileError."""
    _, exported, _ = tables(data, source, learned)
    return _written(exported)


def tables(data: bytes, source: Source, learned: Sequence[LearnedAlias]) -> tuple[Table, Table, str]:
    """Return a file's table, the same with the learned aliases, and the header of its ids, blank if there are none."""
    base = parse_records(data, source.path, source.sheet, source.columns)
    table = read_table(data, source.path.name, is_known, source.sheet)
    pairs = zip(base.records, with_learned_aliases(base.records, learned), strict=True)
    aliases = {record.line: after.aliases for record, after in pairs if record.aliases != after.aliases}
    exported = _with_aliases(table, base.columns, aliases) if aliases else table
    return table, exported, base.columns.get("id", "")


def export_table(data: bytes, name: str) -> Export:
    """Write all rows and columns of any other table, such as the synonyms. Raises UnusableFileError."""
    return _written(read_table(data, name, is_known))


def _with_aliases(table: Table, roles: Mapping[str, str], aliases: Mapping[int, Sequence[str]]) -> Table:
    """Fill in the aliases of the rows that start at these lines, adding the column if there is none."""
    header = roles.get("aliases") or _new_header(roles)
    columns = dict(zip(table.header, table.columns, strict=True))
    cells = columns.get(header, [""] * len(table.lines))
    columns[header] = [
        _joined(aliases[line]) if line in aliases else cell for line, cell in zip(table.lines, cells, strict=True)
    ]
    return Table(tuple(columns), tuple(columns.values()), table.lines, table.problems, table.encoding, table.delimiter)


def _new_header(roles: Mapping[str, str]) -> str:
    return "別の聞き方" if is_japanese("".join(roles.values())) else "aliases"


def _joined(aliases: Sequence[str]) -> str:
    """Join aliases into one cell; a bar within an alias would split it and becomes a space."""
    clean = (" ".join(re.sub(r"[|｜]", " ", alias).split()) for alias in aliases)
    return _BETWEEN_ALIASES.join(dict.fromkeys(clean))


def _written(table: Table) -> Export:
    rows = [table.header, *zip(*table.columns, strict=True)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    guarded = sum(harmless(cell) != cell for row in rows for cell in row)
    left_out = sum(problem.skipped for problem in table.problems)
    return Export(text.getvalue().encode("utf-8-sig"), len(table.lines), left_out, guarded)


def harmless(cell: str) -> str:
    """Escape a cell that a spreadsheet might compute: a formula can send the other cells elsewhere."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
