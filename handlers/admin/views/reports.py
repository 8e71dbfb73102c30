"""Statistics, the trend, results of shadow mode, and the audit log."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block, ImageBlock, PlainTextObject
from slack_sdk.models.blocks.basic_components import SlackFile

from handlers.channel_rules import AutoReply
from handlers.learning.views import proof
from handlers.slack.blocks import Message, actions, button, context, in_days, listed, section
from handlers.slack.mrkdwn import moment, one_line, person
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.admin.store.statistics import Overview, Rehearsal, Tally
    from handlers.channel_rules import ChannelProof
    from handlers.store.audit import AuditEntry

NAME, VALUE = 100, 200
REHEARSED = 6
"""Channels with auto-reply that are shown at most, in a message with as many knowledge bases as it lists."""
PROVED = 3
"""Knowledge bases of such a channel whose proofs are listed."""
_PERSON = re.compile(r"\b[UW][A-Z0-9]{8,12}\b(?=[, ]|$)")
BARS = "▁▂▃▄▅▆▇█"


def statistics(
    overview: "Overview",
    picture: str | None,
    rehearsals: Sequence[tuple["ChannelProof", "Rehearsal"]],
    more: int,
    texts: Texts,
) -> Message:
    """Show the statistics: in total, as a picture, by knowledge base, and for channels with auto-reply.

    Of the channels at most REHEARSED are among the rehearsals, `more` are not.
    """
    said = heading(overview, texts)
    blocks: list[Block] = [section(f"{said}\n{tally(overview.total, texts)}"), trend(overview, picture, texts)]
    lines = [line for found, _ in rehearsals for line in _proofs(found, texts)]
    lines += [f"*{one_line(name, NAME)}*: {tally(one, texts)}" for name, one in by_size(overview.by_name)]
    if "" in overview.by_name:
        lines.append(texts("stats.nowhere", count=overview.by_name[""].missed))
    blocks += listed(lines, texts)
    for found, sums in rehearsals:
        if found.withheld or not found.posts_something:
            blocks += rehearsal(found, sums, len(overview.by_day), texts)
    if more:
        blocks.append(context(texts("kb.more_problems", count=more)))
    return Message(said, blocks)


def heading(overview: "Overview", texts: Texts) -> str:
    """Say of which days the statistics are."""
    return texts("stats.title", days=in_days(len(overview.by_day), texts))


def tally(one: "Tally", texts: Texts) -> str:
    """Put a tally in words; without votes there is no rate."""
    words = texts("stats.tally", answered=one.answered, missed=one.missed)
    if not one.votes:
        return words
    return words + texts("stats.helpful", percent=f"{100 * one.helpful / one.votes:.0f}", votes=one.votes)


def by_size(tallies: Mapping[str, "Tally"]) -> list[tuple[str, "Tally"]]:
    """Order the named tallies by questions, most first."""
    named = [(name, one) for name, one in tallies.items() if name]
    return sorted(named, key=lambda entry: (-entry[1].answered - entry[1].missed, entry[0]))


def trend(overview: "Overview", picture: str | None, texts: Texts) -> Block:
    """Show the trend as the uploaded picture, or in characters if there is none."""
    days = [one.answered + one.missed for one in overview.by_day.values()]
    if picture is None:
        most = max(*days, 1)
        bars = "".join(BARS[min(number * len(BARS) // most, len(BARS) - 1)] for number in days)
        return context(f"`{bars}`")
    span = in_days(len(days), texts)
    return ImageBlock(
        alt_text=texts("stats.picture_alt", days=span, asked=sum(days)),
        title=PlainTextObject(text=texts("stats.picture", days=span)),
        slack_file=SlackFile(id=picture),
    )


def rehearsal(found: "ChannelProof", sums: "Rehearsal", days: int, texts: Texts) -> list[Block]:
    """Report what shadow mode would have answered in a channel, with a button to go live."""
    channel = found.channel
    words = texts(
        "shadow.summary",
        channel=f"<#{channel.id}>",
        days=in_days(days, texts),
        messages=sums.messages,
        answered=sums.answered,
        expected=f"{sums.expected:.0f}",
    )
    said = texts("shadow.judged", judged=sums.judged, right=sums.right) if sums.judged else ""
    live = [actions(button(texts("button.go_live"), "shadow_go_live", channel.id))]
    offered = live if channel.auto_reply is AutoReply.SHADOW else proof.overrule(found, texts)
    return [section("\n".join(filter(None, [words, said]))), *offered]


def _proofs(found: "ChannelProof", texts: Texts) -> list[str]:
    """Say how far the proofs of a channel are; nothing where none is asked for."""
    lines = proof.lines(found, texts, PROVED)
    return [texts("proof.of", channel=f"<#{found.channel.id}>"), *lines] if lines else []


def audit(entries: Sequence["AuditEntry"], texts: Texts) -> Message:
    """List what admins did, newest first; times as each reader's clock has them."""
    title = texts("audit.title")
    lines = [_action(entry, texts) for entry in entries] or [texts("audit.empty")]
    return Message(title, [section(title), *listed(lines, texts)])


def _action(entry: "AuditEntry", texts: Texts) -> str:
    is_by_person = not entry.user or entry.user[:1] in {"U", "W"}
    who = person(entry.user, texts) if is_by_person else one_line(entry.user, NAME)
    where = texts("audit.where", channel=f"<#{entry.channel}>") if entry.channel[:1] in {"C", "G"} else ""
    show = _sentence if entry.done.key == "audit.before" else _value
    return f"{moment(entry.at)} · {who}{where} · {texts.say(entry.done, show)}"


def _value(text: str) -> str:
    """Escape a value of an audit entry; a person is mentioned."""
    return f"<@{text}>" if _PERSON.fullmatch(text) else one_line(text, VALUE)


def _sentence(text: str) -> str:
    """Escape a sentence of an earlier version; people in it are mentioned."""
    return _PERSON.sub(r"<@\g<0>>", one_line(text, VALUE))
