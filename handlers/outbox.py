"""Posting each message once, although Slack may perform a call and fail to say so.

Every message carries an id in its metadata, which nobody sees. After a failure that leaves open whether the message is
there, the channel is read back, which takes no scope beyond those for its history, and the message is posted again
only if it isn't. What is being posted is stored first, so that the same holds across a crash; where replicas share a
database that fails at that moment, the channel is read back as well.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import BackoffRetryIntervalCalculator

from handlers.slack.trouble import CALL_ERRORS, error_code, may_pass
from handlers.store.database import Database
from handlers.store.outbox import Post, Posts

log = logging.getLogger(__name__)

EVENT_TYPE = "kotae_message"
"""The type of the metadata; apps with the right to read metadata see it, and the id."""
LONGEST_SECONDS = 60.0
"""How long a message is tried, looks included."""
SILENT_LOOKS = (2.0, 4.0, 8.0, 16.0)
"""Seconds before each look after a call that Slack didn't answer in time: it may yet perform it."""
SETTLED_SECONDS = 3.0
"""Slack may still perform a call whose caller was killed: to look sooner after it began proves nothing."""
CLOCKS_DIFFER_SECONDS = 3600.0
"""How far this machine's clock may be from Slack's when a channel is read back."""
PAGE, PAGES = 200, 5
"""Messages per call and calls, at most, to find a message."""
UNREADABLE = frozenset({"channel_not_found", "missing_scope", "not_in_channel"})
"""How Slack refuses to show a channel's messages."""


@dataclass(frozen=True)
class Sent:
    """A message that is in Slack; `thread` is None outside a thread."""

    channel: str
    ts: str
    thread: str | None


