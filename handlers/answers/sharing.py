"""Sharing an answer: question and answer are posted once in the channel where the question was asked."""

from handlers import texts as words
from handlers.answers.replies import Put, in_place, question_of_button, updated_reply
from handlers.answers.store.publications import Publication, Publications
from handlers.answers.views import published
from handlers.audience import knowledge_bases_for_everybody
from handlers.request import Request
from handlers.result import ButtonValue, Result, sharable
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.store.questions import AskedQuestion


def share(services: Services, request: Request, put: Put = in_place) -> None:
    """Post the hits that are shown in full, with the name of the person who shares; the reply then shows it."""
    key, _ = ButtonValue.read(request.pressed)
    if found := question_of_button(services, request, key.question):
        question, result = found
        if refusal := _refusal(services, question, result, key):
            request.tell_privately(notice(request.texts(refusal, bot=services.bot)))
            return
        _post(services, request, question, result, key)
        put(services, request, updated_reply(services, request, question, result, key.shown))


def _refusal(services: Services, question: AskedQuestion, result: Result, key: ButtonValue) -> str:
    """Return the key of the text that says why this can't be shared; blank when it can."""
    names = {entry.knowledge_base for _, entry in sharable(result, key.shown)}
    if not names or question.channel.startswith("D"):
        return "answer.gone"
    if not services.access.place(question.channel).has_bot:
        return "publish.not_here"
    return "" if names.issubset(knowledge_bases_for_everybody(services, question.channel)) else "share.outsiders"


def _post(services: Services, request: Request, question: AskedQuestion, result: Result, key: ButtonValue) -> None:
    publications = Publications(services.database)
    planned = Publication(question.channel, request.user)
    with publications.only_once(question.id, "share", planned, again=request.is_repeat) as first:
        view = published.shared(result, key.shown, request.person.name, words.for_question(question.text))
        sent = services.messenger.post(question.channel, view, key=request.next_key()) if first else None
    if sent:
        publications.posted(question.id, "share", sent, services.messenger.link_if_any(question.channel, sent))
