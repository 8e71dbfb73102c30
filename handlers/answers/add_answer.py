"""From a question that was asked to a new entry: "Add answer", and "Save" below what a person was asked."""

from handlers.answers.store.publications import Publications
from handlers.audience import closed_to, may_read_question
from handlers.entries import editing
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import plain
from handlers.store.questions import Noted, Questions


def add_answer(services: Services, request: Request) -> None:
    """Open the form for a new entry with a question that was asked; the button's value is the question's id."""
    noted = Questions(services.database).get(int(request.pressed))
    if noted is None or not _may_read(services, request, noted):
        request.whisper(notice(request.texts("answer.gone")))
    else:
        open_form(services, request, noted, plain(noted.text))


def open_form(services: Services, request: Request, noted: Noted, question: str, answer: str = "") -> None:
    """Open the form for the knowledge base that was asked first."""
    names = services.channels.of(noted.channel).knowledge_bases
    name = names[0] if names else ""
    editing.open_add(services, request, knowledge_base=name, question=question, answer=answer, question_id=noted.id)


def _may_read(services: Services, request: Request, noted: Noted) -> bool:
    return noted.user == request.user or _is_open(services, request, noted) or _is_listed(services, request, noted)


def _is_listed(services: Services, request: Request, noted: Noted) -> bool:
    """Tell whether this is an admin who may read the question in the list of misses."""
    closest = noted.hits[0].knowledge_base if noted.hits else ""
    closed = closed_to(services, request.user)
    return request.person.is_admin and may_read_question(services, request.user, noted.channel, closest, closed)


def _is_open(services: Services, request: Request, noted: Noted) -> bool:
    """Tell whether everybody in this channel has read the question."""
    asked_here = noted.channel == request.channel and not noted.source.is_private
    return asked_here or request.channel in {
        each.channel for each in Publications(services.database).of(noted.id).values()
    }
