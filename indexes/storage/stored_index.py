"""The searchable form of a knowledge base as arrays: its records, its lexical index, and what was read of its file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexes.errors import SnapshotError
from indexes.messages import Translatable, as_data, from_data
from indexes.names import name_of
from indexes.records import KnowledgeBase, Problem, Source
from indexes.records.stored import StoredRecords, Texts, record_arrays
from indexes.retrieval.fetched import TermSource
from indexes.retrieval.index import Index
from indexes.retrieval.synonyms import Synonyms
from indexes.storage.sections import Sections, prefixed

_LAYOUT = 1
"""To be counted up when what is stored here changes its meaning: words may be opened that other code has made."""
_ABOUT = "about"
_RECORDS = "records"
_DAYS = "days"
_TUPLES = ("details", "header")
_KEPT = (
    "encoding",
    "delimiter",
    "columns",
    "details",
    "header_line",
    "header",
    "sheet",
    "chosen",
    "guessed",
    "day_first",
)

Learned = Mapping[int, tuple[str, ...]]
"""All aliases of the rows that have learned ones."""
OpenedWords = tuple[KnowledgeBase, Index, Learned]
"""A knowledge base, its index without vectors, and the learned aliases in it."""


def sections_of(knowledge_base: KnowledgeBase, index: Index, learned: Learned) -> Sections:
    """Return all that `opened` needs."""
    about = {
        "layout": _LAYOUT,
        **{name: getattr(knowledge_base, name) for name in _KEPT},
        "columns": dict(knowledge_base.columns),
        "chosen": dict(knowledge_base.chosen),
        "problems": [[each.line, as_data(each.message), each.skipped] for each in knowledge_base.problems],
        "learned": list(learned.items()),
    }
    return {
        _ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8),
        **prefixed(_RECORDS, record_arrays(knowledge_base.records)),
        **prefixed(_DAYS, knowledge_base.days),
        **index.arrays(),
    }


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What of the words is not in arrays: the texts of the records, and the terms."""

    texts: Texts
    terms: TermSource


def opened(
    source: Source, digest: str, sections: Sections, synonyms: Synonyms, elsewhere: Elsewhere | None = None
) -> OpenedWords:
    """Return the knowledge base and its index, without vectors; nothing of a record is read.

    Raises SnapshotError for another layout.
    """
    about: dict[str, Any] = json.loads(sections[_ABOUT].tobytes())
    if about.get("layout", _LAYOUT) != _LAYOUT:
        raise SnapshotError("snapshot.other_version", folder=source.name)
    records = StoredRecords(_without_prefix(_RECORDS, sections), texts=elsewhere.texts if elsewhere else None)
    learned = {row: tuple(aliases) for row, aliases in about["learned"]}
    kept: dict[str, Any] = {name: tuple(about[name]) if name in _TUPLES else about[name] for name in _KEPT}
    knowledge_base = KnowledgeBase(
        name=name_of(source.path),
        path=source.path,
        records=records,
        problems=tuple(Problem(line, _message(data), skipped) for line, data, skipped in about["problems"]),
        digest=digest,
        days=_without_prefix(_DAYS, sections),
        **kept,
    )
    terms = elsewhere.terms if elsewhere else None
    index = Index.of_arrays(source.name, records.with_aliases(learned), synonyms, sections, terms)
    return knowledge_base, index, learned


def _without_prefix(prefix: str, sections: Sections) -> Sections:
    dot = f"{prefix}."
    return {name.removeprefix(dot): each for name, each in sections.items() if name.startswith(dot)}


def _message(data: Any) -> Translatable:
    message = from_data(data)
    if not isinstance(message, Translatable):
        raise TypeError(data)
    return message
