"""Misbehaviour on demand: what the local Slack does wrong next. Asked by the web side and the socket side."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeVar

Duplicate = Literal["envelope", "retry", "event"]


@dataclass
class HttpFault:
    """Something to do to the next `times` calls of methods that match (None: to every one until cleared)."""

    method: str
    kind: Literal["rate_limit", "status", "slow", "drop", "error"]
    times: int | None
    seconds: float = 0.0
    status: int = 200
    error: str = ""

    @property
    def refuses(self) -> bool:
        """Whether the call isn't performed at all."""
        return self.kind in ("rate_limit", "status", "error")


@dataclass
class EnvelopeFault:
    """Something to do to the next `times` envelopes (None: to every one until cleared)."""

    kind: Literal["duplicate", "delay"]
    times: int | None
    how: Duplicate = "envelope"
    seconds: float = 0.0


Fault = TypeVar("Fault", HttpFault, EnvelopeFault)


@dataclass
class Faults:
    """The faults in force. Lives on the event loop."""

    http: list[HttpFault] = field(default_factory=list)
    envelopes: list[EnvelopeFault] = field(default_factory=list)
    freeze_http: bool = False
    freeze_new_sockets: bool = False
    silence_new_sockets: bool = False
    refuse_sockets: int = 0

    def take_http(self, method: str) -> list[HttpFault]:
        """The faults that apply to this call, each counted down: all slowness and drops, and one refusal."""
        matching = [each for each in self.http if fnmatchcase(method, each.method) and each.times != 0]
        refusal = next((each for each in matching if each.refuses), None)
        return _count_down([each for each in matching if each is refusal or not each.refuses])

    def take_envelope(self) -> list[EnvelopeFault]:
        """The faults that apply to this envelope, each counted down."""
        return _count_down([each for each in self.envelopes if each.times != 0])


def _count_down(taken: list[Fault]) -> list[Fault]:
    for each in taken:
        if each.times is not None:
            each.times -= 1
    return taken
