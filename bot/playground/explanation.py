"""Explanations for the page's inspector: why a message got an answer or none, and how each hit was found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.reasons import in_both_languages
from handlers.answers.decision import ASKED, NOT_TO_EVERYBODY, decide, is_to_everybody, who_sees
from handlers.request import Request
from handlers.services import Services
from handlers.store.questions import AskedQuestion, Origin, Questions
from handlers.threads.following import FOLLOWED
from indexes.clarification.clarification import asked_back
from indexes.confidence.explanation import explain
from indexes.messages import Translatable
from indexes.registry import Answer

JSON = dict[str, Any]
ANSWER_BUTTON = re.compile(r"(\d{1,19})(?::\d*(?::\w+)?)?")
"""The value of a button below an answer: the question's id, the ranks shown, and what it says of the answer."""


def explain_answer(services: Services, content: JSON) -> JSON:
    """Explain the answer in one of the bot's messages or views, or what became of a person's message.

    `why` has the reasons in both languages, `hits` the explanation of every hit; both are empty when there is none.
    """
    for number in _numbers(content.get("blocks")):
        question = Questions(services.database).get(number)
        if question is not None:
            return _of_question(services, question)
    if content.get("ts") and content.get("user") and not content.get("bot_id"):
        return _of_message(services, content)
    return _explained(services, (), None)


def _of_question(services: Services, question: AskedQuestion) -> JSON:
    """Explain an answer that was given."""
    names = [hit.knowledge_base for hit in question.hits]
    answer = services.registry.search(question.text, names, len(question.hits))
    _, place = who_sees(services, services.channels.of(question.channel), answer, None)
    follows = FOLLOWED if question.source is Origin.FOLLOW_UP else place
    first = ASKED if question.source.is_asked else follows
    labels = tuple(hit.label for hit in question.hits if hit.label)
    back = [asked_back(labels)] if labels else []
    return _explained(services, (*back, first, *services.registry.why(answer, question.threshold)), answer)


def _of_message(services: Services, message: JSON) -> JSON:
    """Explain what the bot makes of a person's message that was not addressed to it."""
    channel = message["channel"]
    kind = "mpim" if services.access.place(channel).is_group_dm else "channel"
    body = {"event": {**message, "channel_type": kind}}
    request = Request(services, body, None, message["user"], channel, message.get("thread_ts"), asked=False)
    if request.is_direct or not is_to_everybody(services, request, message):
        return _explained(services, (NOT_TO_EVERYBODY,), None)
    rules = services.channels.of(channel)
    reply = Questions(services.database).reply_to(channel, message["ts"])
    decision = decide(services, request, rules, message, reply)
    found = services.registry.why(decision.answer, rules.threshold) if decision.answer else ()
    return _explained(services, (decision.why, *found), decision.answer)


def _explained(services: Services, why: Sequence[Translatable], answer: Answer | None) -> JSON:
    registry = services.registry
    hits = (
        [
            {
                "title": hit.record.title,
                **explain(registry.loaded[hit.knowledge_base].index, answer.question, hit),
            }
            for hit in answer.hits
        ]
        if answer
        else []
    )
    return {"why": in_both_languages(why), "hits": hits}


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
