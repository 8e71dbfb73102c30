"""A program says that a question has no good answer: it is then among the unanswered ones, for admins to see."""

import time

from handlers.doors.caller import Caller
from handlers.doors.searching import Query, asked_question, found_for
from handlers.learning.store.misses import Misses
from handlers.services import QUESTION_LENGTH, Services
from handlers.store.errors import StoreError
from handlers.store.questions import Origin, Questions
from handlers.store.tokens import asker

JUST_SECONDS = 3600.0
"""For so long a report is about the search before it, for the same words; later the question is stored again."""


def report(services: Services, caller: Caller, question: str, reason: str, origin: Origin) -> None:
    """Put a question among the unanswered ones, with a reason or a blank one; raises DoorError or StoreError."""
    number = _number_of(services, caller, question[:QUESTION_LENGTH], origin)
    if number is None:
        raise StoreError("door.not_reported")
    Misses(services.database).report(number, asker(caller.token), reason)


def _number_of(services: Services, caller: Caller, question: str, origin: Origin) -> int | None:
    """Return the number of the search that was just made for this; of a new one otherwise, None if it can't be kept."""
    stored = Questions(services.database)
    if number := stored.newest_of(asker(caller.token), question, time.time() - JUST_SECONDS):
        return number
    found = found_for(services, caller, Query(question))
    return stored.add(asked_question(services, caller, found, origin))
