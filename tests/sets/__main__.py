"""`make eval`: each set in a folder, searched with each encoder, as the bot searches and beside plain cosine.

A set is a folder with `queries.jsonl` and either `kb.csv` or a `meta.json` that names its knowledge base. The encoders
are the packaged all-MiniLM-L6-v2, which reads English only, multilingual-e5-small, and none: words alone.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.evaluate import run
from indexes import FaissSearch
from indexes.confidence.confidence import THRESHOLD, with_confidence
from indexes.confidence.evaluation import Query, evaluate, read_queries
from indexes.encoder import models
from tests.e5 import E5UnavailableError, make_e5
from tests.encoders import minilm_link
from tests.sets.finding import sets
from tests.sets.plain import plain_cosine

RANKING = (("R@1", "recall_at_1"), ("R@3", "recall_at_3"), ("MRR", "mrr_at_10"), ("AP", "average_precision"))
SILENCE = (("near", "auroc_near"), ("far", "auroc_far"))
HEADING = (
    *(title for title, _ in RANKING),
    *("pMRR", "pAP", "xMRR", "xAP"),
    *(title for title, _ in SILENCE),
    *("c@95", "repl", "prec", "cover", "far!"),
    "ms",
)
COMPARED = ("mrr_at_10", "average_precision")
TIMED = 100
"""Questions whose search is timed."""
FEWEST_REPLIES = 20
"""Replies from which the precision of a set says something."""


@dataclass(frozen=True)
class Row:
    """The measures of one set with one encoder; plain cosine needs vectors, and replies need answers."""

    name: str
    encoder: str
    measures: dict[str, Any]
    plain: dict[str, Any] | None
    milliseconds: float

    @property
    def ratios(self) -> tuple[float, float] | None:
        """MRR and average precision in multiples of plain cosine's."""
        if not self.plain:
            return None
        mrr, precision = (self.measures[key] / max(self.plain[key], 1e-9) for key in COMPARED)
        return mrr, precision

    @property
    def numbers(self) -> list[float | None]:
        """The numbers under HEADING."""
        plain, shipped = self.plain or {}, self.measures["shipped"]
        silence = [
            *(self.measures[key] for _, key in SILENCE),
            self.measures["coverage_at_precision"]["0.95"],
            *(shipped[key] for key in ("replies", "precision", "coverage", "far_reply_rate")),
        ]
        return [
            *(self.measures[key] for _, key in RANKING),
            *(plain.get(key) for key in COMPARED),
            *(self.ratios or (None, None)),
            *(silence if self.measures["answers"] else [None] * len(silence)),
            self.milliseconds,
        ]


def measure(name: str, knowledge_base: Path, queries: Sequence[Query], encoder: str | None, data_dir: Path) -> Row:
    """Ask all queries of a set."""
    plain = None
    if encoder:
        plain = evaluate(plain_cosine(knowledge_base, queries, models.get(encoder)), THRESHOLD)
    with FaissSearch(knowledge_base, encoder, data_dir=data_dir) as searching:
        measures = run(searching, queries, THRESHOLD).measures
        cost = milliseconds(searching, queries)
    return Row(name, title(encoder), measures, plain, cost)


def milliseconds(searching: FaissSearch, queries: Sequence[Query]) -> float:
    """Return the CPU time of a question without its encoding: the search and its confidence."""
    asked = [searching.answer(query.text).question for query in queries[:TIMED]]
    index = searching.index
    started = time.process_time()
    for question in asked:
        with_confidence(question, index.search(question))
    return (time.process_time() - started) / max(len(asked), 1) * 1000


def title(encoder: str | None) -> str:
    """Return a short name of an encoder."""
    if encoder is None:
        return "lexical"
    name = Path(encoder).name
    return next((short for short in ("MiniLM", "e5") if short in name), name[:9])


