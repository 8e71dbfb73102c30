"""Answers: the best hit in full, the others folded, and the buttons below."""

from collections.abc import Mapping

from slack_sdk.models.blocks import Block, ButtonElement, DividerBlock

from handlers.answers.views.reactions import asked_note, below, chosen, edit, this_one
from handlers.clarifying.views import choice
from handlers.images.blocks import blocks as images
from handlers.result import POSSIBLE, ButtonValue, Entry, ReplyOptions, Result, is_choosing
from handlers.slack.blocks import NOTIFICATION, Message, actions, button, context, notice, section
from handlers.slack.markup_parser import tidy
from handlers.slack.mrkdwn import beginning, length, link, one_line
from handlers.slack.rich_text import matched, rich
from handlers.texts import Texts
from indexes.records import Record
from indexes.records.owners import without_ids

BEGINNING = 160
"""Characters of an answer that is folded, where one of several is likely the right one."""
FIRST, OTHERS = 1000, 600
"""Characters of an answer shown before Read all: about a screen, and with two others open below Slack's 12,000."""
TITLE = 200
DETAIL = 80
DETAILS = 5
ADDRESS = 500
"""Characters of a link, escaped; a longer one is left out."""
QUESTION = 150
WORD = 30
"""Characters of a word that matched."""


PLAIN = ReplyOptions()


def answer(result: Result, texts: Texts, options: ReplyOptions = PLAIN, shown: frozenset[int] | None = None) -> Message:
    """Answer somebody who asked; `shown` are the ranks shown in full."""
    if is_choosing(result, options):
        return asked_back(result, texts, options, shown or frozenset())
    shown = result.shown_first if shown is None else shown
    blocks: list[Block] = []
    if options.restate:
        blocks.append(context(texts("answer.asked", question=one_line(result.question, QUESTION))))
    if not result.entries:
        blocks += [section(texts("answer.nothing")), *_words_only(options, texts)]
        return Message(texts("answer.nothing"), [*blocks, *below(result, frozenset(), options, texts)])
    if not result.shown_first:
        blocks.append(section(texts("answer.among" if result.is_among_them else "answer.uncertain")))
    for rank, entry in enumerate(result.entries, start=1):
        if rank == len(result.shown_first) + 1 and result.shown_first:
            blocks += [DividerBlock(), context(texts("answer.others"))]
        blocks += _entry(result, rank, entry, shown, options, texts)
    blocks += _words_only(options, texts)
    return Message(_notification(result, texts), [*blocks, *below(result, shown, options, texts)])


def _words_only(options: ReplyOptions, texts: Texts) -> list[Block]:
    """Say why something may not be found, while that is so."""
    return [context(texts("lexical.reply"))] if options.words_only else []


def asked_back(result: Result, texts: Texts, options: ReplyOptions, shown: frozenset[int]) -> Message:
    """Ask which hit is meant, or show the one that was chosen above the others."""
    restated = [context(texts("answer.asked", question=one_line(result.question, QUESTION)))] if options.restate else []
    chosen_ones = [(rank, entry) for rank, entry in enumerate(result.entries, start=1) if rank in shown]
    blocks: list[Block] = [*restated]
    for rank, entry in chosen_ones:
        blocks += [*_entry(result, rank, entry, shown, options, texts), DividerBlock()]
    blocks += [*choice.blocks(result, shown, texts), *_words_only(options, texts)]
    blocks += below(result, shown, options, texts)
    titles = [one_line(entry.record.title, NOTIFICATION) for _, entry in chosen_ones if entry.record]
    return Message(titles[0] if titles else choice.summary(result, texts), blocks)


def volunteered(result: Result, texts: Texts, votes: Mapping[str, str] | None = None) -> Message:
    """Answer a message unasked: the best hit and two buttons."""
    record = result.entries[0].record
    if record is None:
        return notice(texts("answer.gone"))
    more = read_all(result, 1, record, FIRST, texts)
    blocks = unasked(result, texts)
    if result.question_id is not None:
        value = str(result.question_id)
        right = button(texts("button.right"), "auto_right", value)
        wrong = button(texts("button.wrong"), "auto_wrong", value)
        blocks.append(actions(right, wrong, *more))
    times = sum(vote == "right" for vote in (votes or {}).values())
    if times:
        blocks.append(context(texts("vote.right", count=times)))
    return Message(_notification(result, texts), blocks)


def unasked(result: Result, texts: Texts) -> list[Block]:
    """Show the best hit as it is given, or would be, to a message that nobody addressed to the bot."""
    entry = result.entries[0]
    if entry.record is None:
        return [section(texts("answer.gone"))]
    return [
        rich(headline(entry.record.question), start(entry.record, FIRST), result.question),
        *images(entry.pictures),
        context(texts("answer.automatic"), source(entry, texts)),
    ]


