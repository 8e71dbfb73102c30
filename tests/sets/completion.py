"""`python -m tests.sets.completion`: how often a question is offered after a part of it was typed, and how fast.

Own questions: half of a row's question or alias as it is written, with a typo, in kana, in kana with a typo, and in
romaji; rows of the sets, and 10,000 of a help desk. Questions of the sets: half, three quarters and all of each, beside
what the lexical search finds for the whole.
"""

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bot.config_file import ConfigFile
from bot.playground.trial import trial
from bot.settings import Environment, Settings
from handlers.typeahead.views.form import TYPED
from indexes import FaissSearch
from indexes.completion import romaji
from indexes.completion.completion import Completion, complete
from indexes.confidence.evaluation import Query, read_queries
from indexes.records import Record, read_records
from indexes.retrieval import readings
from indexes.retrieval.lexical import question_texts
from indexes.retrieval.readings import in_kana
from indexes.text import normalize
from tests.benchmarks import helpdesk
from tests.benchmarks.corpus import write_csv
from tests.sets.finding import sets

FIRST = 5
PARTS = (0.5, 0.75, 1.0)
KINDS = ("half", "typo", "kana", "kana typo", "romaji")
OWN, ASKED = 200, 300
"""Own questions that are typed of each set and kind, and questions of a set; at most."""
ROWS = 10_000
TYPISTS = ("alice", "hanako", "olivia", "ichiro")
"""Who types through Slack: nobody so much that only a search is offered."""
_SPELLED = {kana: letters for letters, kana in reversed([*romaji._KANA.items()])} | {"ん": "nn"}
_IS_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")


