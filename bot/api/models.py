"""What is sent and answered, as JSON; the descriptions are those of the OpenAPI document."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from handlers.doors.searching import MOST_HITS, Found, Query, Row
from handlers.learning.store.misses import REASON_LENGTH
from handlers.services import QUESTION_LENGTH

MOST_NAMES = 100
NAME_LENGTH = 255
DIGITS = 6
"""Of scores and confidences."""
BaseName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]


class SearchRequest(BaseModel):
    """A question, and which rows are wanted."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[
        str, Field(min_length=1, max_length=QUESTION_LENGTH, description="The question, as a person would ask it.")
    ]
    knowledge_bases: Annotated[
        list[BaseName] | None,
        Field(
            min_length=1,
            max_length=MOST_NAMES,
            description="Names of knowledge bases to search. Without it, all that you may see.",
        ),
    ] = None
    top_k: Annotated[int, Field(ge=1, le=MOST_HITS, description="How many hits are wanted at most.")] = 3
    min_confidence: Annotated[
        float, Field(ge=0, le=1, description="Hits below this confidence are left out, but see `min_k`.")
    ] = 0.0
    min_k: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_HITS,
            description="So many hits are wanted in any case: if fewer reach `min_confidence`, the best of the others"
            " are added, and if need be any row. At most `top_k` are returned.",
        ),
    ] = 0

    def as_query(self) -> Query:
        """Return what is searched."""
        names = None if self.knowledge_bases is None else tuple(self.knowledge_bases)
        return Query(self.query, names, self.top_k, self.min_confidence, self.min_k)


class HitAnswer(BaseModel):
    """A row that was found."""

    rank: Annotated[int, Field(description="1 for the best hit.")]
    knowledge_base: str
    file: Annotated[str, Field(description="The name of the file that the row is in.")]
    line: Annotated[int, Field(description="The line of the file where the row starts, from 1.")]
    score: Annotated[float, Field(description="How close the row is, 0 to 1; comparable between knowledge bases.")]
    confidence: Annotated[
        float,
        Field(
            description="The probability that this row answers the query, 0 to 1: the same that people in Slack are"
            " told, votes included."
        ),
    ]
    check_due_since: Annotated[
        date | None,
        Field(description="Since when the row should have been checked again; null if no check is due."),
    ]
    record: Annotated[
        dict[str, Any], Field(description="The row: `id`, `question`, `answer`, and every other column that is filled.")
    ]

    @classmethod
    def of(cls, rank: int, row: Row) -> "HitAnswer":
        """Describe a hit."""
        hit = row.hit
        return cls(
            rank=rank,
            knowledge_base=hit.knowledge_base,
            file=row.file,
            line=hit.record.line,
            score=round(float(hit.score), DIGITS),
            confidence=round(float(hit.confidence), DIGITS),
            check_due_since=row.overdue.since if row.overdue else None,
            record=hit.record.as_dict(),
        )


class SearchAnswer(BaseModel):
    """The hits, best first."""

    query: Annotated[str, Field(description="The question as it was sent.")]
    normalized_query: Annotated[
        str, Field(description="The question as it was searched: width and case folded, synonyms applied.")
    ]
    knowledge_bases: Annotated[list[str], Field(description="The knowledge bases that were searched.")]
    encoder: Annotated[str, Field(description="The model that the question was compared by; `lexical` for words only.")]
    threshold: Annotated[float, Field(description="The confidence from which Kotae answers by itself in Slack.")]
    certain: Annotated[
        bool,
        Field(
            description="Whether the first hit reaches the threshold and has an answer. Otherwise treat it as a hint."
        ),
    ]
    total: Annotated[int, Field(description="Rows in the searched knowledge bases.")]
    returned: Annotated[int, Field(description="Hits in this answer.")]
    hits: list[HitAnswer]
    seconds: Annotated[float, Field(description="How long the search took, without waiting for its turn.")]

    @classmethod
    def of(cls, found: Found) -> "SearchAnswer":
        """Describe what was found."""
        answer = found.answer
        return cls(
            query=answer.question.text,
            normalized_query=answer.question.normalized,
            knowledge_bases=list(found.names),
            encoder=answer.encoder or "lexical",
            threshold=found.threshold,
            certain=found.is_certain,
            total=found.total,
            returned=len(found.rows),
            hits=[HitAnswer.of(rank, row) for rank, row in enumerate(found.rows, start=1)],
            seconds=round(answer.seconds, DIGITS),
        )


class KnowledgeBase(BaseModel):
    """A knowledge base that you may search."""

    name: str
    rows: int
    public: Annotated[bool, Field(description="Whether it is open without a token.")]


class KnowledgeBases(BaseModel):
    """The knowledge bases that you may search, by name."""

    knowledge_bases: list[KnowledgeBase]


class UnansweredRequest(BaseModel):
    """A question that has no good answer."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[
        str, Field(min_length=1, max_length=QUESTION_LENGTH, description="The question, as it was searched for.")
    ]
    reason: Annotated[
        str, Field(max_length=REASON_LENGTH, description="Why the answers don't help; shown to admins in Slack.")
    ] = ""


class Health(BaseModel):
    """How the process is, in one word."""

    status: str


class Trouble(BaseModel):
    """What is wrong, and what to do."""

    code: Annotated[str, Field(description="A word for programs; it stays the same.")]
    message: Annotated[str, Field(description="A sentence for people, in English, or in Japanese if you accept that.")]


class TroubleAnswer(BaseModel):
    """Every answer that is no success."""

    error: Trouble
