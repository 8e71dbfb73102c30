"""Sharing an answer: the question and the answer go into the channel where it was asked, once."""

from handlers import texts as words
from handlers.answers.answering import Put, again, earlier, in_place
from handlers.answers.store.publications import Publication, Publications
from handlers.answers.views import published
from handlers.audience import names_for_everybody
from handlers.request import Request
from handlers.result import Key, Result, sharable
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.store.questions import Noted


def share(services: Services, request: Request, put: Put = in_place) -> None:
    """Post what is shown in full, naming who shared it; the reply then says so."""
    key, _ = Key.read(request.pressed)
    if found := earlier(services, request, key.question):
        noted, result = found
        if refusal := _refusal(services, noted, result, key):
            request.whisper(notice(request.texts(refusal, bot=services.bot)))
            return
        _post(services, request, noted, result, key)
        put(services, request, again(services, request, noted, result, key.shown))


def _refusal(services: Services, noted: Noted, result: Result, key: Key) -> str:
    """Return the key of the text that says why this can't be shared; blank when it can."""
    names = {entry.knowledge_base for _, entry in sharable(result, key.shown)}
    if not names or noted.channel.startswith("D"):
        return "answer.gone"
    if not services.access.place(noted.channel).has_bot:
        return "publish.not_here"
    return "" if names.issubset(names_for_everybody(services, noted.channel)) else "share.outsiders"


def _post(services: Services, request: Request, noted: Noted, result: Result, key: Key) -> None:
    publications = Publications(services.database)
    with publications.only_once(noted.id, "share", Publication(noted.channel, request.user)) as first:
        view = published.shared(result, key.shown, request.person.name, words.for_question(noted.text))
        sent = services.messenger.post(noted.channel, view) if first else None
    if sent:
        publications.posted(noted.id, "share", sent, services.messenger.link_if_any(noted.channel, sent))
