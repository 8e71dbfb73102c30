"""The list of learned aliases, and of questions that wait to become one."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block

from handlers.slack.blocks import Message, actions, button, context, section
from handlers.slack.mrkdwn import moment, one_line, person
from handlers.texts import Texts

PHRASING, TITLE, NAME = 220, 120, 60
"""Characters of each; twenty entries of that size stay below Slack's 12,000 together."""
PEOPLE = 5
SHOWN = 10


@dataclass(frozen=True)
class InForce:
    """An alias in use. `title` is the record's question, blank if the record is not there now."""

    id: str
    phrasing: str
    title: str
    knowledge_base: str
    voters: tuple[str, ...]
    by: str
    at: float


@dataclass(frozen=True)
class Waiting:
    """A question that people confirmed; `disputed` if it was confirmed for another record too."""

    id: int
    phrasing: str
    title: str
    knowledge_base: str
    voters: tuple[str, ...]
    disputed: bool


def page(inforce: Sequence[InForce], first: int, total: int, waiting: Sequence[Waiting], texts: Texts) -> Message:
    """List aliases in use, newest first, and on the first page the waiting ones."""
    title = texts("learned.title", count=total)
    blocks: list[Block] = [section(title if total else texts("learned.none"))]
    for one in inforce:
        undo = button(texts("button.undo"), "learned_undo", f"{one.id}:{first}")
        blocks.append(section(_in_force(one, texts), undo))
    after = first + len(inforce)
    if after < total:
        more = button(texts("button.more", count=total - after), "learned_more", str(after))
        blocks.append(actions(more))
    if waiting:
        blocks.append(section(texts("learned.waiting")))
    for other in waiting:
        learn = button(texts("button.learn"), "learned_accept", f"{other.id}:{first}")
        blocks.append(section(_waiting(other, texts), learn))
    blocks.append(context(texts("learned.hint")))
    return Message(title, blocks)


def offer(phrasing: str, title: str, vote: int, texts: Texts) -> Message:
    """Offer an admin who confirmed an answer to add the alias."""
    text = texts("learned.offer", phrasing=one_line(phrasing, PHRASING), title=one_line(title, TITLE))
    return Message(text, [section(text), actions(button(texts("button.learn"), "learn_phrasing", str(vote)))])


def _in_force(one: InForce, texts: Texts) -> str:
    title = one_line(one.title, TITLE) if one.title else texts("learned.gone")
    line = texts("learned.one", phrasing=one_line(one.phrasing, PHRASING), title=title)
    by = texts("learned.by", user=person(one.by, texts)) if one.by[:1] in {"U", "W"} else ""
    small = [one_line(one.knowledge_base, NAME), _voters(one.voters, texts), by, moment(one.at)]
    return "\n".join([line, " · ".join(filter(None, small))])


def _waiting(one: Waiting, texts: Texts) -> str:
    line = texts("learned.one", phrasing=one_line(one.phrasing, PHRASING), title=one_line(one.title, TITLE))
    note = texts("learned.disputed") if one.disputed else ""
    small = [one_line(one.knowledge_base, NAME), _voters(one.voters, texts), note]
    return "\n".join([line, " · ".join(filter(None, small))])


def _voters(voters: Sequence[str], texts: Texts) -> str:
    if not voters:
        return ""
    shown = ", ".join(person(user, texts) for user in voters[:PEOPLE])
    more = f" +{len(voters) - PEOPLE}" if len(voters) > PEOPLE else ""
    return texts("learned.voters", people=shown + more)
