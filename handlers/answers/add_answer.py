"""Adding an entry for a question: the button "Add answer", and "Save" below a question to a person."""

from handlers.answers.store.publications import Publications
from handlers.audience import closed_to, may_read_question
from handlers.entries import editing
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.store.questions import AskedQuestion, Questions


def add_answer(services: Services, request: Request) -> None:
    """Open the form for a new entry with the question of the button, whose value is the question's id."""
    question = Questions(services.database).get(int(request.pressed))
    if question is None or not _may_read(services, request, question):
        request.tell_privately(notice(request.texts("answer.gone")))
    else:
        open_form(services, request, question)


def open_form(services: Services, request: Request, question: AskedQuestion, answer: str = "") -> None:
    """Open the form for a new entry in the first knowledge base of the question's channel."""
    names = services.channels.of(question.channel).knowledge_bases
    name = names[0] if names else ""
    editing.open_add(
        services, request, knowledge_base=name, question=question.text, answer=answer, question_id=question.id
    )


def _may_read(services: Services, request: Request, question: AskedQuestion) -> bool:
    return (
        question.user == request.user
        or _is_open(services, request, question)
        or _is_listed(services, request, question)
    )


def _is_listed(services: Services, request: Request, question: AskedQuestion) -> bool:
    """Tell whether this is an admin who may read the question in the list of misses."""
    closest = question.hits[0].knowledge_base if question.hits else ""
    closed = closed_to(services, request.user)
    return request.person.is_admin and may_read_question(services, request.user, question.channel, closest, closed)


def _is_open(services: Services, request: Request, question: AskedQuestion) -> bool:
    """Tell whether everybody in this channel has read the question."""
    asked_here = question.channel == request.channel and not question.source.is_private
    return asked_here or request.channel in {
        each.channel for each in Publications(services.database).of(question.id).values()
    }
