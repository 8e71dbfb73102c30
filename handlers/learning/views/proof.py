"""How far the proof is that a knowledge base may answer unasked, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block

from handlers.channel_rules import AutoReply, ChannelProof, Unproved
from handlers.slack.blocks import Message, actions, button, listed, notice, section
from handlers.slack.mrkdwn import one_line, person
from handlers.texts import Texts

if TYPE_CHECKING:
    from indexes.confidence.proof import Proof

NAME = 100
LISTED = 10
"""Knowledge bases of a channel whose proofs are listed."""


def lines(found: ChannelProof, texts: Texts, most: int = LISTED) -> list[str]:
    """Say for each knowledge base of a channel how far the proof is; nothing where none is asked for."""
    if found.channel.auto_reply is AutoReply.OFF or found.channel.promise <= 0:
        return []
    more = [texts("kb.more_problems", count=len(found.proofs) - most)] if len(found.proofs) > most else []
    return [*(_line(found, name, texts) for name in list(found.proofs)[:most]), *more]


def state(found: ChannelProof, texts: Texts) -> list[str]:
    """Say how far the proofs are, and what that means for a channel where auto-reply is on."""
    if found.channel.auto_reply is AutoReply.ON and found.channel.held_back:
        return [texts("recovery.held_back"), *lines(found, texts)]
    said = lines(found, texts)
    if not said or found.channel.auto_reply is not AutoReply.ON:
        return said
    if found.withheld:
        percent = f"{found.channel.promise * 100:.0f}"
        return [texts("proof.withheld", channel=f"<#{found.channel.id}>", percent=percent), *said]
    return said


def overrule(found: ChannelProof, texts: Texts) -> list[Block]:
    """Offer to answer without a proof where that makes a difference."""
    if found.channel.auto_reply is not AutoReply.ON or not found.withheld:
        return []
    return [actions(button(texts("button.overrule"), "proof_overrule", found.channel.id))]


def told(said: str, found: ChannelProof, texts: Texts) -> Message:
    """Say something about a channel, if anything, then how far its proofs are, with the button to overrule them."""
    text = "\n".join(filter(None, [said, *state(found, texts)]))
    return Message(text, [*listed(text.split("\n"), texts), *overrule(found, texts)])


def changed(found: ChannelProof, name: str, texts: Texts) -> Message:
    """Say that a knowledge base is proved now, or no longer is, and what follows."""
    proof = found.proofs[name]
    values = {"channel": f"<#{found.channel.id}>", "name": one_line(name, NAME)}
    key = "proof.now_proved" if proof.is_proved else "proof.lapsed"
    text = texts(key, **values, percent=f"{found.channel.promise * 100:.0f}")
    return Message(text, [section(f"{text}\n{_line(found, name, texts)}"), *overrule(found, texts)])


def kept(found: Sequence[ChannelProof], texts: Texts) -> Message:
    """Say after an upgrade which channels go on without a proof."""
    said = [f"<#{each.channel.id}> · {line}" for each in found for line in lines(each, texts)]
    return Message(texts("proof.kept_on"), [*notice(texts("proof.kept_on")).blocks, *listed(said, texts)])


def _line(found: ChannelProof, name: str, texts: Texts) -> str:
    proof = found.proofs[name]
    words = {"name": one_line(name, NAME), "right": proof.right, "judged": proof.judged}
    if proof.is_proved:
        return texts("proof.proved", **words, percent=int(proof.bound * 100))
    missing = texts("proof.missing", **words, missing=proof.missing)
    return missing + _allowed(found, texts)


def _allowed(found: ChannelProof, texts: Texts) -> str:
    """Say why replies are posted although they are not proved; nothing where they are not."""
    channel = found.channel
    if channel.auto_reply is not AutoReply.ON or channel.unproved is Unproved.NOT_ALLOWED:
        return ""
    by = (channel.set_by or {}).get("unproved", "")
    return texts(f"proof.{channel.unproved.value}", user=person(by, texts))


def counted(name: str, proof: "Proof") -> str:
    """Return how many replies of a knowledge base were right and judged, for the audit log."""
    return f"{name} {proof.right}/{proof.judged}"
