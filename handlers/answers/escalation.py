"""Asking a person: the bot calls those that are named for the channel, and keeps what they answered."""

from collections.abc import Sequence

from handlers import texts as words
from handlers.answers import add_answer
from handlers.answers.answering import Put, again, earlier, in_place
from handlers.answers.store.publications import Publication, Publications
from handlers.answers.views import published
from handlers.audience import names_for_everybody
from handlers.request import Request
from handlers.result import Key, Result
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import as_written
from handlers.store.questions import Noted, Questions


def may_ask(services: Services, noted: Noted) -> bool:
    """Tell whether somebody is named for the channel where a question was asked."""
    return bool(noted.channel) and not noted.channel.startswith("D") and bool(services.channels.of(noted.channel).ask)


def ask(services: Services, request: Request, put: Put = in_place) -> None:
    """Call those named for the channel; once per question."""
    key, _ = Key.read(request.pressed)
    if found := earlier(services, request, key.question):
        ask_about(services, request, key, *found, put)


def ask_about(
    services: Services, request: Request, key: Key, noted: Noted, result: Result, put: Put = in_place
) -> None:
    """Post the question in the thread where it was asked, or in the channel when it was asked privately."""
    if not may_ask(services, noted):
        request.whisper(notice(request.texts("ask.nobody")))
        return
    if not services.access.place(noted.channel).has_bot:
        request.whisper(notice(request.texts("publish.not_here", bot=services.bot)))
        return
    helpers = services.channels.of(noted.channel).ask
    publications = Publications(services.database)
    with publications.only_once(noted.id, "ask", Publication(noted.channel, request.user, helpers)) as first:
        sent = _call(services, request, noted, result, helpers) if first else None
    if sent:
        publications.posted(noted.id, "ask", sent, services.messenger.link_if_any(noted.channel, sent))
    put(services, request, again(services, request, noted, result, key.shown))


def _call(services: Services, request: Request, noted: Noted, result: Result, helpers: Sequence[str]) -> str | None:
    """Call them in the thread, or in the channel when the thread is gone by now."""
    tried = _tried(services, noted, result)
    call = published.call(noted.id, noted.text, request.person.name, helpers, tried, words.for_question(noted.text))
    return services.messenger.post(noted.channel, call, request.thread) or services.messenger.post(noted.channel, call)


def resolved(services: Services, request: Request) -> None:
    """Close a question, for who asked it, those who were asked, or an admin; offer to keep the answer."""
    if not (found := _called(services, request)):
        return
    noted, call = found
    if not _may_close(services, request, call):
        request.whisper(notice(request.texts("ask.not_yours")))
        return
    Publications(services.database).close(noted.id, request.user)
    by = services.access.person(Publications(services.database).of(noted.id)["ask"].closed_by or request.user)
    request.update_message(published.closed(noted.id, noted.text, by.name, words.for_question(noted.text)))


def save(services: Services, request: Request) -> None:
    """Open the form for a new entry with the question and, if one of those asked wrote it, the thread's last reply."""
    if not (found := _called(services, request)):
        return
    noted, call = found
    add_answer.open_form(services, request, noted, noted.text, _last_reply(services, request, call))


def _called(services: Services, request: Request) -> tuple[Noted, Publication] | None:
    """Return the question that people were asked; None for who was told why not."""
    number = int(request.pressed)
    noted, call = Questions(services.database).get(number), Publications(services.database).of(number).get("ask")
    if noted and call and call.channel == request.channel:
        return noted, call
    request.whisper(notice(request.texts("answer.gone")))
    return None


def _tried(services: Services, noted: Noted, result: Result) -> list[str]:
    """Name the entries that were looked at, unless somebody in the channel may not see them."""
    names = {entry.knowledge_base for entry in result.entries}
    if not names.issubset(names_for_everybody(services, noted.channel)):
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
    return as_written(said[-1].get("text", ""))