def line(row: Row) -> str:
    """Format a row of the table."""
    scale = row.measures["scale"]
    lost = f"{scale['lost']:.0%}" if scale else "–"
    cells = "".join(cell(number) for number in row.numbers)
    return f"{row.name:<20}{row.encoder:<10}{lost:>7}{row.measures['queries']:6d}{cells}"


def cell(number: float | None) -> str:
    """Format a number of the table."""
    if number is None:
        return "     –"
    return f"{number:6d}" if isinstance(number, int) else f"{number:6.3f}"


def summary(encoder: str, rows: Sequence[Row]) -> str:
    """Return the means over the sets, and the lowest precision of those with enough replies."""
    answering = [row.measures["shipped"] for row in rows if row.measures["answers"]]
    precise = [shipped["precision"] for shipped in answering if shipped["replies"] >= FEWEST_REPLIES]
    precision = mean([row.measures["average_precision"] for row in rows])
    parts = [
        f"{encoder}: AP {precision:.3f}",
        *compared(precision, [row for row in rows if row.plain]),
        *([f"coverage {mean([shipped['coverage'] for shipped in answering]):.3f}"] if answering else []),
        f"precision at least {min(precise):.3f} in {len(precise)} sets with {FEWEST_REPLIES} replies or more"
        if precise
        else f"no set with {FEWEST_REPLIES} replies",
    ]
    return ", ".join(parts)


def compared(precision: float, rows: Sequence[Row]) -> list[str]:
    """Return how much better the sets fare than with plain cosine: AP on average, AP and MRR at worst."""
    if not rows:
        return []
    plain = mean([row.plain["average_precision"] for row in rows if row.plain])
    mrr, lowest = (min(ratios) for ratios in zip(*(row.ratios for row in rows if row.ratios), strict=True))
    times = precision / max(plain, 1e-9)
    return [f"{times:.2f} times plain cosine's {plain:.3f} (lowest set: AP {lowest:.2f} times, MRR {mrr:.2f} times)"]


def mean(values: Sequence[float]) -> float:
    """Return the mean, or 0 without values."""
    return sum(values) / len(values) if values else 0.0


def encoders(options: argparse.Namespace, folder: Path) -> Iterator[str | None]:
    """Yield the models to measure with; None is lexical search."""
    if options.encoder:
        yield None if options.encoder == "lexical" else options.encoder
        return
    yield str(minilm_link(folder))
    try:
        yield str(make_e5(downloading=not options.no_download))
    except E5UnavailableError as error:
        print(f"Without multilingual-e5-small: {error}", file=sys.stderr)
    yield None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit 1 when a folder has no sets."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sets", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--encoder", help="a model for all sets, or lexical (default: three, one after another)")
    parser.add_argument("--no-download", action="store_true", help="take multilingual-e5-small only if it is there")
    options = parser.parse_args(arguments)
    found = list(sets(options.folder))
    if not found:
        print(f"No sets in {options.folder}: looked for */queries.jsonl", file=sys.stderr)
        return 1
    print(f"{'set':<20}{'encoder':<10}{'lost':>7}{'n':>6}" + "".join(f"{title:>6}" for title in HEADING))
    summaries = []
    with tempfile.TemporaryDirectory() as data_dir:
        for encoder in encoders(options, Path(data_dir)):
            rows = []
            for name, knowledge_base, queries in found:
                rows.append(measure(name, knowledge_base, read_queries(queries), encoder, Path(data_dir)))
                print(line(rows[-1]), flush=True)
            summaries.append(summary(title(encoder), rows))
    print("", *summaries, sep="\n")
    print(
        "\nlost: questions that the encoder doesn't find by their words alone. pMRR, pAP: plain cosine of questions; "
        f"xMRR, xAP: how many times as good. repl, prec, cover, far!: replies at the threshold {THRESHOLD}, how many "
        "are right, share of the answerable answered, share of far questions replied to. ms: CPU time of a question "
        "without its encoding. A set without answers counts for ranking only."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
