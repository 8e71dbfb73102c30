"""Answers: the best hit in full, the others folded, and the buttons below."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block, DividerBlock

from handlers.texts import Texts
from handlers.views.message import NOTIFICATION, Message, actions, button, context, notice, section
from handlers.views.text import bold, length, link, mrkdwn, one_line
from indexes.records import Record

POSSIBLE = 0.4
"""From this confidence up a hit is shown in full although it is not sure enough to be volunteered."""
FIRST, OTHERS = 2600, 1200
"""Characters of an answer shown in full: with two others open, all blocks stay below Slack's 12,000 together."""
TITLE = 200
DETAIL = 80
DETAILS = 5
ADDRESS = 500
"""Characters of a link, escaped; a longer one is left out."""
QUESTION = 150

Value = str
"""What a button carries: ``<question id>:<ranks shown in full>``, such as ``17:12``."""


@dataclass(frozen=True)
class Entry:
    """A hit to be shown; `record` is None when a reload took it away since."""

    record: Record | None
    knowledge_base: str
    confidence: float


@dataclass(frozen=True)
class Result:
    """What was found for a question. `question_id` is None when it could not be remembered: then no buttons."""

    question: str
    entries: Sequence[Entry]
    threshold: float
    question_id: int | None

    @property
    def shown_first(self) -> frozenset[int]:
        """Ranks shown in full before anybody pressed Show: the first one, unless it is a mere guess."""
        return frozenset({1}) if self.entries and self.entries[0].confidence >= POSSIBLE else frozenset()


def answer(result: Result, texts: Texts, *, restate: bool = False, shown: frozenset[int] | None = None) -> Message:
    """Answer somebody who asked. `restate` repeats the question, `shown` are the ranks shown in full."""
    shown = result.shown_first if shown is None else shown
    blocks: list[Block] = []
    if restate:
        blocks.append(context(texts("answer.asked", question=one_line(result.question, QUESTION))))
    if not result.entries:
        blocks.append(section(texts("answer.nothing")))
        return Message(texts("answer.nothing"), blocks)
    if not result.shown_first:
        blocks.append(section(texts("answer.uncertain")))
    for rank, entry in enumerate(result.entries, start=1):
        if rank == len(result.shown_first) + 1 and result.shown_first:
            blocks += [DividerBlock(), context(texts("answer.others"))]
        blocks += _entry(result, rank, entry, shown, texts)
    if result.question_id is not None:
        blocks.append(
            actions(
                button(texts("button.helpful"), "vote_helpful", str(result.question_id)),
                button(texts("button.unhelpful"), "vote_unhelpful", str(result.question_id)),
            )
        )
    return Message(_notification(result, texts), blocks)


def volunteered(result: Result, texts: Texts) -> Message:
    """Answer a question nobody put to the bot: the single best hit and two buttons."""
    entry = result.entries[0]
    if entry.record is None:
        return notice(texts("answer.gone"))
    blocks: list[Block] = [
        section(_full(entry.record, FIRST)),
        context(texts("answer.automatic"), _source(entry, texts)),
    ]
    if result.question_id is not None:
        value = str(result.question_id)
        blocks.append(
            actions(
                button(texts("button.right"), "auto_right", value),
                button(texts("button.wrong"), "auto_wrong", value),
            )
        )
    return Message(_notification(result, texts), blocks)


def folded(result: Result, texts: Texts) -> Message:
    """Fold a volunteered answer away, with a way back."""
    record = result.entries[0].record if result.entries else None
    text = texts("answer.folded", title=one_line(record.title if record else result.question, TITLE))
    value = str(result.question_id)
    return Message(text, [context(text), actions(button(texts("button.show_again"), "auto_show", value))])


def _entry(result: Result, rank: int, entry: Entry, shown: frozenset[int], texts: Texts) -> list[Block]:
    if entry.record is None:
        return [section(texts("answer.gone"))]
    if rank in shown:
        body = _full(entry.record, FIRST if rank == 1 else OTHERS)
        return [section(body), *_details(entry.record), context(*_about(result, rank, entry, texts))]
    if result.question_id is None:
        return [section(bold(entry.record.title, TITLE))]
    value = f"{result.question_id}:{''.join(map(str, sorted({*shown, rank})))}"
    show = button(texts("button.show"), f"show_{rank}", value)
    return [section(one_line(entry.record.title, TITLE), show)]


def _full(record: Record, limit: int) -> str:
    return "\n".join(filter(None, [bold(record.question, TITLE), mrkdwn(record.answer, limit)]))


def _details(record: Record) -> list[Block]:
    filled = [(name, value) for name, value in record.details.items() if value]
    shown = [f"{one_line(name, DETAIL)}: {one_line(value, DETAIL)}" for name, value in filled[:DETAILS]]
    return [context(*shown)] if shown else []


def _about(result: Result, rank: int, entry: Entry, texts: Texts) -> list[str]:
    """Put in words where it is from and, for the first hit, how well it matches."""
    percent = f"{entry.confidence * 100:.0f}"
    strength = "answer.strong" if entry.confidence >= result.threshold else "answer.possible"
    words = texts(strength, percent=percent) if rank == 1 and entry.confidence >= POSSIBLE else ""
    return [words, _source(entry, texts)]


def _source(entry: Entry, texts: Texts) -> str:
    record = entry.record
    if record is None:
        return ""
    parts = [
        texts("answer.source", name=one_line(entry.knowledge_base, DETAIL)),
        one_line(record.category, DETAIL),
        texts("answer.updated", date=one_line(record.updated, DETAIL)) if record.updated else "",
        texts("answer.owner", owner=one_line(record.owner, DETAIL)) if record.owner else "",
    ]
    address = link(record.url, texts("answer.link")) if record.url else ""
    return " · ".join(filter(None, [*parts, address if length(address) <= ADDRESS else ""]))


def _notification(result: Result, texts: Texts) -> str:
    first = result.entries[0]
    if first.record is None or not result.shown_first:
        return texts("answer.uncertain")
    return one_line(f"{first.record.title} – {first.record.answer}", NOTIFICATION)
