"""`python -m tests.sets.asking`: each set, asked one question back where the closest rows are close.

Whoever is asked back knows the right row and presses its button. The questions are asked in the order of the file, with
what stands in for earlier questions taken from all other sets (`--usual shipped`: as it is shipped).
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.evaluate import ASKING_AT_ONCE
from indexes import FaissSearch
from indexes.clarification.clarification import closeness_of
from indexes.clarification.closeness import USUAL
from indexes.clarification.measuring import Asking, measure
from indexes.confidence.confidence import THRESHOLD
from indexes.confidence.evaluation import PARTIAL, Query, read_queries
from indexes.registry import Answer
from tests.sets.__main__ import encoders, title
from tests.sets.finding import sets

DEPTH = 10
HEADING = ("first", "five", "wanted", "press", "gain", "asked")


@dataclass(frozen=True)
class Searched:
    """The answers to a set's questions."""

    name: str
    encoder: str
    queries: Sequence[Query]
    answers: Sequence[Answer]

    @property
    def closeness(self) -> list[float]:
        """How close the best rows of each question are."""
        pairs = zip(self.queries, self.answers, strict=True)
        return [closeness_of(answer, THRESHOLD) for query, answer in pairs if query.kind != PARTIAL]


def search(name: str, knowledge_base: Path, queries: Path, encoder: str | None, data_dir: Path) -> Searched:
    """Search for each question of a set."""
    asked = read_queries(queries)
    with (
        FaissSearch(knowledge_base, encoder, data_dir=data_dir) as searching,
        ThreadPoolExecutor(ASKING_AT_ONCE) as pool,
    ):
        answers = list(pool.map(lambda query: searching.answer(query.text, DEPTH), asked))
    return Searched(name, title(encoder), asked, answers)


def usual(searched: Sequence[Searched], count: int = len(USUAL)) -> tuple[float, ...]:
    """Return what stands in for earlier questions: the quantiles of the median set."""
    quantiles = (np.arange(count) + 0.5) / count
    per_set = [np.quantile(each.closeness, quantiles) for each in searched]
    return tuple(float(value) for value in np.median(per_set, axis=0).round(3))


def line(searched: Searched, asking: Asking) -> str:
    """Format a row of the table."""
    times = (asking.after_one_press - asking.first) / max(asking.wanted - asking.first, 1e-9)
    shares = (asking.first, asking.among_five, asking.wanted, asking.after_one_press, times, asking.asked_back)
    cells = "".join(f"{share:8.3f}" for share in shares)
    return f"{searched.name:<20}{searched.encoder:<10}{len(searched.queries):6d}{cells}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit 1 when there are no sets."""
    parser = argparse.ArgumentParser(prog="python -m tests.sets.asking")
    parser.add_argument("folders", nargs="*", type=Path, default=[Path(__file__).parent])
    parser.add_argument("--encoder", help="a model for all sets, or lexical (default: three, one after another)")
    parser.add_argument("--no-download", action="store_true", help="take multilingual-e5-small only if it is there")
    parser.add_argument("--usual", choices=("others", "shipped"), default="others")
    options = parser.parse_args(arguments)
    found = [each for folder in options.folders for each in sets(folder)]
    if not found:
        print("No sets: looked for */queries.jsonl", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        every = [
            search(name, knowledge_base, queries, encoder, Path(folder))
            for encoder in encoders(options, Path(folder))
            for name, knowledge_base, queries in found
        ]
    print(f"{'set':<20}{'encoder':<10}{'n':>6}" + "".join(f"{head:>8}" for head in HEADING))
    for each in every:
        others = [other for other in every if other.name != each.name]
        stand_in = usual(others) if options.usual == "others" and others else USUAL
        print(line(each, measure(each.queries, each.answers, THRESHOLD, stand_in)), flush=True)
    print(f"\nIn place of earlier questions, from all these sets: {usual(every)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
