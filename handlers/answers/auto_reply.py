"""Auto-reply: in channels where it is on, answer messages in their thread when sure enough, else say nothing."""

from collections.abc import Mapping
from typing import Any

from handlers import texts as words
from handlers.answers.decision import Decision, decide, is_to_everybody
from handlers.answers.feedback import judge
from handlers.answers.lookup import store_answer
from handlers.answers.replies import question_of_button, updated_reply
from handlers.answers.shadow import tell_admins
from handlers.answers.views.answers import volunteered
from handlers.channel_rules import AutoReply, Channel
from handlers.learning.votes import vote_on
from handlers.request import Request
from handlers.result import Result
from handlers.services import Services
from handlers.slack.blocks import Message
from handlers.store.questions import AskedQuestion, Origin, PostedReply, Questions


def posted(services: Services, request: Request) -> None:
    """Answer a new message in a channel if auto-reply is on and sure enough."""
    rules = services.channels.of(request.channel)
    if rules.auto_reply is AutoReply.OFF or not is_to_everybody(services, request, request.event):
        return
    with services.locks(request.channel, request.event["ts"]):
        if services.claims.take(f"asked:{request.channel}:{request.event['ts']}"):
            follow(services, request, rules, request.event)


def right(services: Services, request: Request) -> None:
    """Store that an auto-reply was right; the reply then shows it."""
    number = int(request.pressed)
    if found := question_of_button(services, request, number):
        question, result = found
        vote_on(services, number, request.user, "right")
        judge(services, question, request.user, 1, right=True)
        request.update_message(_volunteered(services, question, result))


def wrong(services: Services, request: Request) -> None:
    """Store that an auto-reply was not wanted, and fold it."""
    number = int(request.pressed)
    if found := question_of_button(services, request, number):
        vote_on(services, number, request.user, "wrong")
        judge(services, found[0], request.user, 1, right=False)
        request.update_message(updated_reply(services, request, *found, frozenset()))


def show_again(services: Services, request: Request) -> None:
    """Show a folded auto-reply again."""
    if found := question_of_button(services, request, int(request.pressed)):
        question, result = found
        request.update_message(_volunteered(services, question, result))


def _volunteered(services: Services, question: AskedQuestion, result: Result) -> Message:
    """Return an earlier auto-reply, with the number of people who said that it is right."""
    return volunteered(result, words.for_question(question.text), Questions(services.database).votes(question.id))


def follow(services: Services, request: Request, rules: Channel, message: Mapping[str, Any]) -> None:
    """Post, update or withdraw the auto-reply to a message."""
    reply = Questions(services.database).reply_to(request.channel, message["ts"])
    origin, result = _sure_answer(services, request, decide(services, request, rules, message, reply))
    if reply and (result is None or origin is Origin.SHADOW):
        withdraw_reply(services, request.channel, message["ts"], reply)
    if result and origin is Origin.SHADOW:
        tell_admins(services, request, result, message)
    elif result:
        put_reply(services, request, message, reply, volunteered(result, words.for_question(result.question)), result)


def _sure_answer(services: Services, request: Request, decision: Decision) -> tuple[Origin, Result | None]:
    """Return whether the answer is for all or for admins, and the answer if it is sure enough."""
    if decision.answer is None:
        return decision.origin, None
    result = store_answer(services, decision.answer, request, decision.origin)
    return decision.origin, result if result.may_be_volunteered else None


def put_reply(
    services: Services,
    request: Request,
    message: Mapping[str, Any],
    reply: PostedReply | None,
    view: Message,
    result: Result,
    origin: Origin = Origin.AUTO_REPLY,
) -> None:
    """Post the answer, or update the earlier one. If somebody deleted that one, it stays deleted."""
    thread = message.get("thread_ts", message["ts"])
    if reply is None:
        sent = services.messenger.post(request.channel, view, thread, request.next_key())
    else:
        sent = reply.reply if services.messenger.update_message(request.channel, reply.reply, view) else None
    if sent is None:
        Questions(services.database).forget_reply(request.channel, message["ts"])
    elif result.question_id is not None:
        source = reply.source if reply else origin
        Questions(services.database).remember_reply(
            request.channel, message["ts"], PostedReply(sent, result.question_id, source, thread)
        )


def withdraw_reply(services: Services, channel: str, ts: str, reply: PostedReply) -> None:
    """Delete the bot's answer to a message."""
    services.messenger.withdraw(channel, reply.reply)
    Questions(services.database).forget_reply(channel, ts)
