"""Explanations of the bot's answers, for the page's inspector."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from handlers.services import Services
from handlers.store.questions import Questions
from indexes.confidence.explanation import explain

JSON = dict[str, Any]
ANSWER_BUTTON = re.compile(r"(\d{1,19})(?::\d*)?")
"""The value of a button below an answer: the question's id, and the ranks shown."""


def explain_answer(services: Services, content: JSON) -> list[JSON]:
    """Explain every hit of the question that a message or view answers; an empty list when it answers none."""
    for number in _numbers(content.get("blocks")):
        question = Questions(services.database).get(number)
        if question is not None:
            names = [hit.knowledge_base for hit in question.hits]
            return _explained(services, question.text, names, len(question.hits))
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
        match = ANSWER_BUTTON.fullmatch(str(blocks.get("value", "")))
        if match:
            yield int(match[1])
        for each in blocks.values():
            yield from _numbers(each)
