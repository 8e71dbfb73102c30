"""What every handler has at hand: the services, and the request of the person who asks."""

import logging
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

from slack_bolt import Respond
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View
from slack_sdk.webhook import WebhookClient

from handlers import texts as words
from handlers.access import Access, Need, Person, Standing
from handlers.admin.pictures import Pictures
from handlers.admin.views.admin import Process
from handlers.channels import Channels
from handlers.files.pending import Pending
from handlers.learning.store.learned import Learned
from handlers.learning.store.voices import Voices
from handlers.queue import KeyedLocks, WorkQueue
from handlers.result import Entry, Result
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import mrkdwn
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.questions import Noted, NotedHit, Origin, Questions
from handlers.texts import HandlerError, Texts
from indexes.confidence.confidence import unshifted
from indexes.errors import KnowledgeBaseError
from indexes.maintenance import Maintenance
from indexes.registry import Answer, Registry

log = logging.getLogger(__name__)

QUESTION_LENGTH = 1000
"""Characters of a question that are searched; a model reads about 128 tokens of it anyway."""
EXPLANATION = 2000
"""Characters of an error's message that are shown."""
STARTING_SECONDS = 20.0
"""How long a question waits for the knowledge bases to be read after the start."""


@dataclass(frozen=True)
class Services:
    """Everything a handler may call. `rescan` looks for new channels and CSV files.

    `confirmations` is how many people must confirm a phrasing before it is learned; `is_agent`
    tells whether Slack treats the app as an agent: it shows suggested questions itself, and each direct message begins
    a thread.
    """

    registry: Registry
    maintenance: Maintenance
    database: Database
    claims: Claims
    access: Access
    channels: Channels
    client: WebClient
    queue: WorkQueue
    conversations: KeyedLocks
    pictures: Pictures
    is_agent: bool
    search_command: str
    admin_command: str
    pending: Pending
    knowledge_dir: Path
    process: Callable[[], Process]
    rescan: Callable[[], None]
    confirmations: int = 2
    timezone: tzinfo | None = None

    @property
    def bot(self) -> str:
        """The bot as a mention."""
        return f"<@{self.access.bot_user}>"

    def is_mentioned(self, text: str) -> bool:
        """Tell whether a message speaks to the bot; Slack may put its name into the mention."""
        return re.search(rf"<@{self.access.bot_user}[|>]", text) is not None

    def look_up(self, question: str, names: Sequence[str], request: "Request", origin: Origin) -> Result:
        """Search, and remember what was asked and found."""
        threshold = self.channels.of(request.channel).threshold
        answer = self.registry.search(question[:QUESTION_LENGTH], names)
        noted = _noted(answer, request, origin, threshold)
        number = Questions(self.database).add(noted)
        return self._result(noted, number)

    def look_back(self, question_id: int) -> tuple[Noted, Result] | None:
        """Return an earlier question with its hits as they are now."""
        noted = Questions(self.database).get(question_id)
        return (noted, self._result(noted, question_id)) if noted else None

    def post(self, channel: str, message: Message, thread: str | None = None) -> str | None:
        """Post for all to see; return the message's ts.

        None when the thread's first message was deleted meanwhile: Slack then posts into the channel; that is undone.
        """
        sent = self.client.chat_postMessage(
            channel=channel, thread_ts=thread, unfurl_links=False, unfurl_media=False, **message.arguments()
        )
        if thread and not sent["message"].get("thread_ts"):
            self.client.chat_delete(channel=channel, ts=sent["ts"])
            return None
        return str(sent["ts"])

    def inform(self, user: str, message: Message) -> bool:
        """Send somebody a direct message; a refusal is logged and False, since others are to be told as well."""
        try:
            self.client.chat_postMessage(channel=user, unfurl_links=False, **message.arguments())
        except SlackApiError as error:
            log.warning("%s can't be told in a direct message (%s)", user, error.response.get("error"))
            return False
        return True

    def update(self, channel: str, ts: str, message: Message) -> bool:
        """Put another message in the place of one of the bot's; False when somebody has deleted that one."""
        try:
            self.client.chat_update(channel=channel, ts=ts, **message.arguments())
        except SlackApiError as error:
            return _unless_gone(error)
        return True

    def withdraw(self, channel: str, ts: str) -> None:
        """Delete one of the bot's messages, if nobody else has."""
        try:
            self.client.chat_delete(channel=channel, ts=ts)
        except SlackApiError as error:
            _unless_gone(error)

    def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message; blank when Slack gives none, since the message stands all the same."""
        try:
            return str(self.client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
        except SlackApiError as error:
            log.warning("Slack has no address for %s in %s (%s)", ts, channel, error.response.get("error"))
            return ""

    def send_file(self, user: str, message: Message, name: str, data: bytes) -> None:
        """Send somebody a file in a direct message, with a message before it; raises HandlerError."""
        sent = self.client.chat_postMessage(channel=user, unfurl_links=False, **message.arguments())
        try:
            self.client.files_upload_v2(channel=sent["channel"], filename=name, title=name, content=data)
        except SlackApiError as error:
            if error.response.get("error") != "missing_scope":
                raise
            raise HandlerError("export.not_allowed", file=name) from error

    def vote(self, question_id: int, user: str, vote: str) -> None:
        """Remember a vote; confidence learns from it if it is a member's."""
        Questions(self.database).vote(question_id, user, vote)
        if self.access.person(user).standing is Standing.MEMBER:
            Voices(self.database).hear(question_id, user, vote)
            self.learn()

    def learn(self) -> None:
        """Update confidence from all votes so far; while they can't be read it stays as it is."""
        judged = Voices(self.database).judged()
        if judged is not None:
            self.maintenance.update_confidence(judged)

    def teach(self) -> None:
        """Put the learned phrasings in force, and only them; what was in force stays while they can't be read."""
        with self.conversations("learned aliases"):  # of two at once, the one that read less must not come last
            aliases = Learned(self.database).aliases()
            if aliases is not None:
                self.maintenance.apply_aliases(aliases)

    def _result(self, noted: Noted, number: int | None) -> Result:
        entries = [
            Entry(self.registry.record(hit.knowledge_base, hit.record), hit.knowledge_base, hit.confidence)
            for hit in noted.hits
        ]
        return Result(noted.text, entries, noted.threshold, number)


