"""What the bot writes in Slack: the only module that posts, changes and deletes messages, and uploads files."""

import copy
import logging
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from handlers.file_uploads import upload
from handlers.images.fallback import shown_or_linked
from handlers.inbox import Work
from handlers.outbox import Outbox, Sent
from handlers.pictures import Pictures
from handlers.slack.blocks import Message
from handlers.slack.trouble import BREAKS, CALL_ERRORS, error_code
from handlers.store.database import Database
from handlers.store.quiet import Quiet
from handlers.texts import HandlerError

log = logging.getLogger(__name__)


class _QuietError(Exception):
    """The bot has become quiet while a message was being posted that nobody asked for."""


class Messenger:
    """Posts messages, changes them and deletes them.

    While the bot is quiet it posts nothing that nobody asked for: what is not `answering` is held back here, whoever
    calls. Deleting is always possible.

    What Slack refuses raises SlackApiError unless said otherwise; what breaks, OSError or HTTPException. A `key` is of
    one message, which is not posted again under the same key, even after a crash.
    """

    def __init__(self, client: WebClient, database: Database) -> None:
        self._client = client
        self.outbox = Outbox(client, database)
        self.pictures = Pictures(client, database)
        self.quiet = Quiet(database)
        self.work: Work | None = None
        self._is_asked = False

    def within(self, work: Work, *, is_asked: bool) -> "Messenger":
        """Return the messenger for the work on one payload, which posts nothing that an earlier process has posted.

        `is_asked` tells whether the payload was addressed to the bot.
        """
        view = self.answering() if is_asked else self.unasked()
        view.work = work
        return view

    def answering(self) -> "Messenger":
        """Return the messenger for what somebody asked for, which is posted although the bot is quiet."""
        return self._viewed(is_asked=True)

    def unasked(self) -> "Messenger":
        """Return the messenger for what nobody asked for."""
        return self._viewed(is_asked=False)

    def _viewed(self, *, is_asked: bool) -> "Messenger":
        view = copy.copy(self)
        view._is_asked = is_asked  # noqa: SLF001 - of its own class
        return view

    def may_post(self) -> bool:
        """Tell whether a message may be posted now: an answer always, another one unless the bot is quiet."""
        return self._is_asked or self.quiet.until() is None

    def may_tell(self) -> bool:
        """Tell whether a private answer is to be sent: one that can't be read back is sent again once at most.

        Raises TakenOverError, as posting does, when another replica does this work now.
        """
        return self.work is None or self.work.may_tell()

    def _ensure_may_post(self) -> None:
        """Check before each try of a call, which may come a minute after the first one."""
        if not self.may_post():
            raise _QuietError
        if self.work:
            self.work.ensure_mine()

    def _key(self, given: str, to: str) -> str:
        return given or (self.work.message_key(to) if self.work else "")

    def post(self, channel: str, message: Message, thread: str | None = None, key: str = "") -> str | None:
        """Post a message that everybody in the channel sees; return its ts.

        None while the bot is quiet, and when the thread's first message was deleted meanwhile: Slack then posts into
        the channel; that is undone.
        """
        own_key = self._key(key, f"{channel} {thread}")
        sent = self._post(channel, message, thread, own_key)
        if sent is None:
            return None
        if thread and not sent.thread:
            self.withdraw(channel, sent.ts)
            return None
        return sent.ts

    def _post(self, to: str, message: Message, thread: str | None, key: str) -> Sent | None:
        if not self.may_post():
            return None

        def post(content: dict[str, Any]) -> Sent:
            return self.outbox.post(to, content, thread, key, self._ensure_may_post)

        try:
            return shown_or_linked(post, message.arguments())
        except _QuietError:
            return None

    def post_ephemeral(self, channel: str, user: str, message: Message, thread: str | None = None) -> None:
        """Post a message that one person alone sees, as long as they don't reload Slack; callers ask `may_tell` first.

        A connection that breaks after the call was sent counts as posted: nobody can look, and most likely it was.
        """
        if not self.may_post():
            return
        try:
            shown_or_linked(
                lambda content: self._client.chat_postEphemeral(
                    channel=channel, user=user, thread_ts=thread, **content
                ),
                message.arguments(),
            )
        except URLError:
            raise
        except BREAKS as error:
            log.warning("The connection broke while posting to one person (%s)", type(error).__name__)

    def send(self, user: str, message: Message, key: str = "") -> tuple[str, str] | None:
        """Send a direct message; return the channel and the ts of the message, None while the bot is quiet."""
        sent = self._post(user, message, None, self._key(key, user))
        return (sent.channel, sent.ts) if sent else None

    def inform(self, user: str, message: Message) -> tuple[str, str] | None:
        """Send a direct message that they didn't ask for; None while the bot is quiet, and when it fails.

        A failure is logged: others are to be told as well.
        """
        return self.unasked().answer(user, message)

    def answer(self, user: str, message: Message) -> tuple[str, str] | None:
        """Send a direct message as `inform` does, but one that they have been waiting for."""
        try:
            return self.send(user, message)
        except CALL_ERRORS as error:
            log.warning("%s can't be told in a direct message (%s)", user, error_code(error))
            return None

    def send_file(self, user: str, message: Message, name: str, data: bytes) -> None:
        """Send a direct message and a file after it; raises HandlerError when the bot may upload no files."""
        sent = self.send(user, message)
        if sent is None:
            return
        try:
            upload(self._client, name, data, sent[0])
        except SlackApiError as error:
            if error.response.get("error") != "missing_scope":
                raise
            raise HandlerError("export.not_allowed", file=name) from error

    def update_message(self, channel: str, ts: str, message: Message) -> bool:
        """Replace one of the bot's messages by another; False when somebody has deleted it.

        While the bot is quiet, one that nobody asked for is deleted: what it answered has changed.
        """
        if not self.may_post():
            self.withdraw(channel, ts)
            return False
        try:
            shown_or_linked(
                lambda content: self._client.chat_update(channel=channel, ts=ts, **content), message.arguments()
            )
        except SlackApiError as error:
            return _unless_gone(error)
        return True

    def withdraw(self, channel: str, ts: str) -> None:
        """Delete one of the bot's messages, if nobody else has."""
        try:
            self._client.chat_delete(channel=channel, ts=ts)
        except SlackApiError as error:
            _unless_gone(error)

    def link_if_any(self, channel: str, ts: str) -> str:
        """Return the address of a message that is there; blank when Slack can't say it, which is logged."""
        try:
            return str(self._client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"])
        except CALL_ERRORS as error:
            log.warning("Slack gives no address for %s in %s (%s)", ts, channel, error_code(error))
            return ""

    def publish_home(self, user: str, view: View) -> None:
        """Show somebody their Home tab."""
        shown_or_linked(lambda content: self._client.views_publish(user_id=user, view=content), view.to_dict())


def _unless_gone(error: SlackApiError) -> bool:
    """Return False for a message that is not there any more; any other refusal is raised."""
    if error.response.get("error") != "message_not_found":
        raise error
    return False
