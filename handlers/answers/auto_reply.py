"""Answers nobody asked the bot for: in channels that want them, when sure enough, in the thread; otherwise silence.

An answer follows its question: edited, it is looked up anew; deleted, the answer is withdrawn.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from handlers import texts as words
from handlers.access import Need, Standing
from handlers.answers.answering import first_reply, question_of_button, updated_reply
from handlers.answers.feedback import judge
from handlers.answers.lookup import find_answers, search, store_answer
from handlers.answers.search import answer_direct, answer_mention
from handlers.answers.views.answers import volunteered
from handlers.audience import closed_to, knowledge_bases_for, may_know, tell_what_is_withheld
from handlers.channel_rules import AutoReply, Channel
from handlers.learning.proof import posts_replies_of
from handlers.learning.votes import vote_on
from handlers.request import Request
from handlers.result import Result
from handlers.services import Services
from handlers.slack.blocks import Message, actions, button, context, notice, section
from handlers.slack.mrkdwn import escape, has_words, one_line, plain
from handlers.store.questions import AskedQuestion, Origin, PostedReply, Questions

QUESTION_LENGTH = 300
"""Characters of a question that shadow mode quotes."""
SPOKEN = {None, "thread_broadcast", "file_share"}
"""Message subtypes that a person may have written; every other one is a bot's or a notice."""


def posted(services: Services, request: Request) -> None:
    """Consider a new message in a channel."""
    rules = services.channels.of(request.channel)
    if rules.auto_reply is AutoReply.OFF or not _is_a_question_to_all(services, request, request.event):
        return
    with services.locks(request.channel, request.event["ts"]):
        if services.claims.take(f"asked:{request.channel}:{request.event['ts']}"):
            _follow(services, request, rules, request.event)


def edited(services: Services, request: Request) -> None:
    """Consider an edited message anew; an unfurled link is no edit, and a deleted one with replies is a tombstone."""
    message, before = request.event["message"], request.event.get("previous_message", {})
    if message.get("subtype") == "tombstone":
        _forget(services, request, message["ts"])
    elif message.get("text") != before.get("text") and message.get("subtype") in SPOKEN and not message.get("bot_id"):
        with services.locks(request.channel, message["ts"]):
            if _concerns(services, request, message["ts"], before, message) and request.is_first_delivery():
                services.claims.take(f"asked:{request.channel}:{message['ts']}")
                _reconsider(services, request, message)


def deleted(services: Services, request: Request) -> None:
    """Withdraw the answer to a message that was deleted."""
    _forget(services, request, request.event["deleted_ts"])


def right(services: Services, request: Request) -> None:
    """Note that a volunteered answer was right; the reply then says so."""
    number = int(request.pressed)
    if found := question_of_button(services, request, number):
        question, result = found
        vote_on(services, number, request.user, "right")
        judge(services, question, request.user, 1, right=True)
        request.update_message(_volunteered(services, question, result))


def wrong(services: Services, request: Request) -> None:
    """Fold away a volunteered answer that was not asked for: a miss."""
    number = int(request.pressed)
    if found := question_of_button(services, request, number):
        vote_on(services, number, request.user, "wrong")
        judge(services, found[0], request.user, 1, right=False)
        request.update_message(updated_reply(services, request, *found, frozenset()))


def show_again(services: Services, request: Request) -> None:
    """Unfold a volunteered answer."""
    if found := question_of_button(services, request, int(request.pressed)):
        question, result = found
        request.update_message(_volunteered(services, question, result))


def _volunteered(services: Services, question: AskedQuestion, result: Result) -> Message:
    """Lay out an answer that was given before, with how many said that it is right."""
    return volunteered(result, words.for_question(question.text), Questions(services.database).votes(question.id))


def judged(services: Services, request: Request) -> None:
    """Note what an admin thinks of an answer that shadow mode held back; the last word counts."""
    kind = str(request.body["actions"][0]["action_id"]).removeprefix("shadow_")
    if found := question_of_button(services, request, int(request.pressed)):
        vote_on(services, found[0].id, request.user, kind)
        request.tell_privately(notice(request.texts(f"shadow.{kind}")))


