"""What admins list, as Slack would take it, however much there is."""

from datetime import date, timedelta

import pytest

from bot.playground.slack.block_kit.validation import check_message_blocks
from handlers.admin.store.statistics import Overview, Rehearsal, Tally
from handlers.admin.views import reports
from handlers.channel_rules import AutoReply, Channel, ChannelProof
from handlers.entries.store.proposals import Proposal
from handlers.entries.views import proposals
from handlers.slack.blocks import Message
from handlers.texts import ENGLISH, JAPANESE, Texts
from indexes.confidence.proof import Proof

ID = "C" + "0" * 20
TEXTS = ("<!channel> & " * 500, "*質問* " * 500, "😀" * 1000, "&" * 4000, "a\nb" * 900)


def check(message: Message) -> None:
    check_message_blocks(message.payload())
    assert "<!channel>" not in str(message.payload())


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE])
@pytest.mark.parametrize("text", TEXTS)
def test_many_proposals(text: str, texts: Texts) -> None:
    cells = dict.fromkeys(("question", "answer", "category", "aliases", "url"), text)
    waiting = [Proposal(ID, text, cells, id=10**9 + number) for number in range(30)]
    listed = proposals.listing(waiting, texts)
    check(listed)
    assert str(listed.payload()).count(proposals.APPROVE) == proposals.LISTED
    assert str(30 - proposals.LISTED) in str(listed.payload()[-1])


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE])
@pytest.mark.parametrize("text", TEXTS)
def test_statistics_of_many_knowledge_bases_and_many_channels_in_shadow_mode(text: str, texts: Texts) -> None:
    tally = Tally(10**6, 10**6, 10**6, 10**6)
    days = {date(2026, 1, 1) + timedelta(days=number): tally for number in range(365)}
    overview = Overview({f"{number}{text}": tally for number in range(200)}, days)
    names = [f"{number}{text}" for number in range(60)]
    channel = Channel(ID, text, tuple(names), AutoReply.SHADOW, 0.9)
    found = ChannelProof(channel, dict.fromkeys(names, Proof(10**6, 10**6)))
    shadowed = [(found, Rehearsal(10**6, 10**6, 1e6, 10**6, 10**6))] * reports.REHEARSED
    told = reports.statistics(overview, None, shadowed, 60, texts)
    check(told)
    assert "60" in str(told.payload()[-1])
