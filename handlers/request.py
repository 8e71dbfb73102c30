"""Requests: who asks, where, in what language, and how they are answered."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.error import URLError

from slack_bolt import Respond
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from slack_sdk.webhook import WebhookClient

from handlers import texts as words
from handlers.access import Need, Person
from handlers.channel_rules import Channel
from handlers.images import fallback
from handlers.inbox import Work
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import mrkdwn
from handlers.slack.trouble import BREAKS, error_code, may_pass
from handlers.store.errors import TakenOverError
from handlers.texts import Texts
from handlers.trace import Trace
from indexes.errors import KnowledgeBaseError

log = logging.getLogger(__name__)

EXPLANATION = 2000
"""Characters of an error's message that are shown."""
LOGGED = frozenset({"file", "folder", "line", "count", "status", "host"})
"""Values of an error's message that are logged; the others may quote what somebody typed, or an answer."""


@dataclass(frozen=True)
class Request:
    """A payload from Slack that was acked, and how to answer the person behind it.

    `asked` is False for a message that was not addressed to the bot: errors are then logged but not shown. `thread` is
    the ts of the thread, if any.
    """

    services: Services
    body: Mapping[str, Any]
    respond: Respond | None
    user: str
    channel: str
    thread: str | None
    asked: bool
    trace: Trace = field(default_factory=Trace)
    _posts: Iterator[int] = field(default_factory=count, compare=False)

    @property
    def event(self) -> Mapping[str, Any]:
        """The event of an Events API payload."""
        event: Mapping[str, Any] = self.body["event"]
        return event

    @property
    def pressed(self) -> str:
        """The value of the button that was pressed."""
        return str(self.body["actions"][0].get("value") or "")

    @property
    def is_press(self) -> bool:
        """Whether somebody pressed a button, chose from a menu, or sent a form; not whether they typed or said it."""
        return "user" in self.body

    def next_key(self) -> str:
        """Return the key of the next message that answers this payload; blank if Slack gave the payload no id.

        The keys are the same when the payload is handled again after a crash.
        """
        delivery = self.body.get("event_id") or self.body.get("trigger_id")
        return f"{delivery}:{next(self._posts)}" if delivery else ""

    def open(self, view: View) -> None:
        """Open a modal, or push it onto the open one, within the 3 seconds of the trigger."""
        client = self.services.client
        is_modal = self.body.get("view", {}).get("type") == "modal"
        show = client.views_push if is_modal else client.views_open
        try:
            show(trigger_id=self.body["trigger_id"], view=view)
        except SlackApiError as error:
            if error.response.get("error") != "exchanged_trigger_id":
                raise
            log.warning("A form was opened by a call whose response was lost")  # a trigger opens one form only

    @cached_property
    def person(self) -> Person:
        """The asker, looked up once per request."""
        return self.services.access.person(self.user)

    @cached_property
    def rules(self) -> Channel:
        """The rules of the channel that this came from, read once per request."""
        return self.services.channels.of(self.channel)

    @property
    def texts(self) -> Texts:
        """Texts in the asker's language."""
        return words.for_locale(self.person.locale)

    @property
    def texts_of_form(self) -> Texts:
        """Texts in the language of the submitted modal: nobody may be looked up at Slack before its ack."""
        return words.for_question(self.body["view"]["title"]["text"])

    @property
    def is_direct(self) -> bool:
        """Whether this is a direct message, where everything is private."""
        return self.channel.startswith("D")

    def tell_privately(self, message: Message) -> None:
        """Tell the asker alone: through the response_url while it is valid, else in an ephemeral or direct message.

        Only a direct message can be read back; the others are sent again once at most, see `Messenger.may_tell`.
        """
        can_be_read = self.respond is None and (self.is_direct or not self.channel)
        if not can_be_read and not self.services.messenger.may_tell():
            return
        as_reply = {"response_type": "ephemeral", "replace_original": False, "thread_ts": self.thread}
        if self._responded_or_linked(message.arguments() | as_reply):
            return
        if self.is_direct:
            self.post(message)
        elif self.channel:
            self.services.messenger.post_ephemeral(self.channel, self.user, message, self.thread)
        else:
            self.services.messenger.send(self.user, message, self.next_key())

    def post(self, message: Message) -> str | None:
        """Post where the request came from, in its thread; a mention or a message to an agent begins one.

        See `Messenger.post`. What only the asker sees goes into no new thread: Slack would not show it.
        """
        event = self.body.get("event", {})
        to_agent = self.services.config.is_agent and self.is_direct and event.get("type") == "message"
        begun = event.get("ts") if to_agent or event.get("type") == "app_mention" else None
        return self.services.messenger.post(self.channel, message, self.thread or begun, self.next_key())

    def update_message(self, message: Message) -> None:
        """Replace the message whose button was pressed by another."""
        if self.respond is not None and not self._responded_or_linked(message.arguments() | {"replace_original": True}):
            self.tell_privately(message)

    def _responded_or_linked(self, answer: dict[str, Any]) -> bool:
        """Answer through the response_url; if that is refused with pictures, again with links instead."""
        return self._responded(answer) or (fallback.has_pictures(answer) and self._responded(fallback.linked(answer)))

    def _responded(self, answer: dict[str, Any]) -> bool:
        """Answer through the response_url; False if that was refused or can't be reached.

        A connection that breaks later counts as answered, and is not retried as the SDK would: most likely the answer
        has arrived, and would be there twice.
        """
        if self.respond is None or not self.respond.response_url:
            return False
        hook = WebhookClient(
            self.respond.response_url, proxy=self.respond.proxy, ssl=self.respond.ssl, retry_handlers=[]
        )
        try:
            status = hook.send_dict({key: value for key, value in answer.items() if value is not None}).status_code
        except URLError as error:
            log.warning("A response_url can't be reached (%s); posting instead", error.reason)
            return False
        except BREAKS as error:
            log.warning("The connection to a response_url broke (%s)", type(error).__name__)
            return True
        if status != HTTPStatus.OK:
            log.warning("A response_url was refused (%s); posting instead", status)
        return status == HTTPStatus.OK

    def is_of_before(self, ts: str | None = None) -> bool:
        """Tell whether an event, or the message `ts`, is older than the start without a damaged database.

        It may have been answered already: nobody knows any more.
        """
        event = self.body.get("event", {})
        said = ts or event.get("event_ts") or event.get("ts")
        return bool(said) and float(said) < self.services.database.recovery.answers_since

    @property
    def key(self) -> str:
        """What all deliveries of this payload have in common; see `payload_key`."""
        return payload_key(self.body)

    @property
    def is_repeat(self) -> bool:
        """Whether an earlier process may have done a part of this before it ended."""
        work = self.services.messenger.work
        return work is not None and work.is_repeat

    def within(self, work: Work) -> "Request":
        """Return the request with the services for the work on it."""
        return replace(self, services=self.services.within(work, is_asked=self.asked))

    def is_first_delivery(self) -> bool:
        """Claim the payload; False if Slack delivered it before."""
        return not self.key or self.services.claims.take(f"event:{self.key}")

    def refusal(self, need: Need) -> str:
        """Return the key of the text that says why the asker may not; blank when they may."""
        return "" if need is Need.NOTHING else self.person.refusal(need)

    def refuse(self, refusal: str) -> None:
        """Tell the asker why they may not, by the key of the text; once, though a message may come as two events."""
        said = self.body.get("event", {}).get("ts")
        if self.asked and (not said or self.services.claims.take(f"refused:{self.channel}:{said}")):
            self.tell_privately(notice(self.texts(refusal)))


