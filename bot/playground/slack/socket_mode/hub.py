"""Deliveries of envelopes, and their acks. Runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from bot.playground.slack.app_config import Timing
from bot.playground.slack.faults import EnvelopeFault, Faults
from bot.playground.slack.socket_mode.connection import Connection
from bot.playground.slack.socket_mode.connection_pool import ConnectionPool
from bot.playground.slack.socket_mode.envelopes import JSON, Delivery, Envelope, Kind, Outcome
from bot.playground.slack.workspace import new_id


class Hub(ConnectionPool):
    """The open connections, and the envelopes sent over them."""

    def __init__(self, timing: Timing, faults: Faults, tell: Callable[[str, Any], None]) -> None:
        super().__init__(timing, faults, tell, self._acked)
        self.envelopes: list[Envelope] = []
        self.unknown_acks: list[str] = []
        self._deliveries: dict[str, Delivery] = {}

    def deliver(self, kind: Kind, payload: JSON, finished: Callable[[Envelope], None] | None = None) -> Envelope:
        """Send a payload to one connection; `finished` is called after the ack or the timeout."""
        envelope = Envelope(kind, copy.deepcopy(payload))
        self.envelopes.append(envelope)
        self.tell("envelope", envelope)
        self.spawn(self._deliver(envelope, self.faults.take_envelope(), finished))
        return envelope

    async def _deliver(
        self,
        envelope: Envelope,
        faults: list[EnvelopeFault],
        finished: Callable[[Envelope], None] | None,
    ) -> None:
        for fault in faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
        again = [fault.how for fault in faults if fault.kind == "duplicate"]
        if envelope.kind == "events_api":
            envelope.outcome = await self._deliver_event(envelope, again)
        else:
            envelope.outcome = await self._deliver_once(envelope, again)
        self.tell("ack", envelope)
        if finished is not None:
            finished(envelope)

    async def _deliver_once(self, envelope: Envelope, again: Sequence[str]) -> Outcome:
        """Deliver a command or interaction: one attempt."""
        connection = self.next_connection()
        if connection is None:
            return "undelivered"
        return "acked" if await self._attempt(envelope, connection, 0, again) else "unacked"

    async def _deliver_event(self, envelope: Envelope, again: Sequence[str]) -> Outcome:
        """Deliver an event: with retries; without a connection it waits, and arrives as a retry."""
        late = not self.connected()
        for attempt in range(1 + len(self.timing.retry_delays)):
            if attempt:
                await asyncio.sleep(self.timing.retry_delays[attempt - 1])
            connection = await self.some_connection()
            if await self._attempt(envelope, connection, attempt + late, again if attempt == 0 else []):
                return "acked"
        return "unacked"

    async def _attempt(self, envelope: Envelope, connection: Connection, retry: int, again: Sequence[str]) -> bool:
        """Send once, with the duplicates that faults ask for; return whether the first was acked in time."""
        delivery = await self._send(envelope, connection, retry)
        if "envelope" in again:
            await self._send_same(envelope, delivery)
        if "retry" in again and envelope.kind == "events_api":
            await self._send(envelope, self.next_connection() or connection, retry + 1)
        if "event" in again and envelope.kind == "events_api":
            self._send_as_new_event(envelope)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(delivery.acked.wait(), self.timing.ack)
            envelope.ack = delivery.answer
        return delivery.acked.is_set()

    async def _send(self, envelope: Envelope, connection: Connection, retry: int) -> Delivery:
        delivery = Delivery(str(uuid.uuid4()), connection.number, time.monotonic(), retry)
        self._deliveries[delivery.envelope_id] = delivery
        envelope.deliveries.append(delivery)
        await connection.send(self._message(envelope, delivery))
        self.tell("delivery", delivery)
        return delivery

    async def _send_same(self, envelope: Envelope, delivery: Delivery) -> None:
        connection = self.next_connection()
        if connection is not None:
            await connection.send(self._message(envelope, delivery))
            twin = Delivery(delivery.envelope_id, connection.number, time.monotonic(), acked=delivery.acked)
            envelope.deliveries.append(twin)

    def _send_as_new_event(self, envelope: Envelope) -> None:
        twin = Envelope("events_api", {**envelope.payload, "event_id": new_id("Ev")})
        self.envelopes.append(twin)
        self.spawn(self._deliver(twin, [], None))

    @staticmethod
    def _message(envelope: Envelope, delivery: Delivery) -> JSON:
        told: JSON = {
            "envelope_id": delivery.envelope_id,
            "payload": envelope.payload,
            "type": envelope.kind,
            "accepts_response_payload": envelope.kind != "events_api",
        }
        if envelope.kind == "events_api":
            told["retry_attempt"] = delivery.retry_attempt
            told["retry_reason"] = "timeout" if delivery.retry_attempt else ""
        return told

    def _acked(self, data: str) -> None:
        try:
            answer = json.loads(data)
            delivery = self._deliveries.get(answer.get("envelope_id", ""))
        except (ValueError, AttributeError, TypeError):
            delivery = None
        if delivery is None:
            self.unknown_acks.append(data)
            return
        if delivery.acked_after is None:
            delivery.acked_after = time.monotonic() - delivery.at
            delivery.answer = answer.get("payload")
            delivery.acked.set()
            self.tell("delivery", delivery)

    def awaiting_ack(self) -> bool:
        """Whether an ack is pending and can still come in time."""
        now = time.monotonic()
        return any(
            not each.acked.is_set() and now - each.at < self.timing.ack
            for envelope in self.envelopes[-200:]
            for each in envelope.deliveries
            if envelope.outcome == "waiting"
        )
