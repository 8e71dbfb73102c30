"""Envelopes: the payloads for the app, and the attempts to deliver them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = dict[str, Any]
Kind = Literal["events_api", "slash_commands", "interactive"]
Outcome = Literal["waiting", "acked", "unacked", "undelivered"]


@dataclass(eq=False)
class Delivery:
    """One attempt to deliver an envelope, over one connection."""

    envelope_id: str
    connection: int
    at: float
    retry_attempt: int = 0
    acked_after: float | None = None
    acked: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    answer: JSON | None = None


@dataclass(eq=False)
class Envelope:
    """A payload for the app, with every attempt to deliver it."""

    kind: Kind
    payload: JSON
    deliveries: list[Delivery] = field(default_factory=list)
    outcome: Outcome = "waiting"
    ack: JSON | None = None

    @property
    def acked_after(self) -> float | None:
        """Seconds from sending to the first ack, also a late one; None without an ack."""
        return next((each.acked_after for each in self.deliveries if each.acked_after is not None), None)

    def acked_within(self, seconds: float) -> bool:
        """Whether the first delivery was acked in that time."""
        took = self.deliveries[0].acked_after if self.deliveries else None
        return took is not None and took <= seconds

    @property
    def event(self) -> JSON:
        """The event inside an events_api payload."""
        event: JSON = self.payload.get("event", {})
        return event
