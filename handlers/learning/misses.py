"""Questions that got no answer: `/kb misses`, its buttons, the weekly digest, and what statistics count as missed.

A miss is a question that was put to the bot and shown no likely answer, one that was said to people, looks like a
question and is about what the bot knows, and one whose answer somebody found wrong; until it is closed.
"""

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from handlers import texts as words
from handlers.audience import closed_to, knowledge_bases_for_program, may_read_question
from handlers.learning.learned_aliases import MYSELF
from handlers.learning.store.misses import OVERHEARD, PUT, Miss, Misses
from handlers.learning.views import misses as view
from handlers.learning.views.misses import SHOWN, Asked, Closest, Page
from handlers.request import Request
from handlers.services import QUESTION_LENGTH, Services
from handlers.slack.blocks import Message
from handlers.store.audit import AuditLog
from handlers.store.questions import BY_PEOPLE, BY_PROGRAMS, Origin, first_of, midnight
from handlers.store.tokens import Tokens, token_name
from indexes.confidence.confidence import DOUBTFUL
from indexes.messages import Translatable
from indexes.text import normalize

DAY = 24 * 3600
LATER_DAYS = 7
CONSIDERED = 1000
"""Misses that are considered, newest first."""
OF_PROGRAMS = CONSIDERED // 4
"""Those of programs among them: a script that asks all day must not hide what people ask."""
CHECKED, DIGESTED = 100, 5
"""Misses that the digest searches for again, and those that it quotes."""

_ASKS = re.compile(
    r"\?|(か|かな|かね|でしょう|ですよね|ません|たいです|教えて|おしえて|どなたか|わからない|分からない)[。.!、…]*$"
    r"|教えて(ください|下さい|ほしい|欲しい)|知りたい|困って"
    r"|^(how|what|where|when|who|which|why|can|could|does|do|is there|are there|anyone|anybody)\b"
)
"""How questions begin or end, in normalized text."""

Group = Sequence[Miss]
"""The same question, asked in nearly the same words; newest first."""


@dataclass(frozen=True)
class Unanswered:
    """The open misses since some time, in groups, most asked first."""

    groups: Sequence[Group]

    @property
    def misses(self) -> list[Miss]:
        """Each of them: their number is what admins see everywhere."""
        return [miss for group in self.groups for miss in group]


def listed(services: Services, request: Request, days: int) -> None:
    """`/kb misses [days]`: list the questions without a good answer."""
    request.tell_privately(_page(services, request, days, 0))


def turned(services: Services, request: Request) -> None:
    """Show another page."""
    days, first = map(int, request.pressed.split(":"))
    request.update_message(_page(services, request, days, first))


def dismissed(services: Services, request: Request) -> None:
    """Close a miss that was no question, with its near-duplicates, and show the rest."""
    close(services, request, "not_a_question")
    _show_again(services, request)


def put_off(services: Services, request: Request) -> None:
    """Hide a miss for a week, and show the rest."""
    close(services, request, "later")
    _show_again(services, request)


def close(services: Services, request: Request, why: Literal["not_a_question", "later"]) -> None:
    """Close the miss of the pressed button, with its near-duplicates."""
    number, days, _ = map(int, request.pressed.split(":"))
    until = time.time() + LATER_DAYS * DAY if why == "later" else None
    for group in readable(services, request.user, unanswered(services, days)):
        if any(miss.id == number for miss in group):
            Misses(services.database).close_all([miss.id for miss in group], why, request.user, until)
            AuditLog(services.database).record(
                request.user, request.channel, Translatable(f"audit.miss.{why}", question=group[0].text)
            )


def _show_again(services: Services, request: Request) -> None:
    _, days, first = map(int, request.pressed.split(":"))
    request.update_message(_page(services, request, days, first))


def _page(services: Services, request: Request, days: int, first: int) -> Message:
    found = unanswered(services, days, first + SHOWN)
    return view.page(shown(services, request.user, found, days, first), services.config.admin_command, request.texts)


def unanswered(services: Services, days: int, checked: int = SHOWN) -> Unanswered:
    """Return the open misses of the last days, today included; those that can be answered by now are closed first.

    So many groups are `checked`, the most asked ones. Whoever shows or counts misses asks here.
    """
    timezone = services.config.timezone
    return _unanswered(services, midnight(first_of(days, timezone), timezone), checked)


def _unanswered(services: Services, since: float, checked: int) -> Unanswered:
    every, left = groups(services, since), list[Group]()
    for place, group in enumerate(every):
        if len(left) == checked:
            return Unanswered([*left, *every[place:]])
        if not close_if_answered(services, group):
            left.append(group)
    return Unanswered(left)


