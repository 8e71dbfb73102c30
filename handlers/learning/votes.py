"""Votes on answers, and what follows them: confidence, and the proof that auto-reply is right."""

from handlers.access import Standing
from handlers.learning.proof import tell_changes
from handlers.learning.store.voices import Voices
from handlers.services import Services
from handlers.store.questions import Questions


def vote_on(services: Services, question_id: int, user: str, vote: str) -> None:
    """Store a vote; if it is a member's, update confidence, and tell admins what it proves."""
    is_member = services.access.person(user).standing is Standing.MEMBER
    Questions(services.database).vote(question_id, user, vote, member=is_member)
    if is_member:
        Voices(services.database).count(question_id, user, vote)
        update_confidence(services)
        tell_changes(services)


def update_confidence(services: Services) -> None:
    """Update confidence from all votes so far; it stays as it is while they can't be read."""
    judged = Voices(services.database).judged()
    if judged is not None:
        services.maintenance.update_confidence(judged)