@dataclass
class Typed:
    """How a knowledge base fared: the rows that were offered by kind, and the CPU seconds of each text."""

    searching: FaissSearch
    offered: dict[str, list[bool]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def offers(self, text: str) -> list[Completion]:
        """Complete a text."""
        started = time.thread_time()
        found = complete(self.searching._registry.loaded, [self.searching.name], text, FIRST)
        self.seconds.append(time.thread_time() - started)
        return found

    def own(self, record: Record, kind: str, text: str) -> None:
        """Type a part of a record's own question."""
        self.offered.setdefault(kind, []).append(any(each.record.id == record.id for each in self.offers(text)))

    def share(self, kind: str) -> float | None:
        """Return the share of rows that were offered."""
        return float(np.mean(self.offered[kind])) if kind in self.offered else None


def halves(records: Sequence[Record], seed: int = 1) -> Iterator[tuple[Record, str, str]]:
    """Yield half of the questions and aliases of records in every way, with the record and the name of the way."""
    choose = random.Random(seed)
    texts = [(record, text) for record in records for text in question_texts(record) if text]
    for record, text in choose.sample(texts, min(OWN, len(texts))):
        ways = {"half": half(text), "typo": mistyped(half(text), choose)}
        if _IS_JAPANESE.search(text):
            kana = in_kana(normalize(text)) or normalize(text)
            ways |= {"kana": half(kana), "kana typo": mistyped(half(kana), choose), "romaji": in_romaji(half(kana))}
        for kind, part in ways.items():
            yield record, kind, part


def type_asked(typed: Typed, queries: Sequence[Query]) -> tuple[float, list[float]]:
    """Return R@5 of the lexical search for whole questions, and the share offered after each part was typed."""
    answerable = [query for query in queries if query.relevant][:ASKED]
    whole = [[hit.record.id for hit in typed.searching.search(query.text, FIRST)] for query in answerable]
    parts = [
        [[each.record.id for each in typed.offers(first(query.text, part))] for query in answerable] for part in PARTS
    ]
    return recall(answerable, whole), [recall(answerable, found) for found in parts]


def recall(queries: Sequence[Query], found: Sequence[Sequence[str]]) -> float:
    """Return the share of queries with a relevant row among those found."""
    return float(
        np.mean([any(id_ in query.relevant for id_ in ids) for query, ids in zip(queries, found, strict=True)])
    )


def first(text: str, part: float) -> str:
    """Return this part of a text, rounded up to a whole letter."""
    return text[: int(np.ceil(len(text) * part))]


def half(text: str) -> str:
    """Return the first half of a text."""
    return first(text, 0.5)


def mistyped(text: str, choose: random.Random) -> str:
    """Return a text with a letter left out, two letters swapped, or a wrong letter."""
    if len(text) < 2:
        return text
    at = choose.randrange(len(text) - 1)
    before, letter, following, after = text[:at], text[at], text[at + 1], text[at + 2 :]
    ways: tuple[Callable[[], str], ...] = (
        lambda: before + following + after,
        lambda: before + following + letter + after,
        lambda: before + choose.choice(text) + following + after,
    )
    return choose.choice(ways)()


def in_romaji(kana: str) -> str:
    """Return a text with its kana in romaji, as it is typed."""
    return re.sub("|".join(sorted(_SPELLED, key=len, reverse=True)), lambda each: _SPELLED[each[0]], kana)


def bases(folder: Path, data: Path) -> Iterator[tuple[str, Path, Sequence[Query]]]:
    """Yield name, CSV and queries of each set, and a help desk without queries."""
    for name, knowledge_base, queries in sets(folder):
        yield name, knowledge_base, read_queries(queries)
    yield f"help desk, {ROWS:,} rows", write_csv(data / "helpdesk.csv", list(helpdesk.rows(ROWS))), ()


def acked(folder: Path, count: int = 30) -> list[float]:
    """Return the seconds from Slack's envelope to the options, for the help desk in the whole app."""
    knowledge, lines = folder / "knowledge", list(helpdesk.rows(ROWS))
    write_csv(knowledge / "it-help.csv", lines)
    environment = Environment.model_validate({"data_dir": folder / "bot", "encoder_backend": "lexical"})
    choose = random.Random(2)
    with trial(Settings(environment, ConfigFile(), Path("kotae.toml")), knowledge) as (slack, _, _):
        seconds = []
        for who in TYPISTS:
            opened = slack.shortcut(who, "ask_kotae")
            form = slack.wait_until(lambda opened=opened: opened.views, what="the form")[0]  # type: ignore[misc]
            for row in choose.sample(lines, count):
                asked = slack.suggest(who, form, TYPED, half(row.question))
                assert len(asked.options) > 1, "only a search was offered"
                seconds.append(asked.acked_after or 0.0)
    return seconds


def cell(share: float | None) -> str:
    """Format a share."""
    return "     –" if share is None else f"{share:6.3f}"


def line(name: str, typed: Typed, own: Sequence[tuple[Record, str, str]], queries: Sequence[Query]) -> str:
    """Measure a knowledge base, and format the row of the table."""
    for record, kind, part in own:
        typed.own(record, kind, part)
    asked: list[float | None] = [None] * (1 + 2 * len(PARTS))
    if queries:
        whole, parts = type_asked(typed, queries)
        asked = [whole, *parts, *(part / max(whole, 1e-9) for part in parts)]
    median, slow = (float(np.percentile(typed.seconds, share)) * 1000 for share in (50, 95))
    cells = [cell(typed.share(kind)) for kind in KINDS] + [cell(share) for share in asked]
    return f"{name:<24}{''.join(f'{each:>10}' for each in cells)}{median:8.1f}{slow:8.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tests.sets.completion", description=about)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--without-readings", action="store_true", help="as if the extra ja were not installed")
    options = parser.parse_args(arguments)
    asked = ["R@5", *(f"{part:.0%}" for part in PARTS), *(f"{part:.0%}/R@5" for part in PARTS)]
    print(f"{'set':<24}{''.join(f'{title:>10}' for title in (*KINDS, *asked))}{'ms p50':>8}{'p95':>8}")
    with tempfile.TemporaryDirectory() as data:
        own = {
            name: [*halves(read_records(knowledge_base).records)]
            for name, knowledge_base, _ in bases(options.folder, Path(data))
        }
        if options.without_readings:
            # None is how Python says that something can't be imported
            sys.modules["fugashi"] = None  # type: ignore[assignment]
            readings._dictionary.cache_clear()
        for name, knowledge_base, queries in bases(options.folder, Path(data)):
            with FaissSearch(knowledge_base, None, data_dir=data) as searching:
                print(line(name, Typed(searching), own[name], queries), flush=True)
        spent = np.percentile(acked(Path(data)), (50, 95)) * 1000
    print(f"\nFrom the envelope to the options, {ROWS:,} rows: p50 {spent[0]:.1f} ms, p95 {spent[1]:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
