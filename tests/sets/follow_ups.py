"""`python -m tests.sets.follow_ups`: questions that lean on the one before, asked as in a thread.

`follow_ups.jsonl` of a set has the question that began the thread, what its asker said next, and the rows that answer
that; none where the knowledge base has nothing to say. Each question of `queries.jsonl` is asked next, too, in the
thread of another one: it makes sense alone, and must be answered as if it stood alone.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from handlers.threads.context import SHOWN, Target, is_new, search_in_context
from indexes import FaissSearch
from indexes.confidence.confidence import THRESHOLD
from indexes.confidence.evaluation import read_queries
from indexes.encoder import models
from indexes.registry import Answer
from tests.e5 import make_e5
from tests.encoders import minilm_link
from tests.sets.finding import sets

HEADING = f"{'set':<14}{'encoder':<9}{'asked':>6}{'alone':>7}{'thread':>7}{'repl':>6}{'prec':>6}{'none':>6}{'!':>4}"


@dataclass(frozen=True)
class FollowUp:
    """What was said in a thread, and the rows that answer it; `leans` where it makes no sense alone."""

    question: str
    said: str
    relevant: frozenset[str]
    leans: bool


@dataclass(frozen=True)
class Tally:
    """Of follow-ups with an answer: right first hits alone and in the thread, and replies; of all others: replies."""

    asked: int
    alone: int
    in_thread: int
    replies: int
    right: int
    others: int
    wrongly: int

    def line(self, name: str, encoder: str) -> str:
        """Format a row of the table."""
        counts = f"{self.asked:6d}{self.alone:7d}{self.in_thread:7d}{self.replies:6d}"
        precision = f"{self.right / self.replies:6.2f}" if self.replies else f"{'–':>6}"
        return f"{name:<14}{encoder:<9}{counts}{precision}{self.others:6d}{self.wrongly:4d}"


def leaning(folder: Path) -> Iterator[FollowUp]:
    """Yield the follow-ups that were written for a set."""
    for line in (folder / "follow_ups.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        yield FollowUp(row["question"], row["next"], frozenset(row["relevant"]), leans=True)


def standing_alone(queries: Path) -> Iterator[FollowUp]:
    """Yield each question of a set after the one before it."""
    asked = read_queries(queries)
    for before, query in zip([asked[-1], *asked], asked, strict=False):
        yield FollowUp(before.text, query.text, frozenset(query.relevant), leans=False)


def tally(searching: FaissSearch, follow_ups: Sequence[FollowUp]) -> Tally:
    """Ask all follow-ups."""
    search = cache(searching.answer)
    found = []
    for each in follow_ups:
        first = search(each.question, SHOWN)
        given: set[Target] = {(first.hits[0].knowledge_base, first.hits[0].record.id)} if first.hits else set()
        answer = search_in_context(search, each.question, each.said, given)
        replied = answer.is_certain(THRESHOLD, unasked=True) and is_new(answer, given)
        found.append((each, is_right(search(each.said, SHOWN), each), is_right(answer, each), replied))
    asked = [one for one in found if one[0].relevant]
    others = [one for one in found if not one[0].relevant]
    return Tally(
        len(asked),
        sum(alone for _, alone, _, _ in asked),
        sum(right for _, _, right, _ in asked),
        sum(replied for *_, replied in asked),
        sum(right and replied for _, _, right, replied in asked),
        len(others),
        sum(replied for *_, replied in others),
    )


def is_right(answer: Answer, follow_up: FollowUp) -> bool:
    """Tell whether the first hit answers what was said."""
    return bool(answer.hits) and answer.hits[0].record.id in follow_up.relevant


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.sets.follow_ups", description=__doc__)
    parser.add_argument("encoders", nargs="*", default=["lexical", "MiniLM", "e5"], help="lexical, MiniLM or e5")
    chosen = parser.parse_args().encoders
    with tempfile.TemporaryDirectory() as folder:
        made: Mapping[str, Callable[[], Path | None]] = {
            "lexical": lambda: None,
            "MiniLM": lambda: minilm_link(Path(folder)),
            "e5": make_e5,
        }
        print(HEADING)
        for encoder in chosen:
            model = made[encoder]()
            for name, knowledge_base, queries in sets(Path(__file__).parent):
                with FaissSearch(knowledge_base, model, data_dir=Path(folder) / "data") as searching:
                    print(tally(searching, list(leaning(queries.parent))).line(name, encoder), flush=True)
                    print(tally(searching, list(standing_alone(queries))).line("  whole", encoder), flush=True)
    models.close()


if __name__ == "__main__":
    main()
