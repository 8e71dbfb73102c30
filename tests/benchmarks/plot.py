"""The pictures; a child draws them, so that nothing measured has matplotlib in it."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tests.benchmarks.processes import JSON

INK, SECOND, THIRD = "#1f4e79", "#c0562f", "#5b8c3a"


def growth(arguments: JSON) -> JSON:
    """Draw four panels over the number of rows, on logarithmic axes (child)."""
    raw, file = arguments["raw"], Path(arguments["file"])
    sizes = raw["sizes"]
    rows = [one["rows"] for one in sizes]
    figure = Figure(figsize=(10, 7.2), layout="constrained")
    time, restart, search, space = figure.subplots(2, 2).flat
    rates = raw["texts_per_second"]
    lines(time, rows, [("without encoding (measured)", [one["build"] for one in sizes], INK)])
    for (name, rate), colour in zip(rates.items(), (SECOND, THIRD), strict=True):
        label = f"encoding alone, {name} ({rate:.0f} texts/s)".replace("twin", "default model's twin")
        time.plot(rows, [2 * count / rate for count in rows], "--", color=colour, label=label)
    finish(time, "First build", "seconds")
    lines(
        restart,
        rows,
        [
            ("first lexical answer", [one["lexical"] for one in sizes], THIRD),
            ("vectors mapped", [one["restart"] for one in sizes], INK),
        ],
    )
    finish(restart, "Restart, nothing changed (imports and model apart)", "seconds")
    lines(
        search,
        rows,
        [("p50", [one["p50"] for one in sizes], INK), ("p99", [one["p99"] for one in sizes], SECOND)],
    )
    finish(search, "One search (encoding the question apart)", "milliseconds")
    lines(
        space,
        rows,
        [
            ("memory added", [max(one["memory"] - one["empty"], 0.1) for one in sizes], INK),
            ("one snapshot on disk", [one["disk"] for one in sizes], SECOND),
        ],
    )
    finish(space, "Space", "MB")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90)
    return {"file": file.name}


def parts(arguments: JSON) -> JSON:
    """Draw where a question's time goes, by the number of rows, for each backend (child)."""
    sizes, file = arguments["sizes"], Path(arguments["file"])
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    axes = figure.subplots(1, len(sizes), sharey=True)
    for axis, (backend, found) in zip(axes, sizes.items(), strict=True):
        below = [0.0] * len(found)
        for part, colour in (("encode", INK), ("lexical", SECOND), ("dense", THIRD), ("confidence", "#8c6bb1")):
            values = [one[part]["p50"] for one in found.values()]
            axis.bar(list(found), values, bottom=below, color=colour, label=part, width=0.6)
            below = [one + other for one, other in zip(below, values, strict=True)]
        axis.set_title(backend, fontsize=10)
        axis.set_xlabel("rows")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("p50, ms")
    axes[-1].legend(fontsize=9, frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90)
    return {"file": file.name}


def beside(arguments: JSON) -> JSON:
    """Draw Kotae beside the others: restart, one question, and many people at once (child)."""
    panels, file = arguments["panels"], Path(arguments["file"])
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    for axis, (title, bars) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        names = list(bars)[::-1]
        colours = [INK if name.startswith("Kotae") else "#b8b8b8" for name in names]
        drawn = axis.barh(names, [bars[name] for name in names], color=colours)
        axis.bar_label(drawn, fmt="%.3g", padding=3, fontsize=9)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.16)
        axis.tick_params(axis="y", length=0, labelsize=9)
        axis.xaxis.set_visible(False)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90)
    return {"file": file.name}


def lines(axis: Any, rows: list[int], series: list[tuple[str, list[float], str]]) -> None:
    """Draw measured lines, each value written beside its last point."""
    for label, values, colour in series:
        axis.plot(rows, values, "o-", color=colour, label=label, linewidth=2, markersize=5)
        axis.annotate(
            f"{values[-1]:.3g}", (rows[-1], values[-1]), textcoords="offset points", xytext=(6, -3), color=colour
        )


def finish(axis: Any, title: str, unit: str) -> None:
    """Give a panel its scales and words."""
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(title, fontsize=11, loc="left")
    axis.set_ylabel(unit)
    axis.set_xlabel("rows")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.grid(visible=True, which="major", color="#dddddd")
    axis.margins(x=0.14)
    axis.legend(fontsize=9, frameon=False, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)