class Outbox:
    """Posts messages, each once."""

    def __init__(self, client: WebClient, database: Database) -> None:
        self._client = client
        self._posts = Posts(database)
        self._is_shared = database.is_shared
        self._pauses = BackoffRetryIntervalCalculator()

    def post(
        self,
        channel: str,
        content: Mapping[str, Any],
        thread: str | None = None,
        key: str = "",
        ensure_mine: Callable[[], None] = lambda: None,
    ) -> Sent:
        """Post a message, unless one was posted under this key before; return the one that is there.

        Without a key, every call posts. `ensure_mine` is called right before each try: it raises when the message is
        another replica's to post. Raises what a call of Slack raises, after a minute at most if that may pass.
        """
        post = Post(_id_of(key) if key else secrets.token_hex(16), channel, thread, time.time())
        begun = self._posts.begin(post)
        if begun and begun is not post and (there := self._there(begun)):
            return there
        try:
            sent = self._deliver(post, content, ensure_mine)
        except CALL_ERRORS as error:
            if not may_pass(error):
                self._posts.drop(post.id)
            raise
        stored = self._confirmed(post, sent)
        if begun and stored:
            return self._only(sent, stored)
        return self._without_copies(post, sent) if key and self._is_shared else sent

    def _confirmed(self, post: Post, sent: Sent) -> Sent | None:
        """Store that a message is there; return what is known to be, or None when the database doesn't say."""
        stored = self._posts.confirm(post.id, sent.channel, sent.ts)
        return Sent(stored.posted_in, stored.ts, sent.thread) if stored and stored.posted_in and stored.ts else None

    def _only(self, sent: Sent, stored: Sent) -> Sent:
        """Of two messages that were posted by two replicas, leave the one that was stored first.

        The one who took the work over can't know of a call that the other, which hung, made when it went on.
        """
        if stored.ts == sent.ts:
            return sent
        try:
            self._client.chat_delete(channel=sent.channel, ts=sent.ts)
        except CALL_ERRORS as error:
            log.warning("%s is twice in %s (%s)", sent.ts, sent.channel, error_code(error))
        return stored

    def was_posted(self, key: str) -> bool:
        """Tell whether a message was posted under this key in the last day; asks Slack if that was left open.

        Raises what a call of Slack raises.
        """
        post = self._posts.get(_id_of(key))
        return post is not None and self._there(post) is not None

    def _there(self, post: Post) -> Sent | None:
        """Return an earlier post if it is in Slack, as stored or by a look."""
        if post.ts and post.posted_in:
            return Sent(post.posted_in, post.ts, post.thread)
        time.sleep(min(max(post.at + SETTLED_SECONDS - time.time(), 0.0), SETTLED_SECONDS))
        found = self._find(post)
        if found:
            self._posts.confirm(post.id, found.channel, found.ts)
        return found

    def _deliver(self, post: Post, content: Mapping[str, Any], ensure_mine: Callable[[], None]) -> Sent:
        until = time.monotonic() + LONGEST_SECONDS
        for attempt in count():
            ensure_mine()
            try:
                sent = self._call(post, content)
            except CALL_ERRORS as error:
                if not may_pass(error):
                    raise
                log.warning("Posting in %s failed (%s); looking whether it is there", post.channel, error_code(error))
                if found := self._look(post, error, attempt, until):
                    return found
                if time.monotonic() > until:
                    raise
            else:
                return self._without_copies(post, sent) if attempt else sent
        raise AssertionError  # count() has no end

    def _call(self, post: Post, content: Mapping[str, Any]) -> Sent:
        sent = self._client.chat_postMessage(
            channel=post.channel,
            thread_ts=post.thread,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"id": post.id}},
            **content,
        )
        return _sent(str(sent["channel"]), sent["message"] | {"ts": sent["ts"]})

    def _look(self, post: Post, error: Exception, attempt: int, until: float) -> Sent | None:
        """Wait and read back; None means that the message may be posted again. Raises what was not clear in time.

        Where the channel can't be read, only an error that Slack itself reported is worth one more try.
        """
        silent = isinstance(error, TimeoutError)
        for pause in SILENT_LOOKS if silent else (self._pauses.calculate_sleep_duration(attempt),):
            time.sleep(pause)
            try:
                found = self._find_until(post, until)
            except SlackApiError as refusal:
                if refusal.response.get("error") in UNREADABLE and attempt == 0 and isinstance(error, SlackApiError):
                    return None
                raise error from refusal
            if found:
                return found
        return None

    def _find_until(self, post: Post, until: float) -> Sent | None:
        """Read back; while Slack can't be read, nothing may be posted again."""
        while True:
            try:
                return self._find(post)
            except CALL_ERRORS as error:
                if not may_pass(error) or time.monotonic() > until:
                    raise
                time.sleep(self._pauses.calculate_sleep_duration(0))

    def _find(self, post: Post) -> Sent | None:
        return next(iter(self._copies(post)), None)

    def _without_copies(self, post: Post, sent: Sent) -> Sent:
        """Delete what a call did after it was thought to have failed; return the message that stays, the first one."""
        try:
            copies = sorted(self._copies(post), key=lambda copy: float(copy.ts)) or [sent]
            for copy in copies[1:]:
                self._client.chat_delete(channel=copy.channel, ts=copy.ts)
        except CALL_ERRORS as error:
            log.warning("Whether %s is twice in %s can't be told (%s)", sent.ts, post.channel, error_code(error))
            return sent
        return copies[0]

    def _copies(self, post: Post) -> list[Sent]:
        """Return the messages that have the post's id."""
        channel = self._direct_messages_with(post.channel) if post.channel[0] in "UW" else post.channel
        if channel is None:
            return []
        pages = islice(self._pages(channel, post), PAGES)
        return [_sent(channel, each) for page in pages for each in page["messages"] if _has_id(each, post.id)]

    def _pages(self, channel: str, post: Post) -> Iterable[Mapping[str, Any]]:
        """Return what was written since a post was first tried: in its thread, or in the channel if that is gone."""
        wanted: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{post.at - CLOCKS_DIFFER_SECONDS:.6f}",
            "include_all_metadata": True,
            "limit": PAGE,
        }
        if post.thread:
            try:
                return self._client.conversations_replies(ts=post.thread, **wanted)
            except SlackApiError as error:
                if error.response.get("error") != "thread_not_found":
                    raise
        return self._client.conversations_history(**wanted)

    def _direct_messages_with(self, user: str) -> str | None:
        """Return the channel of the direct messages with somebody; None when there is none yet."""
        pages = self._client.users_conversations(types="im", limit=PAGE)
        channels = (channel for page in pages for channel in page["channels"])
        return next((str(each["id"]) for each in channels if each.get("user") == user), None)


def _id_of(key: str) -> str:
    """Return the id of a key, which tells nobody what the key was."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _sent(channel: str, message: Mapping[str, Any]) -> Sent:
    return Sent(channel, str(message["ts"]), message.get("thread_ts"))


def _has_id(message: Mapping[str, Any], id_: str) -> bool:
    return bool(message.get("metadata", {}).get("event_payload", {}).get("id") == id_)
