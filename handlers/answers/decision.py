"""What becomes of a message that nobody addressed to the bot, and why.

The bot acts by `decide`; the local workspace's inspector shows the reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.access import Standing
from handlers.answers.lookup import search
from handlers.audience import knowledge_bases_for
from handlers.channel_rules import AutoReply, Channel, Unproved
from handlers.learning.proof import proof_of
from handlers.request import Request
from handlers.services import Services
from handlers.slack.mrkdwn import has_words, plain
from handlers.store.questions import Origin, PostedReply
from indexes.messages import Translatable
from indexes.registry import Answer

SPOKEN = {None, "thread_broadcast", "file_share"}
"""Message subtypes that a person may have written; every other one is a bot's or a notice."""


ASKED = Translatable("why.asked")
"""Why an answer is shown that somebody asked for."""
NOT_TO_EVERYBODY = Translatable("why.not_to_everybody")
"""Why a message is left alone for which `is_to_everybody` is false."""


@dataclass(frozen=True)
class Decision:
    """Who sees the answer if it is sure enough: the channel, or in shadow mode admins; `why` says it in words.

    `answer` is None when nothing was searched.
    """

    origin: Origin
    why: Translatable
    answer: Answer | None = None


def decide(
    services: Services,
    request: Request,
    rules: Channel,
    message: Mapping[str, Any],
    reply: PostedReply | None,
) -> Decision:
    """Search for a message to everybody and decide who sees the answer; `reply` is an earlier one. Stores nothing."""
    question = plain(message.get("text", ""))
    if not has_words(question):
        return Decision(Origin.SHADOW, Translatable("why.no_words"))
    if not services.messenger.may_post():
        return Decision(Origin.SHADOW, Translatable("why.quiet"))
    if request.person.standing is Standing.UNKNOWN:
        return Decision(Origin.SHADOW, Translatable("why.unknown_person"))
    names = knowledge_bases_for(services, request, public_reply=True)
    if not names:
        return Decision(Origin.SHADOW, Translatable("why.no_knowledge_base"))
    if not services.registry.loaded:
        return Decision(Origin.SHADOW, Translatable("why.loading"))
    answer = search(services, request, question, names)
    return Decision(*who_sees(services, rules, answer, reply), answer)


def is_to_everybody(services: Services, request: Request, message: Mapping[str, Any]) -> bool:
    """Return whether a person wrote this to the whole channel: not a bot, not to the bot, not within a thread."""
    in_thread = message.get("thread_ts", message["ts"]) != message["ts"]
    return (
        message.get("subtype") in SPOKEN
        and not message.get("bot_id")
        and request.event.get("channel_type") != "mpim"
        and not services.is_mentioned(message.get("text", ""))
        and (not in_thread or message.get("subtype") == "thread_broadcast")
    )


def who_sees(
    services: Services, rules: Channel, answer: Answer, reply: PostedReply | None
) -> tuple[Origin, Translatable]:
    """Return where an answer goes, and why: to the channel, or in shadow mode to admins.

    Where auto-reply is on, the knowledge base that answers must be proved. Where it is no longer on, a reply that was
    posted before still follows its question.
    """
    if rules.auto_reply is not AutoReply.ON:
        if reply:
            return Origin.AUTO_REPLY, Translatable("why.posted_before")
        shadow = rules.auto_reply is AutoReply.SHADOW
        return Origin.SHADOW, Translatable("why.shadow") if shadow else Translatable("why.off")
    if not answer.hits:
        return Origin.AUTO_REPLY, Translatable("why.on")
    return _by_proof(services, rules, answer.hits[0].knowledge_base)


def _by_proof(services: Services, rules: Channel, name: str) -> tuple[Origin, Translatable]:
    """Decide where auto-reply is on."""
    proof = proof_of(services, rules, name)
    if not rules.posts(proof):
        return Origin.SHADOW, Translatable("why.unproved", name=name, missing=proof.missing)
    if rules.promise <= 0:
        return Origin.AUTO_REPLY, Translatable("why.on")
    if proof.is_proved:
        return Origin.AUTO_REPLY, Translatable("why.proved", name=name, right=proof.right, judged=proof.judged)
    if rules.unproved is Unproved.KEPT:
        return Origin.AUTO_REPLY, Translatable("why.kept", name=name)
    return Origin.AUTO_REPLY, Translatable("why.overruled", name=name)
