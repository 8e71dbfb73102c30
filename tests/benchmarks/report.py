"""What a benchmark found: tables and targets, for the terminal, for the docs and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; the first column names the row."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Target:
    """What is wanted, and what was found."""

    what: str
    wanted: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "missed", None: "not measured"}[self.met]


@dataclass(frozen=True)
class Report:
    """The outcome of one benchmark. `raw` is every number, for JSON; `bars` go into the picture, by title and name."""

    name: str
    title: str
    tables: Sequence[Table]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    bars: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def at_most(what: str, ratio: float | None, limit: float, unit: str = "x") -> Target:
    """Make a target of the kind "no more than"."""
    return _target(what, f"≤ {limit:g}{unit}", ratio, unit, met=ratio is not None and ratio <= limit)


def at_least(what: str, ratio: float | None, limit: float, unit: str = "x") -> Target:
    """Make a target of the kind "no less than"."""
    return _target(what, f"≥ {limit:g}{unit}", ratio, unit, met=ratio is not None and ratio >= limit)


def _target(what: str, wanted: str, ratio: float | None, unit: str, *, met: bool) -> Target:
    if ratio is None:
        return Target(what, wanted, "not measured", None)
    measured = f"{ratio:.3g}" if ratio < 1000 else f"{ratio:,.0f}"
    return Target(what, wanted, f"{measured}{unit}", met)


def targets_table(targets: Iterable[Target]) -> Table:
    """Lay targets out beside what was measured."""
    rows = [[each.what, each.wanted, each.measured, each.verdict] for each in targets]
    return Table("Targets", ["", "wanted", "measured", ""], rows)


def show(report: Report, console: Console) -> None:
    """Print for people."""
    console.rule(report.title)
    for table in _tables(report):
        console.print(as_rich(table))
    for note in report.notes:
        console.print(f"  {escape(note)}")


def as_rich(table: Table) -> RichTable:
    """Lay a table out for the terminal."""
    shown = RichTable(title=escape(table.title), title_justify="left")
    for number, heading in enumerate(table.header):
        shown.add_column(escape(heading), justify="right" if number else "left", no_wrap=not number)
    for row in table.rows:
        shown.add_row(*map(escape, row))  # "[fast]" is no style
    return shown


def as_markdown(report: Report, *, level: int = 2, targets: bool = True) -> str:
    """Write for the docs, with a heading of this level, and with the targets unless they stand elsewhere."""
    tables = _tables(report) if targets else report.tables
    parts = [f"{'#' * level} {report.title}", *map(markdown_table, tables), *(f"* {note}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def _tables(report: Report) -> list[Table]:
    return [*report.tables, *([targets_table(report.targets)] if report.targets else [])]


def markdown_table(table: Table, *, titled: bool = True) -> str:
    """Write one table, under its title or without."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    rule = ["---", *["--:"] * (len(table.header) - 1)]
    title = [f"**{table.title}**\n"] if titled else []
    return "\n".join([*title, line(table.header), line(rule), *map(line, table.rows)])
