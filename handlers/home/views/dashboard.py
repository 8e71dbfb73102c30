"""The admins' part of the Home tab: statistics, and buttons for `/kb` actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import (
    Block,
    DividerBlock,
    HeaderBlock,
    Option,
    OverflowMenuElement,
    PlainTextObject,
    SectionBlock,
)

from handlers.admin.views.reports import heading, tally, trend
from handlers.admin.views.sources import Polled, trouble
from handlers.learning.views import proof
from handlers.slack.blocks import actions, button, context, entries, menu_key, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.admin.store.statistics import Overview, Tally
    from handlers.channel_rules import ChannelProof

LISTED = 20
"""Knowledge bases and channels shown: with everything around them below the 100 blocks of a Home tab."""
NAME, NAMES = 100, 300


@dataclass(frozen=True)
class Kept:
    """A knowledge base: its size, a tally of its questions, and its source if it is fetched."""

    name: str
    records: int
    tally: "Tally"
    polled: Polled | None = None


@dataclass(frozen=True)
class Dashboard:
    """What is shown to an admin. `buttons` and `menu` are /kb actions, the latter for one knowledge base.

    `quiet` says that nothing is posted unasked, while that is so.
    """

    overview: "Overview"
    picture: str | None
    kept: Sequence[Kept]
    channels: Sequence["ChannelProof"]
    buttons: Sequence[str]
    menu: Sequence[str]
    misses: Sequence[Block]
    quiet: str = ""


def dashboard(shown: Dashboard, texts: Texts) -> list[Block]:
    """Return the blocks of the admins' part."""
    blocks: list[Block] = [
        DividerBlock(),
        HeaderBlock(text=PlainTextObject(text=texts("home.admin"))),
        *([section(shown.quiet)] if shown.quiet else []),
        context(heading(shown.overview, texts), tally(shown.overview.total, texts)),
        trend(shown.overview, shown.picture, texts),
        actions(*(button(texts(f"home.do.{verb}"), f"home_do_{verb}", verb) for verb in shown.buttons)),
        *(_kept(one, shown.menu, texts) for one in shown.kept[:LISTED]),
    ]
    blocks += shown.misses
    if shown.channels:
        blocks.append(section(texts("home.channels")))
    return [*blocks, *(_channel(one, texts) for one in shown.channels[:LISTED])]


def menu_value(verb: str, name: str) -> str:
    """Return the value of a menu's option: the action and a key for the knowledge base."""
    return f"{verb}:{menu_key(name)}"


def _kept(one: Kept, menu: Sequence[str], texts: Texts) -> SectionBlock:
    words = f"*{one_line(one.name, NAME)}* · {entries(one.records, texts)}\n{tally(one.tally, texts)}"
    if one.polled and (said := trouble(one.polled, texts)):
        words = f"{words}\n{said}"
    options = [
        Option(value=menu_value(verb, one.name), text=PlainTextObject(text=texts(f"home.do.{verb}"))) for verb in menu
    ]
    return section(words, OverflowMenuElement(action_id="home_menu", options=options))


def _channel(found: "ChannelProof", texts: Texts) -> SectionBlock:
    one = found.channel
    words = texts(
        "home.channel",
        channel=f"<#{one.id}>",
        mode=texts(f"settings.mode.{one.auto_reply.value}"),
        percent=f"{one.threshold * 100:.0f}",
        names=one_line(", ".join(one.knowledge_bases), NAMES) or "–",
    )
    words = "\n".join([words, *proof.lines(found, texts)])
    return section(words, button(texts("button.settings"), "home_settings", one.id))
