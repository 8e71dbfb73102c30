"""`make eval`: one line of measures for each set in a folder, on the production path.

A set is a folder with `queries.jsonl` and either `kb.csv` or a `meta.json` that names its knowledge base. By default
Japanese ones are searched lexically and all others with the packaged all-MiniLM-L6-v2, which reads English only.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.evaluate import run
from indexes import FaissSearch
from indexes.confidence.confidence import THRESHOLD
from indexes.confidence.evaluation import read_queries
from indexes.records import read_records
from indexes.text import is_japanese
from tests.encoders import minilm_path

COLUMNS = (
    ("R@1", "recall_at_1"),
    ("R@3", "recall_at_3"),
    ("MRR", "mrr_at_10"),
    ("AP", "average_precision"),
    ("near", "auroc_near"),
    ("far", "auroc_far"),
)


def sets(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield name, knowledge base and queries of each set in a folder."""
    for queries in sorted(folder.glob("*/queries.jsonl")):
        meta = queries.with_name("meta.json")
        named = json.loads(meta.read_text("utf-8")).get("knowledge_base") if meta.exists() else None
        yield queries.parent.name, queries.parent / (named or "kb.csv"), queries


def default_encoder(knowledge_base: Path) -> str | None:
    """Choose lexical search for knowledge bases mostly in Japanese."""
    records = read_records(knowledge_base).records
    japanese = sum(is_japanese(record.title + record.answer) for record in records)
    return None if japanese * 2 > len(records) else str(minilm_path())


def measure(knowledge_base: Path, queries: Path, encoder: str | None, data_dir: Path) -> dict[str, Any]:
    """Ask all queries of a set."""
    with FaissSearch(knowledge_base, encoder, data_dir=data_dir) as search:
        return run(search, read_queries(queries), THRESHOLD).measures


def line(name: str, encoder: str | None, measures: dict[str, Any]) -> str:
    """Lay one set's measures out."""
    shipped = measures["shipped"]
    numbers = [
        *(measures[key] for _, key in COLUMNS),
        measures["coverage_at_precision"]["0.95"],
        shipped["precision"],
        shipped["coverage"],
        shipped["far_reply_rate"],
    ]
    cells = "".join("     –" if number is None else f"{number:6.3f}" for number in numbers)
    return f"{name:<20}{'lexical' if encoder is None else Path(encoder).name[:8]:<9}{measures['queries']:5d}{cells}"


def main() -> int:
    """Print the table; exit 1 when a folder has no sets."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sets", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--encoder", help="a model for all sets, or lexical")
    options = parser.parse_args()
    found = list(sets(options.folder))
    if not found:
        print(f"No sets in {options.folder}: looked for */queries.jsonl", file=sys.stderr)
        return 1
    heading = "".join(f"{title:>6}" for title in [*(title for title, _ in COLUMNS), "c@95", "prec", "cover", "far!"])
    print(f"{'set':<20}{'encoder':<9}{'n':>5}{heading}")
    with tempfile.TemporaryDirectory() as data_dir:
        for name, knowledge_base, queries in found:
            chosen = options.encoder or default_encoder(knowledge_base)
            encoder = None if chosen == "lexical" else chosen
            print(line(name, encoder, measure(knowledge_base, queries, encoder, Path(data_dir))), flush=True)
    print(
        f"\nprec, cover, far!: precision, share of the answerable answered, and share of far questions replied to, "
        f"at the threshold {THRESHOLD}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
