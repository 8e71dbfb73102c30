"""Votes on answers, and confidence, which follows them."""

from handlers.access import Standing
from handlers.learning.store.voices import Voices
from handlers.services import Services
from handlers.store.questions import Questions


def vote_on(services: Services, question_id: int, user: str, vote: str) -> None:
    """Store a vote, and update confidence if it is a member's."""
    Questions(services.database).vote(question_id, user, vote)
    if services.access.person(user).standing is Standing.MEMBER:
        Voices(services.database).count(question_id, user, vote)
        update_confidence(services)


def update_confidence(services: Services) -> None:
    """Update confidence from all votes so far; it stays as it is while they can't be read."""
    judged = Voices(services.database).judged()
    if judged is not None:
        services.maintenance.update_confidence(judged)
