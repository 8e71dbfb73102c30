"""The rules of one channel; free of the database, so that settings and views can use them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

SettingName = Literal["auto_reply", "threshold", "ask", "knowledge_bases"]

HELPER = re.compile(r"[UWS][A-Z0-9]{2,20}")
"""The Slack id of a person (U… or W…) or of a user group (S…) who may be asked."""
HELPERS = 10
"""The most that may be named for a channel; a longer list would notify too many people."""


class AutoReply(StrEnum):
    """Whether the bot answers unasked: publicly, only towards admins, or not at all."""

    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


@dataclass(frozen=True)
class Channel:
    """A channel's rules. `set_by` says which of them an admin set in Slack, and who: key -> user id.

    `ask` are the ids of the people and user groups who answer what no knowledge base does; in Slack's settings they are
    joined by spaces, and an empty value means nobody. The knowledge bases are a JSON list.
    """

    id: str
    name: str
    knowledge_bases: tuple[str, ...]
    auto_reply: AutoReply
    threshold: float
    ask: tuple[str, ...] = ()
    set_by: Mapping[str, str] | None = None


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
