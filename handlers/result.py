"""The result of a search as it is shown: the hits, the values of buttons, and options of the reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from indexes.confidence.decision import Verdict, verdict
from indexes.records import Record, has_answer
from indexes.records.pictures import Picture
from indexes.records.review import Overdue

POSSIBLE = 0.4
"""From this confidence up a hit is shown in full although it is not sure enough to be volunteered."""
LIKELY = 0.5
"""As likely as not."""


@dataclass(frozen=True)
class Entry:
    """A hit to be shown; `record` is None when a reload took it away since."""

    record: Record | None
    knowledge_base: str
    confidence: float
    pictures: tuple[Picture, ...] = ()
    """Shown where the record is shown in full."""
    label: str = ""
    """What its button says in a question back."""
    overdue: Overdue | None = None
    """That the record should have been checked."""


@dataclass(frozen=True)
class Result:
    """What was found for a question. `question_id` is None when it could not be remembered: then no buttons."""

    question: str
    entries: Sequence[Entry]
    threshold: float
    question_id: int | None

    @property
    def is_certain(self) -> bool:
        """Whether the first hit has an answer and is as sure as the channel wants."""
        return self._verdict in {Verdict.GIVEN, Verdict.NO_QUESTION}

    @property
    def may_be_volunteered(self) -> bool:
        """Whether the first hit may be given to somebody who did not ask the bot."""
        overdue = self.entries[0].overdue if self.entries else None
        return self._verdict is Verdict.GIVEN and not (overdue and overdue.is_held_back)

    @property
    def _verdict(self) -> Verdict:
        first = self.entries[0] if self.entries else None
        return verdict(first.record, first.confidence, self.threshold) if first else Verdict.NOTHING

    @property
    def asks_back(self) -> bool:
        """Whether the reply asks which of the hits is meant."""
        return self.question_id is not None and any(entry.label for entry in self.entries)

    @property
    def shown_first(self) -> frozenset[int]:
        """Ranks shown in full before anybody pressed Show: the first one, unless it is a mere guess.

        None where the reply asks back.
        """
        if self.asks_back:
            return frozenset()
        return frozenset({1}) if self.entries and self.entries[0].confidence >= POSSIBLE else frozenset()

    @property
    def is_among_them(self) -> bool:
        """Whether it is likely that one of the hits is the answer, although none of them is shown in full.

        A confidence is a probability: those of different answers add up.
        """
        if self.shown_first or self.asks_back:
            return False
        answers: dict[str, float] = {}
        for entry in self.entries:
            if entry.record and has_answer(entry.record):
                answers[entry.record.answer] = max(entry.confidence, answers.get(entry.record.answer, 0.0))
        return sum(answers.values()) >= LIKELY


@dataclass(frozen=True)
class ButtonValue:
    """What every button below an answer carries: the question and the ranks shown in full, such as ``17:12``."""

    question: int
    shown: frozenset[int]

    def __str__(self) -> str:
        return f"{self.question}:{''.join(map(str, sorted(self.shown)))}"

    @classmethod
    def read(cls, value: str) -> tuple[Self, str]:
        """Read a button's value: the key, and what follows it."""
        question, ranks, rest = [*value.split(":", 2), "", ""][:3]
        return cls(int(question), frozenset(map(int, ranks))), rest


@dataclass(frozen=True)
class ReplyOptions:
    """Who reads an answer and where, what they may do with it, and what was done with it so far."""

    reader: str = ""
    """The only one who reads it; blank for an answer that everybody sees."""
    restate: bool = False
    in_view: bool = False
    """In the Home tab or a form, where Slack has no feedback buttons."""
    channel: str = ""
    """Where it can be shared; blank where it can't."""
    ask: bool = False
    """Whether somebody is named who may be asked."""
    edit: bool = False
    words_only: bool = False
    """Whether what was searched is searched by words alone for now."""
    votes: Mapping[str, str] = field(default_factory=dict)
    shared: str | None = None
    """The address of what was shared; blank when it has none, None before."""
    asked: str | None = None


def is_choosing(result: Result, options: ReplyOptions) -> bool:
    """Return whether the reply asks which hit is meant, and nobody has said that it is none of them."""
    return result.asks_back and "none" not in options.votes.values()


def sharable(result: Result, shown: frozenset[int]) -> list[tuple[int, Entry]]:
    """Return the hits that can be shared: those shown in full, with their ranks."""
    return [(rank, entry) for rank, entry in enumerate(result.entries, start=1) if rank in shown and entry.record]
