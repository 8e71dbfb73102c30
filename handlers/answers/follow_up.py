"""Answers follow their questions: an edit updates the answer, a deletion withdraws it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from handlers.access import Need
from handlers.answers.auto_reply import follow, put_reply, withdraw_reply
from handlers.answers.decision import SPOKEN, is_to_everybody
from handlers.answers.lookup import Find, find_answers
from handlers.answers.replies import first_reply
from handlers.answers.search import answer_direct, answer_mention
from handlers.audience import knowledge_bases_for, tell_what_is_withheld
from handlers.channel_rules import AutoReply, Channel
from handlers.request import Request
from handlers.services import Services
from handlers.slack.message_text import message_text
from handlers.slack.mrkdwn import has_words, plain
from handlers.store.questions import Origin, PostedReply, Questions

LONGEST_ANSWER_SECONDS = 30.0
"""How long an edit waits for the answer that another replica is about to give."""


Follow = Callable[[Services, Request, Channel, Mapping[str, Any]], None]
"""Posts, updates or withdraws the reply to a message that nobody addressed to the bot, as `auto_reply.follow` does."""


def edited(services: Services, request: Request, find: Find = find_answers, follow: Follow = follow) -> None:
    """Update the answer to an edited message; `find` and `follow` are those by which it was answered.

    Slack also sends this event when a link is unfurled, and for a deleted message that has replies (a tombstone).
    """
    message, before = request.event["message"], request.event.get("previous_message", {})
    if message.get("subtype") == "tombstone":
        _forget(services, request, message["ts"])
    elif message.get("text") != before.get("text") and message.get("subtype") in SPOKEN and not message.get("bot_id"):
        with services.locks(request.channel, message["ts"]):
            if _concerns(services, request, message["ts"], before, message) and request.is_first_delivery():
                with _in_turn(services, request, message["ts"]) as is_newest:
                    if is_newest:
                        _reconsider(services, request, message, find, follow)


def deleted(services: Services, request: Request) -> None:
    """Withdraw the answer to a message that was deleted."""
    _forget(services, request, request.event["deleted_ts"])


def _forget(services: Services, request: Request, ts: str) -> None:
    """Withdraw the answer to a deleted message; if the message itself is delivered only later, it gets no answer."""
    with services.locks(request.channel, ts):
        if _concerns(services, request, ts, request.event.get("previous_message", {})):
            with _in_turn(services, request, ts):
                if reply := Questions(services.database).reply_to(request.channel, ts):
                    withdraw_reply(services, request.channel, ts, reply)


@contextmanager
def _in_turn(services: Services, request: Request, ts: str) -> Iterator[bool]:
    """Run the block once no other replica answers a message or follows an edit of it; yield whether none was newer.

    Slack hands the message and its edits to any of them.
    """
    asked, edits = f"asked:{request.channel}:{ts}", f"edited:{request.channel}:{ts}:"
    with services.database.exclusively(f"message {request.channel} {ts}"):
        services.claims.take(asked)
        services.claims.wait_for_others(asked, LONGEST_ANSWER_SECONDS)
        yield services.claims.take_newest(edits, str(request.event.get("event_ts") or request.event["ts"]))


def _concerns(services: Services, request: Request, ts: str, *versions: Mapping[str, Any]) -> bool:
    """Return whether the bot has answered a message, or might answer a version of it. Writes nothing."""
    return (
        request.is_direct
        or services.channels.of(request.channel).auto_reply is not AutoReply.OFF
        or any(services.is_mentioned(version.get("text", "")) for version in versions)
        or Questions(services.database).reply_to(request.channel, ts) is not None
    )


def _reconsider(services: Services, request: Request, message: Mapping[str, Any], find: Find, follow: Follow) -> None:
    """Update, post or withdraw the reply to an edited message. One that mentions the bot now gets an answer."""
    reply = Questions(services.database).reply_to(request.channel, message["ts"])
    mentions = not request.is_direct and services.is_mentioned(message.get("text", ""))
    rules = services.channels.of(request.channel)
    if reply is None and request.is_of_before(message["ts"]):
        return
    if reply and mentions:
        _answer_again(request, message, replace(reply, source=Origin.MENTION), find)
    elif reply and reply.source.is_asked:
        _answer_again(request, message, reply, find)
    elif mentions:
        _ask(_asking(request, message, "app_mention"), answer_mention, find)
    elif request.is_direct:
        _ask(_asking(request, message, "message"), answer_direct, find)
    elif reply or (rules.auto_reply is not AutoReply.OFF and is_to_everybody(services, request, message)):
        follow(services, request, rules, message)


def _ask(request: Request, answer: Callable[[Services, Request, Find], None], find: Find) -> None:
    """Answer a message that an edit turned into a question to the bot, if the asker may ask."""
    if refusal := request.refusal(Need.KNOWN):
        request.refuse(refusal)
    else:
        answer(request.services, request, find)


def _asking(request: Request, message: Mapping[str, Any], kind: str) -> Request:
    """Return the request as if the edited message had just been sent to the bot."""
    body, thread = {"event": {**message, "type": kind}}, message.get("thread_ts")
    return replace(request, services=request.services.answering(), body=body, thread=thread, asked=True)


def _answer_again(request: Request, message: Mapping[str, Any], reply: PostedReply, find: Find) -> None:
    """Search again for an edited question. Somebody asked, so there is always an answer, if only a private one."""
    services = request.services.answering()
    request = replace(request, services=services)
    question = plain(message_text(message))
    if not has_words(question):
        return
    names = knowledge_bases_for(services, request, public_reply=not request.is_direct)
    withheld = not request.is_direct and tell_what_is_withheld(
        services, request, names, f"{request.channel}:{message['ts']}"
    )
    if names:
        result = find(services, question, names, request, reply.source)
        put_reply(services, request, message, reply, first_reply(services, request, result, reply.source), result)
    elif withheld:
        withdraw_reply(services, request.channel, message["ts"], reply)
