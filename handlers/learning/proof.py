"""Whether a knowledge base is proved: what members said of the replies that it would still give.

A reply counts if today's encoder and weights would give it with at least the channel's threshold. What was stored with
a question holds as long as encoder, weights and record are the same; after a change of encoder or weights the question
is searched once more, and after a change of the record it no longer counts.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

from handlers.admins import active_admins, tell_admins, tell_each
from handlers.channel_rules import AutoReply, Channel, ChannelProof, Unproved
from handlers.learning.store.judged_replies import JudgedReplies, JudgedReply, Proofs
from handlers.learning.views import proof as view
from handlers.services import QUESTION_LENGTH, Services
from handlers.store.installation import KEEP_AUTO_REPLY, Installation
from indexes.confidence.confidence import DENSE, LEXICAL, unshifted
from indexes.confidence.proof import Proof
from indexes.records import Record
from indexes.registry import Registry

DIGITS = 16
"""Hexadecimal digits of each half of a stamp."""


def stamp_of(registry: Registry, name: str, record: Record) -> str:
    """Return with which encoder and weights, and from which text of a record, a knowledge base replies now."""
    return f"{_engine(registry, name)}:{_digest(record.question, record.answer)}"


def proof_of(services: Services, channel: Channel, name: str) -> Proof:
    """Return how far the proof of a knowledge base is, at a channel's threshold and promise."""
    if channel.promise <= 0 or name not in services.registry.loaded:
        return Proof(0, 0, channel.promise)
    replies = _of_today(services, name)
    shift = services.registry.shifts.get(name, 0.0)
    counted = [reply.right for reply in replies if unshifted(reply.confidence, -shift) >= channel.threshold]
    return Proof(sum(counted), len(counted) - sum(counted), channel.promise)


def proofs_of(services: Services, channel: Channel) -> ChannelProof:
    """Return how far the proofs of all knowledge bases of a channel are."""
    names = [name for name in channel.knowledge_bases if name in services.registry.loaded]
    return ChannelProof(channel, {name: proof_of(services, channel, name) for name in names})


def tell_changes(services: Services) -> None:
    """Tell admins, once each time, which knowledge bases are proved now, and which no longer are.

    While the bot is quiet nothing is told, nor noted as told.
    """
    if not services.messenger.unasked().may_post():
        return
    for channel in services.channels.configured():
        if channel.auto_reply is AutoReply.ON and channel.promise > 0:
            _tell_changes_in(services, channel)


def _tell_changes_in(services: Services, channel: Channel) -> None:
    """Tell of one channel. Once all is proved there, it is no longer kept on without a proof."""
    found = proofs_of(services, channel)
    for name, proof in found.proofs.items():
        changed = Proofs(services.database).change(channel.id, name, proved=proof.is_proved)
        if changed and (proof.is_proved or not channel.posts(proof)):
            tell_each(services, _whom(services, channel), partial(view.changed, found, name))
    if channel.unproved is Unproved.KEPT and found.proofs and all(proof.is_proved for proof in found.proofs.values()):
        services.channels.allow_unproved(channel.id, Unproved.NOT_ALLOWED, "")


def keep_auto_reply(services: Services) -> None:
    """After an upgrade, let channels where auto-reply is on go on without a proof. Before any message is considered."""
    installation = Installation(services.database)
    if installation.get(KEEP_AUTO_REPLY) != "due":
        return
    for channel in services.channels.configured():
        if channel.auto_reply is AutoReply.ON:
            services.channels.allow_unproved(channel.id, Unproved.KEPT, "")
    installation.set(KEEP_AUTO_REPLY, "kept")


def tell_kept(services: Services) -> None:
    """Tell admins once which channels go on without a proof; as long as nobody could be told, again next time."""
    installation = Installation(services.database)
    with services.locks("proof", "kept"):
        if installation.get(KEEP_AUTO_REPLY) != "kept" or not services.registry.loaded:
            return
        kept = [one for one in services.channels.configured() if one.unproved is Unproved.KEPT and one.promise > 0]
        found = [each for each in (proofs_of(services, one) for one in kept) if each.proofs]
        if not found or tell_admins(services, partial(view.kept, found)):
            installation.set(KEEP_AUTO_REPLY, "told")


def _whom(services: Services, channel: Channel) -> list[str]:
    """List who is told of a channel: whoever switched auto-reply on, and the active admins."""
    by = (channel.set_by or {}).get("auto_reply", "")
    first = [by] if by and services.access.person(by).is_admin else []
    return list(dict.fromkeys([*first, *active_admins(services)]))


def _of_today(services: Services, name: str) -> list[JudgedReply]:
    """Return a knowledge base's judged replies that it would still give, as sure as it would be of them today."""
    replies = [
        (reply, stamp)
        for reply in JudgedReplies(services.database).of(name)
        if (stamp := _today(services, name, reply))
    ]
    changed = [(reply, stamp) for reply, stamp in replies if reply.stamp != stamp]
    confidences = _confidences(services, name, changed) if changed else {}
    found = [
        (reply, reply.confidence if reply.stamp == stamp else confidences.get((reply.question, stamp)))
        for reply, stamp in replies
    ]
    return [replace(reply, confidence=confidence) for reply, confidence in found if confidence is not None]


def _today(services: Services, name: str, reply: JudgedReply) -> str | None:
    """Return the stamp that the reply would have today; None when its record is gone or says something else now."""
    record = services.registry.record(name, reply.record)
    if record is None:
        return None
    stamp = stamp_of(services.registry, name, record)
    same = not reply.stamp or reply.stamp.partition(":")[2] == stamp.partition(":")[2]
    return stamp if same else None


def _confidences(
    services: Services, name: str, replies: Sequence[tuple[JudgedReply, str]]
) -> dict[tuple[int, str], float | None]:
    """Return by question and stamp how sure today's reply with the same record is; search what was not searched yet.

    Questions whose words are gone can't be searched: they are left out.
    """
    store = JudgedReplies(services.database)
    known = store.confidences((reply.question, stamp) for reply, stamp in replies)
    fresh = {
        (reply.question, stamp): _confidence(services, name, reply)
        for reply, stamp in replies
        if reply.text and (reply.question, stamp) not in known
    }
    store.keep_confidences(fresh)
    return {**known, **fresh}


def _confidence(services: Services, name: str, reply: JudgedReply) -> float | None:
    """Search a question once more; return how sure the reply is without votes, None when another record comes first."""
    answer = services.registry.search(reply.text[:QUESTION_LENGTH], [name])
    if not answer.hits or answer.hits[0].record.id != reply.record:
        return None
    return unshifted(answer.confidence, answer.shifts.get(name, 0.0))


def _engine(registry: Registry, name: str) -> str:
    """Return what stands for the encoder, its scale and the weights by which a knowledge base is searched now."""
    loaded = registry.loaded.get(name)
    if loaded is None or loaded.index.dense is None or registry.encoder is None:
        return _digest("", repr(LEXICAL))
    return _digest(registry.encoder.name, repr(loaded.index.scale), repr(DENSE))


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:DIGITS]
