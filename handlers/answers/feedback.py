"""Votes on an answer: helpful, or not and why; this one; none of these. Each person has one vote and may change it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt import Respond

from handlers.answers import escalation
from handlers.answers.replies import Put, in_place, question_of_button, updated_reply
from handlers.answers.store.publications import Publications
from handlers.answers.views import reasons
from handlers.learning import learned_aliases
from handlers.learning.store.misses import Misses
from handlers.learning.votes import vote_on
from handlers.request import Request, run_each
from handlers.result import ButtonValue, Result
from handlers.services import Services
from handlers.store.questions import AskedQuestion


def vote(services: Services, request: Request, put: Put = in_place) -> None:
    """Store whether an answer helped; if it did not, ask why. "None of these" is a miss."""
    key, kind = ButtonValue.read(request.pressed)
    if found := question_of_button(services, request, key.question):
        question, _ = found
        vote_on(services, key.question, request.user, kind)
        asks = [partial(_ask_why, services, request, key, question)] if kind == "unhelpful" else []
        judges = partial(judge, services, question, request.user, 1, right=kind == "helpful")
        run_each(
            request,
            [*asks, judges, lambda: put(services, request, updated_reply(services, request, *found, key.shown))],
        )
        learned_aliases.offer(services, request, key.question)


def _ask_why(services: Services, request: Request, key: ButtonValue, question: AskedQuestion) -> None:
    reply = reasons.RatedReply(key, request.thread, (request.respond.response_url or "") if request.respond else "")
    request.open(reasons.form(reply, request.texts, ask=_may_ask(services, question)))


def this_one(services: Services, request: Request, put: Put = in_place) -> None:
    """Store that a hit that was folded is the answer, or that it is the one meant where the reply asked back."""
    key, rank = ButtonValue.read(request.pressed)
    found = question_of_button(services, request, key.question)
    if found and _is_there(found[1], int(rank)):
        vote_on(services, key.question, request.user, f"hit_{rank}")
        judge(services, found[0], request.user, int(rank), right=True)
        put(services, request, updated_reply(services, request, *found, key.shown))
        learned_aliases.offer(services, request, key.question)


def _is_there(result: Result, rank: int) -> bool:
    """Return whether a hit has this rank: a button's value can be forged."""
    return 1 <= rank <= len(result.entries)


def judge(services: Services, question: AskedQuestion, user: str, rank: int, *, right: bool) -> None:
    """Count a vote as one on a hit's alias: the question may be learned as another way to ask for the record."""
    if len(question.hits) >= rank:
        (learned_aliases.confirm if right else learned_aliases.doubt)(
            services, question.id, user, *question.hits[rank - 1].target
        )


def check_reason(_: Services, request: Request) -> Mapping[str, Any]:
    """Refuse "other" without a comment."""
    reason, comment, _asked = reasons.chosen(request.body["view"])
    if reason == "other" and not comment.strip():
        return {"response_action": "errors", "errors": {"comment": request.texts_of_form("reason.missing")}}
    return {}


def reason(services: Services, request: Request) -> None:
    """Store why an answer didn't help, and ask a person if that was ticked."""
    reply = reasons.RatedReply.read(request.body["view"]["private_metadata"])
    why, comment, asked = reasons.chosen(request.body["view"])
    if found := question_of_button(services, request, reply.key.question):
        Misses(services.database).report(reply.key.question, request.user, f"{why}: {comment}" if comment else why)
        if asked and _may_ask(services, found[0]):
            there = replace(
                request, channel=found[0].channel, thread=reply.thread, respond=Respond(response_url=reply.url)
            )
            escalation.ask_about(services, there, reply.key, *found)


def _may_ask(services: Services, question: AskedQuestion) -> bool:
    return escalation.may_ask(services, question) and "ask" not in Publications(services.database).of(question.id)
