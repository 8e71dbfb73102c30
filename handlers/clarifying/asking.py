"""Decides whether somebody who asked is asked back."""

from handlers.clarifying.store.recent import RecentQuestions
from handlers.features import Feature
from handlers.request import Request
from handlers.services import Services
from handlers.store.questions import Origin
from indexes.clarification.clarification import Clarification, clarification
from indexes.registry import Answer


def question_back(services: Services, request: Request, answer: Answer, origin: Origin) -> Clarification | None:
    """Return the question back; None for what nobody asked, and where a channel has switched it off."""
    rules = request.rules
    if not (origin.is_asked and answer.hits and rules.offers(Feature.CLARIFYING)):
        return None
    recent = RecentQuestions(services.database).closeness(answer.hits[0].knowledge_base)
    return clarification(answer, rules.threshold, recent)