def _forget(services: Services, request: Request, ts: str) -> None:
    """Withdraw the answer to a message that is gone, and give none if its question arrives only now."""
    with services.locks(request.channel, ts):
        if _concerns(services, request, ts, request.event.get("previous_message", {})):
            services.claims.take(f"asked:{request.channel}:{ts}")
            if reply := Questions(services.database).reply_to(request.channel, ts):
                _withdraw(services, request.channel, ts, reply)


def _concerns(services: Services, request: Request, ts: str, *versions: Mapping[str, Any]) -> bool:
    """Tell whether the bot has answered a message, or may in one of its versions. Looks, and writes nothing."""
    return (
        request.is_direct
        or services.channels.of(request.channel).auto_reply is not AutoReply.OFF
        or any(services.is_mentioned(version.get("text", "")) for version in versions)
        or Questions(services.database).reply_to(request.channel, ts) is not None
    )


def _is_a_question_to_all(services: Services, request: Request, message: Mapping[str, Any]) -> bool:
    """Tell whether a person said this to a whole channel: not a bot, not to this one, not further down a thread."""
    in_thread = message.get("thread_ts", message["ts"]) != message["ts"]
    return (
        message.get("subtype") in SPOKEN
        and not message.get("bot_id")
        and request.event.get("channel_type") != "mpim"
        and not services.is_mentioned(message.get("text", ""))
        and (not in_thread or message.get("subtype") == "thread_broadcast")
    )


def _reconsider(services: Services, request: Request, message: Mapping[str, Any]) -> None:
    """Bring the reply in line with an edited message. One that asks the bot, if only since the edit, gets an answer."""
    reply = Questions(services.database).reply_to(request.channel, message["ts"])
    mentions = not request.is_direct and services.is_mentioned(message.get("text", ""))
    rules = services.channels.of(request.channel)
    if reply and mentions:
        _answer_again(services, request, message, replace(reply, source=Origin.MENTION))
    elif reply and reply.source.is_asked:
        _answer_again(services, request, message, reply)
    elif mentions:
        _ask(services, _asking(request, message, "app_mention"), answer_mention)
    elif request.is_direct:
        _ask(services, _asking(request, message, "message"), answer_direct)
    elif reply or (rules.auto_reply is not AutoReply.OFF and _is_a_question_to_all(services, request, message)):
        _follow(services, request, rules, message)


def _ask(services: Services, request: Request, answer: Callable[[Services, Request], None]) -> None:
    """Answer what an edit has turned into a question to the bot, as the routing table does with a new one."""
    if refusal := request.refusal(Need.KNOWN):
        request.refuse(refusal)
    else:
        answer(services, request)


def _asking(request: Request, message: Mapping[str, Any], kind: str) -> Request:
    """Return the request as if the edited message had just been sent to the bot."""
    return replace(request, body={"event": {**message, "type": kind}}, thread=message.get("thread_ts"), asked=True)


def _follow(services: Services, request: Request, rules: Channel, message: Mapping[str, Any]) -> None:
    """Bring the reply in line with the message: post, update or withdraw it, or leave the silence."""
    reply = Questions(services.database).reply_to(request.channel, message["ts"])
    origin, result = _sure_answer(services, request, rules, message)
    if result is None and reply:
        _withdraw(services, request.channel, message["ts"], reply)
    elif result and origin is Origin.SHADOW and not reply:
        _tell_admins(services, request, result, message)
    elif result:
        _put(services, request, message, reply, volunteered(result, words.for_question(result.question)), result)


