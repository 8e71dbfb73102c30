"""Asking a person: the bot mentions the people who are named for the channel, and offers to save their answer."""

from collections.abc import Sequence
from functools import partial

from handlers import texts as words
from handlers.answers import add_answer
from handlers.answers.replies import Put, in_place, question_of_button, updated_reply
from handlers.answers.store.publications import Publication, Publications
from handlers.answers.views import published
from handlers.audience import knowledge_bases_for_everybody
from handlers.request import Request
from handlers.result import ButtonValue, Result
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.message_text import message_text
from handlers.slack.mrkdwn import as_written
from handlers.store.questions import AskedQuestion, Questions


def may_ask(services: Services, question: AskedQuestion) -> bool:
    """Return whether somebody is named for the channel where a question was asked."""
    return (
        bool(question.channel)
        and not question.channel.startswith("D")
        and bool(services.channels.of(question.channel).ask)
    )


def ask(services: Services, request: Request, put: Put = in_place) -> None:
    """Mention the people who are named for the channel; once per question."""
    key, _ = ButtonValue.read(request.pressed)
    if found := question_of_button(services, request, key.question):
        ask_about(services, request, key, *found, put)


def ask_about(
    services: Services, request: Request, key: ButtonValue, question: AskedQuestion, result: Result, put: Put = in_place
) -> None:
    """Post the question in the thread where it was asked, or in the channel when it was asked privately."""
    if not may_ask(services, question):
        request.tell_privately(notice(request.texts("ask.nobody")))
        return
    if not services.access.place(question.channel).has_bot:
        request.tell_privately(notice(request.texts("publish.not_here", bot=services.bot)))
        return
    if not services.messenger.unasked().may_post():
        request.tell_privately(notice(request.texts("ask.quiet")))
        return
    helpers = services.channels.of(question.channel).ask
    publications = Publications(services.database)
    planned = Publication(question.channel, request.user, helpers)
    with publications.only_once(question.id, "ask", planned, again=request.is_repeat) as first:
        sent = _call(services, request, question, result, helpers) if first else None
    if sent:
        publications.posted(question.id, "ask", sent, services.messenger.link_if_any(question.channel, sent))
    put(services, request, updated_reply(services, request, question, result, key.shown))


def _call(
    services: Services, request: Request, question: AskedQuestion, result: Result, helpers: Sequence[str]
) -> str | None:
    """Mention them in the thread, or in the channel if the thread is gone; they have not asked for it."""
    tried = _tried(services, question, result)
    call = published.call(
        question.id, question.text, request.person.name, helpers, tried, words.for_question(question.text)
    )
    post = partial(services.messenger.unasked().post, question.channel, call)
    return post(request.thread, request.next_key()) or post(key=request.next_key())


def resolved(services: Services, request: Request) -> None:
    """Close a question and offer to save the answer. The asker, those who were asked and admins may."""
    if not (found := _called(services, request)):
        return
    question, call = found
    if not _may_close(services, request, call):
        request.tell_privately(notice(request.texts("ask.not_yours")))
        return
    publications = Publications(services.database)
    publications.close(question.id, request.user)
    closed = publications.of(question.id).get("ask", call)  # somebody else may have been first
    by = services.access.person(closed.closed_by or request.user)
    request.update_message(published.closed(question.id, question.text, by.name, words.for_question(question.text)))


def save(services: Services, request: Request) -> None:
    """Open the form for a new entry with the question and, if one of those asked wrote it, the thread's last reply."""
    if not (found := _called(services, request)):
        return
    question, call = found
    add_answer.open_form(services, request, question, _last_reply(services, request, call))


def _called(services: Services, request: Request) -> tuple[AskedQuestion, Publication] | None:
    """Return the question that people were asked; None after telling the person that it is gone."""
    number = int(request.pressed)
    question, call = Questions(services.database).get(number), Publications(services.database).of(number).get("ask")
    if question and call and call.channel == request.channel:
        return question, call
    request.tell_privately(notice(request.texts("answer.gone")))
    return None


def _tried(services: Services, question: AskedQuestion, result: Result) -> list[str]:
    """Return the titles of the hits, unless somebody in the channel may not see them."""
    names = {entry.knowledge_base for entry in result.entries}
    if not names.issubset(knowledge_bases_for_everybody(services, question.channel)):
        return []
    return [entry.record.title for entry in result.entries if entry.record]


def _may_close(services: Services, request: Request, call: Publication) -> bool:
    return request.user == call.by or request.person.is_admin or services.access.is_one_of(request.user, call.people)


def _last_reply(services: Services, request: Request, call: Publication) -> str:
    thread = request.body.get("message", {}).get("thread_ts") or call.message
    pages = services.client.conversations_replies(channel=call.channel, ts=thread, oldest=call.message, limit=200)
    replies = (each for page in pages for each in page["messages"])  # oldest first
    said = [each for each in replies if not each.get("bot_id") and each["ts"] > call.message]
    if not said or not services.access.is_one_of(said[-1].get("user", ""), call.people):
        return ""
    return as_written(message_text(said[-1]))
