"""The faults in force, which the Web API and Socket Mode apply."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeVar

Duplicate = Literal["envelope", "retry", "event"]


@dataclass
class HttpFault:
    """A fault for the next `times` calls of matching methods (None: for all of them until cleared).

    With `applied`, the call is performed although the response, if any, says otherwise. With `halfway`, a response is
    dropped after half of it was sent.
    """

    method: str
    kind: Literal["rate_limit", "status", "slow", "drop", "error", "stale"]
    times: int | None
    seconds: float = 0.0
    status: int = 200
    error: str = ""
    applied: bool = False
    halfway: bool = False

    @property
    def refuses(self) -> bool:
        """Whether it keeps the call from being performed."""
        return self.kind not in ("slow", "stale") and not self.applied


@dataclass
class EnvelopeFault:
    """A fault for the next `times` envelopes (None: for all of them until cleared)."""

    kind: Literal["duplicate", "delay"]
    times: int | None
    how: Duplicate = "envelope"
    seconds: float = 0.0


Fault = TypeVar("Fault", HttpFault, EnvelopeFault)


@dataclass
class Faults:
    """The faults in force. Use it on the event loop only."""

    http: list[HttpFault] = field(default_factory=list)
    envelopes: list[EnvelopeFault] = field(default_factory=list)
    freeze_new_sockets: bool = False
    silence_new_sockets: bool = False
    refuse_sockets: int = 0

    def take_http(self, method: str) -> list[HttpFault]:
        """Count down and return the faults for this call: those that let it be performed, at most one that does not."""
        matching = [each for each in self.http if fnmatchcase(method, each.method) and each.times != 0]
        refusal = next((each for each in matching if each.refuses), None)
        return _count_down([each for each in matching if each is refusal or not each.refuses])

    def take_envelope(self) -> list[EnvelopeFault]:
        """Count down and return the faults for this envelope."""
        return _count_down([each for each in self.envelopes if each.times != 0])


def _count_down(taken: list[Fault]) -> list[Fault]:
    for each in taken:
        if each.times is not None:
            each.times -= 1
    return taken