def _sure_answer(
    services: Services, request: Request, rules: Channel, message: Mapping[str, Any]
) -> tuple[Origin, Result | None]:
    """Look a message up; return whether the answer is for all or for admins, and the answer if it is sure enough."""
    question = plain(message.get("text", ""))
    if not has_words(question) or request.person.standing is Standing.UNKNOWN:
        return Origin.SHADOW, None
    names = knowledge_bases_for(services, request, public_reply=True)
    if not names or not services.registry.loaded:
        return Origin.SHADOW, None
    answer = search(services, question, names)
    is_open = not answer.hits or posts_replies_of(services, rules, answer.hits[0].knowledge_base)
    origin = Origin.AUTO_REPLY if is_open and rules.auto_reply is not AutoReply.SHADOW else Origin.SHADOW
    result = store_answer(services, answer, request, origin)
    return origin, result if result.may_be_volunteered else None


def _answer_again(services: Services, request: Request, message: Mapping[str, Any], reply: PostedReply) -> None:
    """Look an edited question up again; somebody asked, so there is always an answer, if only for them to read."""
    question = plain(message.get("text", ""))
    if not has_words(question):
        return
    names = knowledge_bases_for(services, request, public_reply=not request.is_direct)
    withheld = not request.is_direct and tell_what_is_withheld(
        services, request, names, f"{request.channel}:{message['ts']}"
    )
    if names:
        result = find_answers(services, question, names, request, reply.source)
        _put(services, request, message, reply, first_reply(services, request, result, reply.source), result)
    elif withheld:
        _withdraw(services, request.channel, message["ts"], reply)


def _put(
    services: Services,
    request: Request,
    message: Mapping[str, Any],
    reply: PostedReply | None,
    view: Message,
    result: Result,
) -> None:
    """Post the answer, or put it in the place of the earlier one. One that somebody deleted stays deleted."""
    if reply is None:
        sent = services.messenger.post(request.channel, view, message.get("thread_ts", message["ts"]))
    else:
        sent = reply.reply if services.messenger.update_message(request.channel, reply.reply, view) else None
    if sent is None:
        Questions(services.database).forget_reply(request.channel, message["ts"])
    elif result.question_id is not None:
        source = reply.source if reply else Origin.AUTO_REPLY
        Questions(services.database).remember_reply(
            request.channel, message["ts"], PostedReply(sent, result.question_id, source)
        )


def _withdraw(services: Services, channel: str, ts: str, reply: PostedReply) -> None:
    services.messenger.withdraw(channel, reply.reply)
    Questions(services.database).forget_reply(channel, ts)


def _tell_admins(services: Services, request: Request, result: Result, message: Mapping[str, Any]) -> None:
    """Shadow mode: tell whoever switched it on, else the named admins, what would have been answered.

    Only those are told who may read what is said in the channel.
    """
    rules = services.channels.of(request.channel)
    link = services.messenger.link(request.channel, message["ts"])
    by = (rules.set_by or {}).get("auto_reply", "")
    told = [by] if by and services.access.person(by).is_admin else services.access.named_admins()
    for admin in (user for user in told if _may_hear(services, user, request.channel, result)):
        texts = words.for_locale(services.access.person(admin).locale)
        percent = f"{result.entries[0].confidence * 100:.0f}"
        report = texts("shadow.report", channel=f"<#{request.channel}>", link=escape(link), percent=percent)
        would_be = volunteered(result, texts)
        buttons = [
            button(texts("button.looks_right"), "shadow_right", str(result.question_id)),
            button(texts("button.looks_wrong"), "shadow_wrong", str(result.question_id)),
        ]
        asked = context(texts("answer.asked", question=one_line(result.question, QUESTION_LENGTH)))
        blocks = [section(report), asked, *would_be.blocks[:-1], actions(*buttons)]
        services.messenger.inform(admin, Message(report, blocks))


def _may_hear(services: Services, user: str, channel: str, result: Result) -> bool:
    quoted = {entry.knowledge_base for entry in result.entries}
    allowed = may_know(services, user, channel) and quoted.isdisjoint(closed_to(services, user))
    return allowed and services.access.person(user).is_admin
