"""The rules of one channel; free of the database, so that settings and views can use them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from handlers.features import Feature
from indexes.confidence.proof import PROMISE, Proof

SettingName = Literal[
    "auto_reply", "threshold", "promise", "ask", "knowledge_bases", "features_off", "features_off_for_all"
]

HELPER = re.compile(r"[UWS][A-Z0-9]{2,20}")
"""The Slack id of a person (U… or W…) or of a user group (S…) who may be asked."""
MOST_PROMISED = 0.95
"""The highest precision that may be asked for: it takes 68 judgements without a wrong one, 121 with one."""
HELPERS = 10
"""The most that may be named for a channel; a longer list would notify too many people."""


class AutoReply(StrEnum):
    """Whether the bot answers unasked: publicly, only towards admins, or not at all."""

    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


class Unproved(StrEnum):
    """Why replies of knowledge bases that are not proved are posted all the same."""

    NOT_ALLOWED = ""
    KEPT = "kept"
    """Auto-reply was on here before proofs were asked for."""
    OVERRULED = "overruled"
    """An admin said so."""


@dataclass(frozen=True)
class Channel:
    """A channel's rules. `set_by` says which of them an admin set in Slack, and who: key -> user id.

    `ask` are the ids of the people and user groups who answer what no knowledge base does; in Slack's settings they are
    joined by spaces, and an empty value means nobody. The knowledge bases are a JSON list. `promise` is the precision
    that a knowledge base must be proved to have before its replies are posted unasked; 0 asks for no proof.
    `held_back` when nothing is posted unasked until an admin has confirmed the settings. `features_off` are switched
    off here, in this channel or for all of them.
    """

    id: str
    name: str
    knowledge_bases: tuple[str, ...]
    auto_reply: AutoReply
    threshold: float
    ask: tuple[str, ...] = ()
    set_by: Mapping[str, str] | None = None
    promise: float = PROMISE
    unproved: Unproved = Unproved.NOT_ALLOWED
    held_back: bool = False
    features_off: frozenset[Feature] = frozenset()

    def offers(self, feature: Feature) -> bool:
        """Tell whether a feature is on here."""
        return feature not in self.features_off

    def posts(self, proof: Proof) -> bool:
        """Tell whether replies of a knowledge base with this proof are posted unasked; otherwise only admins know."""
        return not self.held_back and self.may_post(proof)

    def may_post(self, proof: Proof) -> bool:
        """Tell whether they are posted unasked once the settings are confirmed."""
        return self.auto_reply is AutoReply.ON and (proof.is_proved or self.unproved is not Unproved.NOT_ALLOWED)


@dataclass(frozen=True)
class ChannelProof:
    """How far the proofs of a channel's knowledge bases are, by name."""

    channel: Channel
    proofs: Mapping[str, Proof]

    @property
    def withheld(self) -> list[str]:
        """The knowledge bases whose replies only admins see until they are proved."""
        return [name for name, proof in self.proofs.items() if not self.channel.may_post(proof)]

    @property
    def posts_something(self) -> bool:
        """Whether replies of some knowledge base are posted unasked, or would be once it is loaded."""
        is_on = self.channel.auto_reply is AutoReply.ON and not self.channel.held_back
        return is_on and (not self.proofs or len(self.withheld) < len(self.proofs))


@dataclass(frozen=True)
class Waiting:
    """A channel whose name would give it knowledge bases or settings, and that waits for an admin to allow it.

    `claims` are what an admin decides on: the name as a knowledge base's and, with #, as a channel's in kotae.toml.
    """

    name: str
    channel: str
    claims: tuple[str, ...]
    knowledge_bases: tuple[str, ...]

    @property
    def is_configured(self) -> bool:
        """Tell whether kotae.toml names a channel so."""
        return any(claim.startswith("#") for claim in self.claims)
