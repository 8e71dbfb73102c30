"""The sets in a folder."""

import json
from collections.abc import Iterator
from pathlib import Path


def sets(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield name, knowledge base and queries of each set in a folder."""
    for queries in sorted(folder.glob("*/queries.jsonl")):
        meta = queries.with_name("meta.json")
        named = json.loads(meta.read_text("utf-8")).get("knowledge_base") if meta.exists() else None
        yield queries.parent.name, queries.parent / (named or "kb.csv"), queries
