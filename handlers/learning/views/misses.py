"""Unanswered questions, as admins see them: in a list, in the Home tab, in the weekly digest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slack_sdk.models.blocks import Block

from handlers.slack.blocks import Message, actions, button, context, in_days, notice, section
from handlers.slack.mrkdwn import moment, one_line, person
from handlers.texts import Texts

QUESTION, TITLE, NAME, REASON = 250, 120, 60, 120
"""Characters of each; with ten questions in a message all blocks stay below Slack's 12,000 together."""
REASONS_SHOWN = 2
REASONS = ("none", "outdated", "unclear", "other")
"""What people choose from when an answer did not help."""
SHOWN, AT_HOME = 10, 3
"""Questions on a page, two blocks each, and in the Home tab; `/kb misses` has them all."""


@dataclass(frozen=True)
class Closest:
    """The record that comes closest, and its confidence."""

    title: str
    knowledge_base: str
    confidence: float


@dataclass(frozen=True)
class Asked:
    """A question and its near-duplicates. `id` is the newest one's, which was asked by `user` at `at`.

    `where` is the channel's id, blank where it was private or the reader may not know the channel; `reasons` are those
    of people who found the answer wrong. `door` is how a program asked, http or mcp, if one did: `user` is then the
    name of its token, blank without one.
    """

    id: int
    text: str
    times: int
    people: int
    user: str
    where: str
    at: float
    closest: Closest | None
    reasons: tuple[str, ...]
    reported: bool
    door: str = ""


@dataclass(frozen=True)
class Page:
    """A part of the list: `first` questions come before it, and `total` there are for the reader.

    `count` is how often a question was asked that is open, `different` how many these are, near-duplicates together;
    `elsewhere` how many of `count` are not for the reader.
    """

    asked: Sequence[Asked]
    first: int
    total: int
    days: int
    count: int
    different: int
    elsewhere: int = 0

    @property
    def value(self) -> str:
        """Return what follows a question's id in the buttons' values."""
        return f"{self.days}:{self.first}"


@dataclass(frozen=True)
class Digest:
    """What a channel is told: the questions that may be quoted there, and numbers as those of `Page`.

    `counted` are those of `count` that are not quoted.
    """

    asked: Sequence[Asked]
    count: int
    different: int
    counted: int


def page(shown: Page, command: str, texts: Texts) -> Message:
    """List unanswered questions, most asked first."""
    if not shown.count:
        return notice(texts("misses.none", days=in_days(shown.days, texts)))
    title = _title(shown, texts)
    blocks: list[Block] = [section(title), *_listed(shown, texts)]
    after = shown.first + len(shown.asked)
    turning = []
    if shown.first:
        turning.append(button(texts("button.back"), "miss_back", f"{shown.days}:{max(shown.first - SHOWN, 0)}"))
    if after < shown.total:
        left = texts("button.more", count=shown.total - after)
        turning.append(button(left, "miss_more", f"{shown.days}:{after}"))
    if turning:
        blocks.append(actions(*turning))
    blocks += [*_elsewhere(shown, texts), context(texts("misses.hint", command=command))]
    return Message(title, blocks)


def _title(shown: Page, texts: Texts) -> str:
    return texts("misses.title", days=in_days(shown.days, texts), count=shown.count, different=shown.different)


def _elsewhere(shown: Page, texts: Texts) -> list[Block]:
    return [context(texts("misses.elsewhere", count=shown.elsewhere))] if shown.elsewhere else []


def at_home(shown: Page, texts: Texts) -> list[Block]:
    """Show the first ones in the Home tab, if there are any."""
    if not shown.count:
        return []
    title = _title(shown, texts)
    return [section(title), *_listed(replace(shown, asked=shown.asked[:AT_HOME]), texts), *_elsewhere(shown, texts)]


def _listed(shown: Page, texts: Texts) -> list[Block]:
    return [block for one in shown.asked for block in _asked(one, shown.value, texts)]


def digest(told: Digest, days: int, command: str, texts: Texts) -> Message:
    """Return the weekly summary for a channel; it names nobody."""
    title = texts("misses.title", days=in_days(days, texts), count=told.count, different=told.different)
    lines = [f"*{_question(one)}*\n{_count(one, texts)} · <#{one.where}>" for one in told.asked]
    hidden = [context(texts("misses.counted", count=told.counted))] if told.counted else []
    hint = context(texts("misses.digest_hint", command=command))
    return Message(title, [section(title), *map(section, lines), *hidden, hint])


def _asked(one: Asked, place: str, texts: Texts) -> list[Block]:
    last = texts("misses.last", user=_who(one, texts), when=moment(one.at))
    lines = [f"*{_question(one)}*", " · ".join([_count(one, texts), last, _where(one, texts)])]
    lines += [_closest(one, texts)]
    lines += [texts("misses.reason", reason=_reason(reason, texts)) for reason in one.reasons[:REASONS_SHOWN]]
    value = f"{one.id}:{place}"
    return [
        section("\n".join(lines)),
        actions(
            button(texts("button.add_answer"), "kb_add_answer", str(one.id)),
            button(texts("button.not_a_question"), "miss_dismiss", value),
            button(texts("button.later"), "miss_later", value),
        ),
    ]


def _who(one: Asked, texts: Texts) -> str:
    if one.door:
        return one_line(one.user, NAME) if one.user else texts("misses.anonymous")
    return person(one.user, texts)


def _where(one: Asked, texts: Texts) -> str:
    if one.door:
        return texts(f"misses.over.{one.door}")
    return f"<#{one.where}>" if one.where else texts("misses.privately")


def _reason(reason: str, texts: Texts) -> str:
    """Return a stored reason and its comment as text: ``outdated: it moved to room 4``."""
    chosen, _, comment = reason.partition(": ")
    known = texts(f"reason.{chosen}") if chosen in REASONS else chosen
    return one_line(": ".join(filter(None, [known, comment])), REASON)


def _question(one: Asked) -> str:
    """Return the question without asterisks, which would end the bold early."""
    return one_line(one.text.replace("*", "∗"), QUESTION)


def _count(one: Asked, texts: Texts) -> str:
    again = "misses.again" if one.door else "misses.alone" if one.people == 1 else "misses.times"
    times = texts("misses.once" if one.times == 1 else again, times=one.times, people=one.people)
    return f"{texts('misses.wrong')} · {times}" if one.reported else times


def _closest(one: Asked, texts: Texts) -> str:
    if one.closest is None:
        return texts("misses.nothing_close")
    return texts(
        "misses.closest",
        title=one_line(one.closest.title, TITLE),
        name=one_line(one.closest.knowledge_base, NAME),
        percent=f"{one.closest.confidence * 100:.0f}",
    )