@dataclass(frozen=True)
class Request:
    """One payload from Slack, acked already, and the way back to the person behind it.

    `asked` is False for a message nobody addressed to the bot: then trouble is logged and nothing is said. `thread` is
    the one in which it happened, if any.
    """

    services: Services
    body: Mapping[str, Any]
    respond: Respond | None
    user: str
    channel: str
    thread: str | None
    asked: bool

    @property
    def event(self) -> Mapping[str, Any]:
        """The event of an Events API payload."""
        event: Mapping[str, Any] = self.body["event"]
        return event

    @property
    def pressed(self) -> str:
        """The value of the button that was pressed."""
        return str(self.body["actions"][0].get("value") or "")

    def open(self, view: View) -> str:
        """Open a modal, or put it on top of the open one, while the trigger lasts (3 seconds); return its id."""
        client = self.services.client
        arguments = {"trigger_id": self.body["trigger_id"], "view": view}
        is_modal = self.body.get("view", {}).get("type") == "modal"
        opened = client.views_push(**arguments) if is_modal else client.views_open(**arguments)
        return str(opened["view"]["id"])

    @cached_property
    def person(self) -> Person:
        """The one who asks, looked up once per request."""
        return self.services.access.person(self.user)

    @property
    def texts(self) -> Texts:
        """Words in the asker's language."""
        return words.for_locale(self.person.locale)

    @property
    def texts_of_form(self) -> Texts:
        """Words in the language of the submitted modal: before its ack nobody may be looked up at Slack."""
        return words.for_question(self.body["view"]["title"]["text"])

    @property
    def is_direct(self) -> bool:
        """Tell whether this is a direct message, where everything is private."""
        return self.channel.startswith("D")

    def whisper(self, message: Message) -> None:
        """Tell the asker alone: through the response_url while it holds, else as an ephemeral or direct message."""
        as_reply = {"response_type": "ephemeral", "replace_original": False, "thread_ts": self.thread}
        if self._responded(message.arguments() | as_reply):
            return
        if self.is_direct:
            self.post(message)
        elif self.channel:
            self.services.client.chat_postEphemeral(
                channel=self.channel, user=self.user, thread_ts=self.thread, **message.arguments()
            )
        else:
            self.services.client.chat_postMessage(channel=self.user, **message.arguments())

    def post(self, message: Message) -> str | None:
        """Post where the request happened, in its thread; a mention begins one, and so does a message to an agent.

        See `Services.post`.

        (Not for what only the asker sees: Slack shows that in no new thread.)
        """
        event = self.body.get("event", {})
        to_agent = self.services.is_agent and self.is_direct and event.get("type") == "message"
        begun = event.get("ts") if to_agent or event.get("type") == "app_mention" else None
        return self.services.post(self.channel, message, self.thread or begun)

    def replace(self, message: Message) -> None:
        """Put a new message in the place of the one whose button was pressed."""
        if self.respond is not None and not self._responded(message.arguments() | {"replace_original": True}):
            self.whisper(message)

    def _responded(self, answer: dict[str, Any]) -> bool:
        """Answer through the response_url; False when it was refused or nothing listens there.

        A connection that breaks later counts as answered and isn't tried again, as the SDK would: the answer has most
        likely arrived, and would then be there twice.
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
        except (HTTPException, OSError) as error:
            log.warning("The connection to a response_url broke (%s)", type(error).__name__)
            return True
        if status != HTTPStatus.OK:
            log.warning("A response_url was refused (%s); posting instead", status)
        return status == HTTPStatus.OK

    def is_first_delivery(self) -> bool:
        """Claim an event, a command or a press; False for one that was delivered before, as Slack may do."""
        key = self.body.get("event_id") or self.body.get("trigger_id")
        return not key or self.services.claims.take(f"event:{key}")

    def refusal(self, need: Need) -> str:
        """Return the key of the text that says why the asker may not; blank when they may."""
        return "" if need is Need.NOTHING else self.person.refusal(need)

    def refuse(self, refusal: str) -> None:
        """Tell the asker that they may not, in the words of a key; once, though a message may come as two events."""
        said = self.body.get("event", {}).get("ts")
        if self.asked and (not said or self.services.claims.take(f"refused:{self.channel}:{said}")):
            self.whisper(notice(self.texts(refusal)))


def names_for(services: Services, request: Request, *, public_reply: bool = False) -> tuple[str, ...]:
    """List the knowledge bases that may answer this person here: the channel's, in private those of all their channels.

    A `public_reply` shows what everybody there may see. Guests and people of other organisations get public ones only.
    """
    if public_reply:
        names = names_for_all(services, request.channel)
    elif request.is_direct or not request.channel or services.access.place(request.channel).is_group_dm:
        names = services.channels.names(services.access.channels_of(request.user))
    else:
        names = services.channels.of(request.channel).knowledge_bases
    return names if request.person.standing is Standing.MEMBER else services.channels.only_public(names)


def names_for_all(services: Services, channel: str) -> tuple[str, ...]:
    """List the knowledge bases that everybody in a place may see: all that an open reply there may show."""
    readers = services.access.readers(channel)
    first, *others = (services.channels.names(channels) for channels in readers.channels)
    names = tuple(name for name in first if all(name in each for each in others))
    return services.channels.only_public(names) if readers.has_outsiders else names


def tell_of_the_rest(services: Services, request: Request, shown: Collection[str], about: str) -> bool:
    """Tell a member privately when an open reply can't show all that they may see; return whether that is so.

    They are told once for each thing that it is `about`. Others have nothing to be told of.
    """
    withheld = request.person.standing is Standing.MEMBER and not set(names_for(services, request)).issubset(shown)
    if withheld and services.claims.take(f"withheld:{about}:{request.user}"):
        key = "access.more" if shown else "access.overheard"
        request.whisper(notice(request.texts(key, command=services.search_command)))
    return withheld


def run_each(request: Request, jobs: Sequence[Callable[[], None]]) -> None:
    """Do one thing after the other; what one of them raises goes through the door for errors and stops no other."""
    for job in jobs:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - as at the door
            fail(request, error)


def fail(request: Request, error: Exception) -> None:
    """Deal with whatever a handler raised: the one door for errors."""
    if isinstance(error, KnowledgeBaseError):
        log.warning("%s", error)
        message = notice(mrkdwn(request.texts.say(error.message), EXPLANATION))
    elif isinstance(error, SlackApiError) and error.response.get("error") == "expired_trigger_id":
        log.warning("A form could not be opened within 3 s; the person was asked to try again")
        message = notice(request.texts("modal.late"))
    else:
        reference = secrets.token_hex(4)
        log.error("Something went wrong; reference %s", reference, exc_info=error)
        message = notice(request.texts("error.apology", reference=reference))
    if request.asked:
        request.whisper(message)


def _unless_gone(error: SlackApiError) -> bool:
    """Return False for a message that is not there any more; any other refusal is raised."""
    if error.response.get("error") != "message_not_found":
        raise error
    return False


def _noted(answer: Answer, request: Request, origin: Origin, threshold: float) -> Noted:
    hits = tuple(
        NotedHit(
            hit.knowledge_base,
            hit.record.id,
            float(hit.score),
            float(hit.confidence),
            unshifted(float(hit.confidence), answer.shifts.get(hit.knowledge_base, 0.0)),
        )
        for hit in answer.hits
        if hit.score > 0
    )
    confidence = hits[0].confidence if hits else 0.0
    return Noted(
        source=origin,
        channel=request.channel,
        user=request.user,
        text=answer.question.text,
        hits=hits,
        confidence=confidence,
        threshold=threshold,
        answered=bool(hits) and answer.is_certain(threshold, unasked=not origin.is_asked),
    )
