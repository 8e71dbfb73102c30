"""From a payload of Slack to a handler: the listener acks, the queue runs the handler, and errors are handled."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt import Ack, Respond

from handlers.access import Need
from handlers.fair_turns import Source
from handlers.queue import Admission, Kind
from handlers.request import Request, fail
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.texts import Texts
from handlers.token_buckets import PRESS, QUESTION

log = logging.getLogger(__name__)

Handler = Callable[[Services, Request], None]
Check = Callable[[Services, Request], Mapping[str, Any]]
"""What a modal answers when it is submitted: the arguments of its ack, such as errors by field; none to close it."""
Needs = Need | Callable[[Request], Need]
"""Who may: the same for all payloads of a route, or read from the payload where one route serves several commands."""
Refuse = Callable[[Services, Request, str], None]
"""Tells somebody why they may not; the string is the key of the text."""
Done = Callable[[], None]
Receive = Callable[[Mapping[str, Any]], Done]
"""Called with each payload before its ack; what it returns is called once, when the work or the refusal is done.

Both may run on the thread that acks, so neither may call Slack.
"""


def _keep_nothing(_: Mapping[str, Any]) -> Done:
    return lambda: None


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
    receive: Receive

    def __call__(self, ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        """Take a payload from Bolt."""
        done = self.receive(body)
        ack()
        self.accept(self.request(body, respond), done)

    def request(self, body: Mapping[str, Any], respond: Respond) -> Request:
        """Read a payload."""
        return _request(self.services, body, respond, asked=self.asked)

    def accept(self, request: Request, done: Done) -> None:
        """Put the handler into the queue, or tell who asked why not; calls nothing but the queue and `done`."""
        admission = self._put(request, done)
        if admission is not Admission.ACCEPTED:
            _refuse(self, request, admission, done)

    def _put(self, request: Request, done: Done) -> Admission:
        queue = self.services.queue
        counts = request.asked and not request.is_repeat  # which was counted by the process that acked it
        cost = PRESS if request.is_press else QUESTION
        admission = queue.may_ask(request.user, cost) if counts else Admission.ACCEPTED
        if admission is not Admission.ACCEPTED:
            return admission
        return queue.put(self.kind, _source(request), partial(_run, self, request, done))

    @property
    def kind(self) -> Kind:
        """How urgent this is."""
        if self.asked:
            return Kind.ASKED
        return Kind.MESSAGE if self.claims else Kind.EVENT

    def need(self, request: Request) -> Need:
        """Return who may send this payload; may ask Slack whether it is the owner of a row."""
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
        request = self.request(body, respond)
        answer = self.check(self.services, request)
        if answer.get("response_action") != "errors" or request.is_repeat:
            done = self.receive(body)
            admission = self._put(request, done)
            if admission is not Admission.ACCEPTED:
                request.trace.outcome = admission.name.lower()
                _end(self, request, done)
                answer = _not_now(request, admission)
        else:
            self.receive(body)()
        ack(**answer)


@dataclass(frozen=True)
class Routes:
    """Makes the routes of the routing table."""

    services: Services
    receive: Receive = _keep_nothing

    def on(self, handler: Handler, *, needs: Needs, asked: bool = True, claims: bool = False) -> Route:
        """Return a listener for events, commands and buttons; see `Route`."""
        return Route(self.services, handler, needs, asked, claims, _tell_why, self.receive)

    def form(self, check: Check, handler: Handler, *, needs: Needs, refuse: Refuse = _tell_why) -> FormRoute:
        """Return a listener for a submitted modal; see `FormRoute`."""
        return FormRoute(
            self.services, handler, needs, asked=True, claims=False, refuse=refuse, receive=self.receive, check=check
        )

    def overheard(self, handler: Handler) -> Route:
        """Return a listener for messages that are not addressed to the bot."""
        return self.on(handler, needs=Need.NOTHING, asked=False, claims=True)


def _not_now(request: Request, admission: Admission) -> dict[str, Any]:
    first = next(block["block_id"] for block in request.body["view"]["blocks"] if block["type"] == "input")
    return {
        "response_action": "errors",
        "errors": {first: _why_not(request.services, admission, request.texts_of_form)},
    }


def _why_not(services: Services, admission: Admission, texts: Texts) -> str:
    if admission is Admission.BUSY:
        return texts("search.busy")
    return texts("search.too_many", seconds=f"{services.queue.pause:.0f}")


def _run(route: Route, request: Request, done: Done) -> None:
    request.trace.start()
    try:
        if request.is_of_before() or not (route.claims or request.is_first_delivery()):
            request.trace.outcome = "repeated"
        elif refusal := request.refusal(route.need(request)):
            request.trace.outcome = "refused"
            route.refuse(request.services, request, refusal)
        else:
            route.handler(request.services, request)
    except Exception as error:  # noqa: BLE001 - the one door: nothing a handler raises may end the process or a worker
        request.trace.outcome = "failed"
        _fail(request, error)
    _end(route, request, done)


def _end(route: Route, request: Request, done: Done) -> None:
    """Log how a request went; of what nobody asked, only if it was searched for or went wrong."""
    trace = request.trace
    tells = request.asked or trace.is_question or trace.outcome == "failed"
    log.log(logging.INFO if tells else logging.DEBUG, "%s", trace.line(_name(route.handler)))
    done()


def _name(handler: Handler) -> str:
    """Return a handler's module and name, such as ``search.slash``."""
    function = handler.func if isinstance(handler, partial) else handler
    return f"{function.__module__.rpartition('.')[2]}.{getattr(function, '__name__', '')}"


def _fail(request: Request, error: Exception) -> None:
    """Handle an error; if even the apology fails, because Slack can't be reached, log that."""
    try:
        fail(request, error)
    except Exception:
        log.exception("The asker could not be told")


def _refuse(route: Route, request: Request, admission: Admission, done: Done) -> None:
    """Let somebody tell the asker, unless they were told already: Slack may be slow, and this thread acks."""
    request.trace.outcome = admission.name.lower()
    queue, source = route.services.queue, _source(request)
    is_told = admission is Admission.TOO_MANY or queue.has_waiting(Kind.NOTICE, source)
    end = partial(_end, route, request, done)
    if not request.asked or is_told:
        end()
    elif queue.put(Kind.NOTICE, source, partial(_say_why_not, request, admission, end)) is not Admission.ACCEPTED:
        log.warning("Too many wait to be told that there is no room: one was not told")
        end()


def _say_why_not(request: Request, admission: Admission, end: Done) -> None:
    try:
        request.tell_privately(notice(_why_not(request.services, admission, request.texts)))
    except Exception:
        log.exception("The asker could not be told that there is no room")
    end()


def _source(request: Request) -> Source:
    """Return whose turn this is. Forms and the Home tab are in no channel: there, everybody is in a place of theirs."""
    return Source(request.user, request.channel or request.user)


def _request(services: Services, body: Mapping[str, Any], respond: Respond, *, asked: bool) -> Request:
    """Read a payload; what the request does belongs to the work on it."""
    request = _read(services, body, respond, asked=asked)
    return request.within(services.inbox.work(request.key))


def _read(services: Services, body: Mapping[str, Any], respond: Respond, *, asked: bool) -> Request:
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
