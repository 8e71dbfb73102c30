"""How close the best rows of the last questions were: what a new question is compared with."""

from sqlalchemy import select

from handlers.store.database import Database
from handlers.store.questions import ASKED, FIRST_NAME, questions
from indexes.clarification.closeness import NOT_CLOSE, REMEMBERED, closeness

LOOKED_AT = 2 * REMEMBERED
"""Questions, of whatever knowledge base, that are read to find REMEMBERED of one."""

_SCORES = [questions.c.hits[(rank, "score")].as_float().label(f"score_{rank}") for rank in (0, 1)]


class RecentQuestions:
    """Reads questions that somebody asked the bot. Nothing here raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def closeness(self, knowledge_base: str) -> list[float]:
        """Return the closeness of the questions that this knowledge base came first for, newest first."""
        newest = (
            select(FIRST_NAME, questions.c.answered, *_SCORES)
            .where(questions.c.source.in_(ASKED))
            .order_by(questions.c.at.desc())
            .limit(LOOKED_AT)
        )
        return [
            NOT_CLOSE if answered else closeness(first or 0.0, second or 0.0)
            for name, answered, first, second in self._database.read("read recent questions", newest) or ()
            if name == knowledge_base
        ][:REMEMBERED]