def folded(result: Result, texts: Texts, *, ask: bool = False, asked: str | None = None) -> Message:
    """Fold an auto-reply, with buttons to show it again and to ask a person."""
    record = result.entries[0].record if result.entries else None
    text = texts("answer.folded", title=one_line(record.title if record else result.question, TITLE))
    buttons = [button(texts("button.show_again"), "auto_show", str(result.question_id))]
    if ask and asked is None and result.question_id is not None:
        buttons.append(button(texts("button.ask"), "ask_person", str(ButtonValue(result.question_id, frozenset()))))
    return Message(text, [context(text, asked_note(asked, texts)), actions(*buttons)])


def headline(text: str) -> str:
    """Return a title for rich text, which is not escaped."""
    return beginning(" ".join(text.split()), TITLE)


def _entry(
    result: Result, rank: int, entry: Entry, shown: frozenset[int], options: ReplyOptions, texts: Texts
) -> list[Block]:
    record = entry.record
    if record is None:
        return [section(texts("answer.gone"))]
    if rank in shown:
        limit = FIRST if rank == 1 else OTHERS
        body = rich(headline(record.question), start(record, limit), result.question)
        buttons = [
            *read_all(result, rank, record, limit, texts),
            *this_one(result, rank, shown, options, texts),
            *edit(entry, options, texts),
        ]
        below: list[Block] = [actions(*buttons)] if buttons else []
        about = context(*_about(result, rank, entry, texts), chosen(rank, options, texts))
        return [body, *images(entry.pictures), *_details(record), about, *below]
    title = one_line(record.title, TITLE)
    text = f"{title}\n{_beginning(record)}".strip() if result.is_among_them else title
    if result.question_id is None:
        return [section(text)]
    value = str(ButtonValue(result.question_id, shown | {rank}))
    return [section(text, button(texts("button.show"), f"show_{rank}", value))]


def _beginning(record: Record) -> str:
    """Return the first words of an answer, quoted; blank without one."""
    text = one_line(start(record, BEGINNING), BEGINNING)
    return f"> {text}" if text else ""


def start(record: Record, limit: int) -> str:
    """Return the part of a record's answer that is shown before Read all."""
    return beginning(tidy(record.answer), limit)


def read_all(result: Result, rank: int, record: Record, limit: int, texts: Texts) -> list[ButtonElement]:
    """Add a button for the full text if only its beginning is shown."""
    if result.question_id is None or start(record, limit) == tidy(record.answer):
        return []
    return [button(texts("button.read_all"), f"read_{rank}", f"{result.question_id}:{rank}")]


def _details(record: Record) -> list[Block]:
    filled = [(name, value) for name, value in record.details.items() if value]
    shown = [f"{one_line(name, DETAIL)}: {one_line(value, DETAIL)}" for name, value in filled[:DETAILS]]
    return [context(*shown)] if shown else []


def _about(result: Result, rank: int, entry: Entry, texts: Texts) -> list[str]:
    """Describe how well a hit matches (for the first one), by which words, and its source."""
    percent = f"{entry.confidence * 100:.0f}"
    strength = "answer.strong" if result.is_certain else "answer.possible"
    words = texts(strength, percent=percent) if rank == 1 and entry.confidence >= POSSIBLE else ""
    return [words, _matched(result, entry, texts), source(entry, texts)]


def _matched(result: Result, entry: Entry, texts: Texts) -> str:
    if entry.record is None:
        return ""
    found = matched(result.question, entry.record.question, start(entry.record, FIRST))
    words = texts("list.comma").join(one_line(word, WORD) for word in found)
    return texts("answer.matched", words=words) if found else ""


def source(entry: Entry, texts: Texts) -> str:
    """Return the source of a hit: knowledge base, category, link, date."""
    record = entry.record
    if record is None:
        return ""
    parts = [
        texts("answer.source", name=one_line(entry.knowledge_base, DETAIL)),
        one_line(record.category, DETAIL),
        _checked(entry, record, texts),
        texts("answer.owner", owner=one_line(owner, DETAIL)) if (owner := without_ids(record.owner)) else "",
    ]
    address = link(record.url, texts("answer.link")) if record.url else ""
    return " · ".join(filter(None, [*parts, address if length(address) <= ADDRESS else ""]))


def _checked(entry: Entry, record: Record, texts: Texts) -> str:
    """Say when a record was updated, and that it should have been checked since."""
    updated = one_line(record.updated, DETAIL)
    if entry.overdue is None:
        return texts("answer.updated", date=updated) if updated else ""
    since = entry.overdue.since.isoformat()
    return texts("answer.overdue", date=updated, since=since) if updated else texts("answer.undated", since=since)


def _notification(result: Result, texts: Texts) -> str:
    first = result.entries[0]
    if first.record is None or not result.shown_first:
        return texts("answer.uncertain")
    return one_line(f"{first.record.title} – {first.record.answer}", NOTIFICATION)