def payload_key(body: Mapping[str, Any]) -> str:
    """Return what all deliveries of a payload have in common; blank if there is nothing.

    A form that was submitted and shows an error, since the process ended before its ack, can be submitted again: that
    is the same form in the same state.
    """
    view = body.get("view", {})
    if body.get("type") == "view_submission":
        return f"{view['id']}:{view['hash']}"
    return str(body.get("event_id") or body.get("trigger_id") or "")


def run_each(request: Request, jobs: Sequence[Callable[[], None]]) -> None:
    """Run all jobs; an error in one of them is handled by `fail` and doesn't stop the others."""
    for job in jobs:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - as at the door
            fail(request, error)


def fail(request: Request, error: Exception) -> None:
    """Handle any error of a handler: log it, and tell the asker."""
    if isinstance(error, TakenOverError):
        log.warning("A request is left to the replica that has taken it over")
        return
    if isinstance(error, KnowledgeBaseError):
        log.warning("Somebody was told: %s", _without_texts(error))
        message = notice(mrkdwn(request.texts.say(error.message), EXPLANATION))
    elif isinstance(error, SlackApiError) and error.response.get("error") == "expired_trigger_id":
        log.warning("A form could not be opened within 3 s; the person was asked to try again")
        message = notice(request.texts("modal.late"))
    elif may_pass(error):
        log.warning("Slack could not be reached, or had trouble (%s)", error_code(error))
        message = notice(request.texts("error.slack"))
    else:
        reference = secrets.token_hex(4)
        log.error("Something went wrong; reference %s", reference, exc_info=error)
        message = notice(request.texts("error.apology", reference=reference))
    if request.asked:
        request.tell_privately(message)


def _without_texts(error: KnowledgeBaseError) -> str:
    """Return an error for the log: the key of its message and where it was."""
    where = {name: value for name, value in error.message.values.items() if name in LOGGED}
    return " ".join([error.message.key, *(f"{name}={value}" for name, value in where.items())])
