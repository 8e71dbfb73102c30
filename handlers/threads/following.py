"""When the bot answers in a thread without a mention.

It does for the one who had asked it there, soon after its answer, as long as nobody else has spoken since, and only
with an answer that it is as sure of as of one that nobody asked for, and that it has not given in this thread.
Everything else is people talking to each other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from handlers import texts as words
from handlers.access import Standing
from handlers.answers import auto_reply
from handlers.answers.decision import SPOKEN
from handlers.answers.lookup import search, store_answer
from handlers.answers.views.answers import volunteered
from handlers.audience import knowledge_bases_for
from handlers.channel_rules import Channel
from handlers.features import Feature
from handlers.learning.misses import looks_like_a_question
from handlers.learning.proof import proof_of
from handlers.request import Request
from handlers.result import Result
from handlers.services import Services
from handlers.slack.message_text import message_text
from handlers.slack.mrkdwn import has_words, mentions_somebody, plain
from handlers.store.questions import Origin, Questions, Turn
from handlers.threads.context import given, is_new, search_in_context, topic
from indexes.messages import Translatable
from indexes.registry import Answer

SECONDS = 30 * 60.0
"""How long after its answer the bot listens; who comes back later mentions it again."""
LOOKED_AT = 20
"""Messages since its answer that are looked at for other people; more are a conversation."""
FOLLOWED = Translatable("why.follow_up")
"""Why an answer is given in a thread without a mention."""


def is_in_thread(event: Mapping[str, Any]) -> bool:
    """Tell whether a message was said within a thread, and not to the channel too."""
    return event.get("thread_ts", event.get("ts")) != event.get("ts") and event.get("subtype") != "thread_broadcast"


def said(services: Services, request: Request) -> None:
    """Answer a message in a thread if it follows up on an answer there, else say nothing."""
    rules = services.channels.of(request.channel)
    if not (rules.offers(Feature.THREADS) and _may_follow_up(request.event)):
        return
    turns = _turns(services, request, request.event)
    if not (turns and _is_next(turns[-1], request.event)):
        return
    with services.locks(request.channel, request.event["ts"]):
        if services.claims.take(f"asked:{request.channel}:{request.event['ts']}"):
            follow(services, request, rules, request.event)


def follow(services: Services, request: Request, rules: Channel, message: Mapping[str, Any]) -> None:
    """Post, update or withdraw the reply to a follow-up; other replies are followed by auto-reply."""
    reply = Questions(services.database).reply_to(request.channel, message["ts"])
    if not is_in_thread(message) or (reply and reply.source is not Origin.FOLLOW_UP):
        auto_reply.follow(services, request, rules, message)
        return
    turns = _turns(services, request, message)
    answer = _sure_answer(services, request, rules, turns, message)
    if answer and (reply or not _somebody_else_spoke(services, request, turns[-1])):
        result = store_answer(services, answer, request, Origin.FOLLOW_UP)
        view = volunteered(result, words.for_question(message_text(message)))
        auto_reply.put_reply(services, request, message, reply, view, result, Origin.FOLLOW_UP)
    elif reply:
        auto_reply.withdraw_reply(services, request.channel, message["ts"], reply)


def find(services: Services, question: str, names: Sequence[str], request: Request, origin: Origin) -> Result:
    """Search for what somebody asked the bot; within a thread, together with what that is about if need be."""
    message = request.event.get("message", request.event)
    turns = _turns(services, request, message) if is_in_thread(message) else []
    offered = services.channels.of(request.channel).offers(Feature.THREADS)
    answer = _search(services, request, names, turns if offered else [], question)
    return store_answer(services, answer, request, origin)


def _search(services: Services, request: Request, names: Sequence[str], turns: Sequence[Turn], question: str) -> Answer:
    def found(text: str, top_k: int) -> Answer:
        return search(services, request, text, names, top_k)

    return search_in_context(found, topic(turns), question, given(turns))


def _turns(services: Services, request: Request, message: Mapping[str, Any]) -> list[Turn]:
    """List what the bot had answered in the thread of a message before that was said."""
    turns = Questions(services.database).in_thread(request.channel, message["thread_ts"])
    return [turn for turn in turns if float(turn.message) < float(message["ts"])]


def _may_follow_up(message: Mapping[str, Any]) -> bool:
    """Tell whether a person asks something here, and nobody in particular. Reads nothing."""
    text = message.get("text", "")
    return (
        message.get("subtype") in SPOKEN
        and not message.get("bot_id")
        and message.get("channel_type") not in {"mpim", "im"}
        and not mentions_somebody(text)
        and looks_like_a_question(plain(text))
    )


def _is_next(last: Turn, message: Mapping[str, Any]) -> bool:
    """Tell whether whoever asked last goes on soon after the answer."""
    waited = float(message["ts"]) - float(last.reply)
    return last.question.user == message.get("user") and 0 < waited <= SECONDS


def _sure_answer(
    services: Services, request: Request, rules: Channel, turns: Sequence[Turn], message: Mapping[str, Any]
) -> Answer | None:
    """Return an answer that may be posted here unasked and was not given before; None if there is none."""
    question = plain(message.get("text", ""))
    names = knowledge_bases_for(services, request, public_reply=True)
    if not (turns and has_words(question) and names and services.registry.loaded):
        return None
    if request.person.standing is Standing.UNKNOWN or rules.held_back or not services.messenger.may_post():
        return None
    answer = _search(services, request, names, turns, question)
    if not (answer.is_certain(rules.threshold, unasked=True) and is_new(answer, given(turns))):
        return None
    return (
        answer if _was_asked(turns) or rules.posts(proof_of(services, rules, answer.hits[0].knowledge_base)) else None
    )


def _was_asked(turns: Sequence[Turn]) -> bool:
    """Tell whether somebody addressed the bot in this thread; otherwise it had spoken unasked from the start."""
    return any(turn.question.source.is_asked for turn in turns)


def _somebody_else_spoke(services: Services, request: Request, last: Turn) -> bool:
    """Look into the thread whether others have written since the bot's answer: events may come late, or not at all."""
    thread = request.event["thread_ts"]
    page = services.client.conversations_replies(
        channel=request.channel, ts=thread, oldest=last.reply, inclusive=False, limit=LOOKED_AT
    )
    since = [each for each in page["messages"] if float(each["ts"]) > float(last.reply)]
    ours = {last.question.user, services.access.bot_user}
    return bool(page.get("has_more")) or any(each.get("user") not in ours for each in since)
