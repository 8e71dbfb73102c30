"""From a payload of Slack to a handler: the listener acks, the queue runs the handler, and errors are handled."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt import Ack, Respond

from handlers.access import Need
from handlers.request import Request, fail
from handlers.services import Services
from handlers.slack.blocks import notice

log = logging.getLogger(__name__)

Handler = Callable[[Services, Request], None]
Check = Callable[[Services, Request], Mapping[str, Any]]
"""What a modal answers when it is submitted: the arguments of its ack, such as errors by field; none to close it."""
Needs = Need | Callable[[Request], Need]
"""Who may: the same for all payloads of a route, or read from the payload where one route serves several commands."""
Refuse = Callable[[Services, Request, str], None]
"""Tells somebody why they may not; the string is the key of the text."""


def _tell_why(_: Services, request: Request, refusal: str) -> None:
    request.refuse(refusal)


@dataclass(frozen=True)
class Route:
    """A listener: acks, and puts the handler into the queue, where it runs for those who may.

    `asked` is False for what nobody addressed to the bot: nobody is told then that they may not. A handler sees the
    first delivery only; one that `claims` what it deals with sees them all: claiming writes to the database, and most
    messages of a workspace are none of the bot's business.
    """

    services: Services
    handler: Handler
    needs: Needs
    asked: bool
    claims: bool
    refuse: Refuse

    def __call__(self, ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        """Take a payload from Bolt."""
        ack()
        request = _request(self.services, body, respond, asked=self.asked)
        if not self.services.queue.put(partial(_run, self, request)):
            _refuse(self.services, request)

    def need(self, request: Request) -> Need:
        """Return who may send this payload; doesn't call Slack."""
        return self.needs if isinstance(self.needs, Need) else self.needs(request)


@dataclass(frozen=True)
class FormRoute(Route):
    """A modal's ack says what is wrong with its fields, so it is checked first: quickly, and without asking Slack.

    The ack also closes the modal or changes it: without a place in the queue the modal stays as it was typed. Who may
    is asked of Slack, so after the ack: `refuse` tells those who may not.
    """

    check: Check

    def __call__(self, ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        """Take a submission from Bolt."""
        request = _request(self.services, body, respond, asked=True)
        answer = self.check(self.services, request)
        if answer.get("response_action") != "errors" and not self.services.queue.put(partial(_run, self, request)):
            log.warning("The queue is full: a modal was refused")
            answer = _busy(request)
        ack(**answer)


@dataclass(frozen=True)
class Routes:
    """Makes the routes of the routing table."""

    services: Services

    def on(self, handler: Handler, *, needs: Needs, asked: bool = True, claims: bool = False) -> Route:
        """Return a listener for events, commands and buttons; see `Route`."""
        return Route(self.services, handler, needs, asked, claims, _tell_why)

    def form(self, check: Check, handler: Handler, *, needs: Needs, refuse: Refuse = _tell_why) -> FormRoute:
        """Return a listener for a submitted modal; see `FormRoute`."""
        return FormRoute(self.services, handler, needs, asked=True, claims=False, refuse=refuse, check=check)

    def overheard(self, handler: Handler) -> Route:
        """Return a listener for messages that are not addressed to the bot."""
        return self.on(handler, needs=Need.NOTHING, asked=False, claims=True)


def _busy(request: Request) -> dict[str, Any]:
    first = next(block["block_id"] for block in request.body["view"]["blocks"] if block["type"] == "input")
    return {"response_action": "errors", "errors": {first: request.texts_of_form("search.busy")}}


def _run(route: Route, request: Request) -> None:
    try:
        if not (route.claims or request.is_first_delivery()):
            return
        if refusal := request.refusal(route.need(request)):
            route.refuse(route.services, request, refusal)
        else:
            route.handler(route.services, request)
    except Exception as error:  # noqa: BLE001 - the one door: nothing a handler raises may end the process or a worker
        _fail(request, error)


def _fail(request: Request, error: Exception) -> None:
    """Handle an error; if even the apology fails, because Slack can't be reached, log that."""
    try:
        fail(request, error)
    except Exception:
        log.exception("The asker could not be told")


def _refuse(services: Services, request: Request) -> None:
    """Tell who asked that there is no room, not from the thread that acks: Slack may be slow."""
    log.warning("The queue is full: a question was refused")
    if request.asked and not services.queue.put_refusal(partial(_say_busy, request)):
        log.warning("Too many wait to be told that the queue is full: one was not told")


def _say_busy(request: Request) -> None:
    try:
        request.tell_privately(notice(request.texts("search.busy")))
    except Exception:
        log.exception("The asker could not be told that the queue is full")


def _request(services: Services, body: Mapping[str, Any], respond: Respond, *, asked: bool) -> Request:
    """Read who sent a payload and where: events, interactions and commands have it in different places."""
    if "event" in body:
        event = body["event"]
        user = event.get("user") or event.get("message", {}).get("user", "")
        place = event.get("channel", "")
        return Request(services, body, None, user, place, event.get("thread_ts"), asked)
    if "user" in body:  # a button, a shortcut or a modal
        answerable = respond if body.get("response_url") else None
        place = body.get("channel", {}).get("id", "")
        # of a message that only its reader sees, Slack tells no more than where it is
        thread = body.get("message", body.get("container", {})).get("thread_ts")
        return Request(services, body, answerable, body["user"]["id"], place, thread, asked)
    return Request(services, body, respond, body["user_id"], body["channel_id"], None, asked)
