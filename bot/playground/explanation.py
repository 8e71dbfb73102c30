"""Why the bot answered as it did, for the inspector."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from handlers.desk import Services
from indexes.explanation import explain

JSON = dict[str, Any]
ASKED = re.compile(r"(\d{1,19})(?::\d*)?")
"""What a button below an answer carries: the question's number, and the ranks shown."""


def why(services: Services, content: JSON) -> list[JSON]:
    """Explain every hit of the question that a message or view answers; nothing when no question is behind it."""
    for number in _numbers(content.get("blocks")):
        noted = services.journal.noted(number)
        if noted is not None:
            names = [hit.knowledge_base for hit in noted.hits]
            return _explained(services, noted.text, names, len(noted.hits))
    return []


def _explained(services: Services, question: str, names: list[str], most: int) -> list[JSON]:
    registry = services.registry
    answer = registry.search(question, names, most)
    return [
        {
            "title": hit.record.title,
            **explain(registry.loaded[hit.knowledge_base].index, answer.question, hit, registry.weights),
        }
        for hit in answer.hits
    ]


def _numbers(blocks: Any) -> Iterator[int]:
    if isinstance(blocks, list):
        for each in blocks:
            yield from _numbers(each)
    elif isinstance(blocks, dict):
        match = ASKED.fullmatch(str(blocks.get("value", "")))
        if match:
            yield int(match[1])
        for each in blocks.values():
            yield from _numbers(each)