def shown(services: Services, reader: str, found: Unanswered, days: int, first: int = 0) -> Page:
    """Return a page of misses for an admin."""
    mine = readable(services, reader, found)
    first = min(first, max(len(mine) - 1, 0) // SHOWN * SHOWN)
    asked = [
        _asked(services, group, group[0], group[0].channel if _is_channel(group[0].channel) else "")
        for group in mine[first : first + SHOWN]
    ]
    count = len(found.misses)
    return Page(asked, first, len(mine), days, count, len(found.groups), count - sum(map(len, mine)))


def readable(services: Services, reader: str, found: Unanswered) -> list[Group]:
    """Return those open misses that this admin may read."""
    closed = closed_to(services, reader)
    mine = [[miss for miss in group if _may_read(services, reader, miss, closed)] for group in found.groups]
    return sorted(filter(None, mine), key=_most_asked)


def _may_read(services: Services, reader: str, miss: Miss, closed: Collection[str]) -> bool:
    closest = miss.closest.knowledge_base if miss.closest else ""
    if miss.source.is_program and not closest and closed:  # then it is about all that was searched: an open one, if any
        closest = min(_searched_by(services, miss), key=closed.__contains__, default="")
    return may_read_question(services, reader, miss.channel, closest, closed)


def _most_asked(group: Group) -> tuple[int, float]:
    return -len(group), -group[0].at


def groups(services: Services, since: float) -> list[Group]:
    """Return open misses in groups of near-duplicates, most asked first; not those put off or dismissed."""
    found = Misses(services.database)
    misses = [
        *found.open(since, CONSIDERED, sources=(*BY_PEOPLE, Origin.FOLLOW_UP)),
        *found.open(since, OF_PROGRAMS, sources=BY_PROGRAMS),
        *found.open(since, CONSIDERED, sources=OVERHEARD),
    ]
    misses = [miss for miss in misses if is_miss(miss)]
    misses = sorted(misses, key=lambda miss: -miss.at)[:CONSIDERED]
    grouped = [[misses[place] for place in group] for group in services.registry.group([miss.text for miss in misses])]
    open_ones = [group for group in grouped if not any(miss.hidden for miss in group)]
    return sorted(open_ones, key=_most_asked)


def is_miss(miss: Miss) -> bool:
    """Return whether a question that may be a miss, as it is stored, is one."""
    return miss.reported or miss.source in PUT or looks_like_a_question(miss.text)


def looks_like_a_question(text: str) -> bool:
    """Return whether a message to a channel asks for an answer; other messages are no misses."""
    return len(text) <= QUESTION_LENGTH and _ASKS.search(normalize(text)) is not None


def close_if_answered(services: Services, group: Group) -> bool:
    """Close a group that would get an answer by now; return whether it would.

    A likely answer is enough where somebody asked the bot, otherwise a sure one; not one that was voted against.
    """
    newest = group[0]
    answer = services.registry.search(newest.text, _searched_by(services, newest))
    unasked = not any(miss.source.is_asked for miss in group)
    is_likely = answer.confidence > DOUBTFUL and not unasked
    if not (is_likely or answer.is_certain(services.channels.of(newest.channel).threshold, unasked=unasked)):
        return False
    rejected = {miss.closest.target for miss in group if miss.reported and miss.closest}
    if (answer.hits[0].knowledge_base, answer.hits[0].record.id) in rejected:
        return False
    Misses(services.database).close_all([miss.id for miss in group], "answered", MYSELF)
    return True


def _searched_by(services: Services, miss: Miss) -> tuple[str, ...]:
    """List the knowledge bases for this miss: those of its channel, of its token, or of all channels of the asker."""
    if miss.source.is_program:
        return knowledge_bases_for_program(services, Tokens(services.database).named(token_name(miss.user)))
    if _is_channel(miss.channel):
        return services.channels.of(miss.channel).knowledge_bases
    return services.channels.names(services.access.channels_of(miss.user))


def _asked(services: Services, group: Group, newest: Miss, where: str) -> Asked:
    closest = newest.closest
    record = services.registry.record(*closest.target) if closest else None
    return Asked(
        id=newest.id,
        text=newest.text,
        times=len(group),
        people=len({miss.user for miss in group}),
        user=token_name(newest.user) if newest.source.is_program else newest.user,
        where=where,
        at=newest.at,
        closest=Closest(record.title, closest.knowledge_base, closest.confidence) if closest and record else None,
        reasons=tuple(Misses(services.database).reasons(miss.id for miss in group)),
        reported=any(miss.reported for miss in group),
        door=newest.source.value if newest.source.is_program else "",
    )


def _is_channel(channel: str) -> bool:
    """Return whether this is a channel, not a direct message or the Home tab."""
    return channel[:1] in {"C", "G"}


def digest(services: Services, days: float, channel: str) -> Message | None:
    """Return a summary of misses for a channel; None if there are none.

    Not everybody there is an admin: only questions asked openly in a public channel are quoted, the rest is counted. If
    guests or people of other organisations read it, all are only counted.
    """
    found = _unanswered(services, time.time() - days * DAY, CHECKED)
    left = found.groups
    if not left:
        return None
    read_by_all = not services.access.readers(channel).has_outsiders
    open_ones = [(group, miss) for group in left if read_by_all and (miss := _asked_openly(services, group))]
    quoted = [_asked(services, group, miss, miss.channel) for group, miss in open_ones[:DIGESTED]]
    texts = words.for_questions([group[0].text for group in left])
    count = len(found.misses)
    said = view.Digest(quoted, count, len(left), count - sum(len(group) for group, _ in open_ones[:DIGESTED]))
    return view.digest(said, max(round(days), 1), services.config.admin_command, texts)


def _asked_openly(services: Services, group: Group) -> Miss | None:
    """Return the newest of a group that everybody in the workspace could read."""
    spoken = (miss for miss in group if not miss.source.is_private and _is_channel(miss.channel))
    return next((miss for miss in spoken if not services.access.place(miss.channel).is_private), None)
