"""Uploads of pictures that the bot draws."""

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.file_uploads import upload
from handlers.slack.trouble import CALL_ERRORS
from handlers.store.database import Database
from handlers.store.shown_pictures import ShownPictures

log = logging.getLogger(__name__)

KEPT = 50
"""Uploaded pictures that are used again instead of uploaded again."""
READY_SECONDS, LOOK_SECONDS = 5.0, 0.2
"""Slack refuses a block with a file that it hasn't looked at yet; that takes it a moment."""
REFUSALS = {"invalid_blocks", "invalid_arguments"}
"""How Slack refuses a picture that it doesn't have, in messages and in views."""
GONE = {"file_not_found", "file_deleted"}
"""How Slack refuses to delete what it doesn't have."""


class Pictures:
    """Uploads each picture once, for use in image blocks, and deletes it when a newer one is shown in its place."""

    def __init__(self, client: WebClient, database: Database) -> None:
        self._client = client
        self._database = database
        self._uploaded: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def upload(self, png: bytes, name: str) -> str | None:
        """Return the picture's file id; None when Slack doesn't take it, which is logged."""
        if known := self.known(png):
            return known
        try:
            file = upload(self._client, name, png)
            if not self._is_ready(file):
                log.warning("Slack has not looked at %s after %.0f s; it is left out this time", name, READY_SECONDS)
                self._change(lambda pictures: pictures.with_left(file))
                return None
        except SlackApiError as error:
            log.warning("Slack takes no picture (%s); kotae doctor checks the scopes", error.response.get("error"))
            return None
        except CALL_ERRORS as error:
            log.warning("A picture can't be sent to Slack (%s); it is left out this time", type(error).__name__)
            return None
        with self._lock:
            self._uploaded[_digest(png)] = file
            if len(self._uploaded) > KEPT:
                self._uploaded.popitem(last=False)
        return file

    def show(self, file: str | None, place: str, put: Callable[[str | None], None]) -> None:
        """Call `put` with the file, and again without it if Slack refuses it: somebody may have deleted it.

        What `place` showed before is deleted, unless another place shows it too.
        """
        try:
            put(file)
        except SlackApiError as error:
            if file is None or error.response.get("error") not in REFUSALS:
                raise
            log.warning("Slack does not have the picture %s any more; it is left out this time", file)
            self._forget(file)
            file = None
            put(None)
        self._delete(self._change(lambda pictures: pictures.with_shown(place, file)))

    def known(self, png: bytes) -> str | None:
        """Return the file id of a picture that was uploaded before."""
        with self._lock:
            return self._uploaded.get(_digest(png))

    def _forget(self, file: str) -> None:
        with self._lock:
            self._uploaded = OrderedDict(entry for entry in self._uploaded.items() if entry[1] != file)

    def _change(self, change: Callable[[ShownPictures], ShownPictures]) -> tuple[str, ...]:
        """Change what is remembered; return the files that are shown nowhere any more."""
        return ShownPictures.change(self._database, change).left

    def _delete(self, left: tuple[str, ...]) -> None:
        """Delete what is shown nowhere any more; what can't be deleted now is tried again next time."""
        if deleted := {file for file in left if self._is_deleted(file)}:
            self._change(lambda pictures: pictures.without(deleted))

    def _is_deleted(self, file: str) -> bool:
        self._forget(file)
        try:
            self._client.files_delete(file=file)
        except SlackApiError as error:
            if error.response.get("error") in GONE:
                return True
            log.warning("The old picture %s can't be deleted (%s)", file, error.response.get("error"))
            return False
        except CALL_ERRORS as error:
            log.warning("The old picture %s can't be deleted (%s)", file, type(error).__name__)
            return False
        return True

    def _is_ready(self, file: str) -> bool:
        """Wait until Slack knows what kind of file it is."""
        end = time.monotonic() + READY_SECONDS
        while not self._client.files_info(file=file)["file"].get("mimetype"):
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_SECONDS)
        return True


def _digest(png: bytes) -> str:
    return hashlib.sha256(png).hexdigest()
