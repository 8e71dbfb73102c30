"""Entries that are due for a check: as an owner is asked about them, and as admins list them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Self

from slack_sdk.models.blocks import Block, ButtonElement

from handlers.slack.blocks import Message, actions, button, context, entries, listed, section
from handlers.slack.markup_parser import tidy
from handlers.slack.mrkdwn import beginning, bold, length, mrkdwn, one_line
from handlers.texts import Texts
from indexes.records import Record
from indexes.records.owners import without_ids

TITLE, ANSWER, NAME, DATE = 120, 300, 60, 40
"""Characters of each; ten entries of that size stay below Slack's 12,000 together."""
SHOWN = 10
"""Entries on a page: two blocks each."""
UNOWNED = 10
"""Entries without an owner that a message names; `/kb stale` has them all."""
UNDATED = 1000
"""Characters of the list of knowledge bases with rows that are never due."""
BUTTON_VALUE = 2000
MINE, ALL = "mine", "all"
"""What is listed: what somebody is asked about as the owner, or what is due at all."""


@dataclass(frozen=True)
class Row:
    """An entry that is due, and where it is changed.

    `owners` are their names, as far as they are known; `is_editable` if it is edited in Slack; `edited_at` says where
    it is edited if it is fetched from elsewhere.
    """

    knowledge_base: str
    record: Record
    deadline: date
    owners: Sequence[str] = ()
    is_editable: bool = True
    edited_at: str = ""


@dataclass(frozen=True)
class Page:
    """A part of a list: `first` entries come before it, and `total` there are; `elsewhere` not for the reader.

    `done` says what was just done. `undated` counts rows that are never due, by knowledge base.
    """

    listing: str
    rows: Sequence[Row]
    first: int
    total: int
    elsewhere: int = 0
    done: str = ""
    undated: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True)
class Pressed:
    """What a button carries: the list and the place in it, the row, and a digest of what was shown of it."""

    listing: str
    first: int
    digest: str
    knowledge_base: str
    record: str

    def __str__(self) -> str:
        return f"{self.listing}:{self.first}:{self.digest}\n{self.knowledge_base}\n{self.record}"

    @classmethod
    def read(cls, value: str) -> Self:
        """Read a button's value."""
        place, name, record = value.split("\n", 2)
        listing, first, digest = place.split(":")
        return cls(listing, int(first), digest, name, record)


def digest_of(record: Record) -> str:
    """Return a short digest of what somebody says to be right: all but dates and owner."""
    told = {key: value for key, value in record.as_dict().items() if key not in {"updated", "review_by", "owner"}}
    return sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def asked(page: Page, unowned: Sequence[Row], unowned_total: int, texts: Texts) -> Message:
    """Ask somebody once a week: about entries of theirs and, if they are an admin, tell of those without an owner."""
    mine = _page(page, texts("review.title", entries=entries(page.total, texts)), texts) if page.total else []
    title = texts("review.unowned", entries=entries(unowned_total, texts))
    lines = [_line(row, texts) for row in unowned[:UNOWNED]]
    others = listed([title, *lines], texts) if unowned_total else []
    if unowned_total:
        others.append(actions(button(texts("button.show_stale"), "review_list", "all")))
    notice = texts("review.title", entries=entries(page.total, texts)) if page.total else title
    return Message(notice, [*mine, *others, context(texts("review.hint"))])


def mine(page: Page, texts: Texts) -> Message:
    """Show what is left of what somebody was asked about."""
    title = texts("review.title", entries=entries(page.total, texts)) if page.total else texts("review.none")
    return Message(page.done or title, [*_page(page, title, texts), context(texts("review.hint"))])


def stale(page: Page, command: str, texts: Texts) -> Message:
    """List what is due, for admins."""
    title = texts("stale.title", entries=entries(page.total, texts)) if page.total else texts("stale.none")
    undated = ", ".join(f"{name} ({count})" for name, count in page.undated)
    notes = [
        texts("stale.elsewhere", count=page.elsewhere) if page.elsewhere else "",
        texts("stale.undated", names=one_line(undated, UNDATED)) if undated else "",
        texts("stale.hint", command=command),
    ]
    return Message(page.done or title, [*_page(page, title, texts), *map(context, filter(None, notes))])


def _page(page: Page, title: str, texts: Texts) -> list[Block]:
    blocks: list[Block] = [section(page.done)] if page.done else []
    blocks.append(section(title))
    for row in page.rows:
        blocks += _row(row, page, texts)
    after = page.first + len(page.rows)
    turning = []
    if page.first:
        turning.append(button(texts("button.back"), "review_back", f"{page.listing}:{max(page.first - SHOWN, 0)}"))
    if after < page.total:
        turning.append(button(texts("button.more", count=page.total - after), "review_more", f"{page.listing}:{after}"))
    return [*blocks, actions(*turning)] if turning else blocks


def _row(row: Row, page: Page, texts: Texts) -> list[Block]:
    answer = mrkdwn(beginning(tidy(row.record.answer), ANSWER), ANSWER)
    about = [_about(row, texts), _where(row, texts)]
    shown = [bold(row.record.title, TITLE), answer, " · ".join(filter(None, about))]
    buttons = _buttons(row, page, texts)
    return [section("\n".join(filter(None, shown))), *([actions(*buttons)] if buttons else [])]


def _where(row: Row, texts: Texts) -> str:
    """Say where the date is changed; nothing if it is here."""
    if row.edited_at:
        return texts("review.elsewhere", where=one_line(row.edited_at, TITLE))
    return "" if row.is_editable else texts("review.workbook")


def _buttons(row: Row, page: Page, texts: Texts) -> list[ButtonElement]:
    pressed = Pressed(page.listing, page.first, digest_of(row.record), row.knowledge_base, row.record.id)
    value, edited = str(pressed), f"{row.knowledge_base}\n{row.record.id}"
    if length(value) > BUTTON_VALUE:
        return []
    changing = [
        button(texts("button.still_right"), "review_right", value),
        button(texts("button.edit"), "review_edit", edited),
    ]
    refusing = [button(texts("button.not_mine"), "review_not_mine", value)]
    return [*(changing if row.is_editable else []), *(refusing if page.listing == MINE else [])]


def _about(row: Row, texts: Texts) -> str:
    """Say where an entry is, when it was checked and by whom it should be."""
    named = [*row.owners, without_ids(row.record.owner)] if row.owners else [without_ids(row.record.owner)]
    owners = texts("list.comma").join(filter(None, named))
    return " · ".join(
        filter(
            None,
            [
                one_line(row.knowledge_base, NAME),
                texts("review.updated", date=one_line(row.record.updated, DATE)) if row.record.updated else "",
                texts("review.since", date=row.deadline.isoformat()),
                texts("answer.owner", owner=one_line(owners, NAME)) if owners else "",
            ],
        )
    )


def _line(row: Row, texts: Texts) -> str:
    return f"• {one_line(row.record.title, TITLE)} ({_about(row, texts)})"
