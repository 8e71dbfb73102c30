"""Uploads of the bot's own files, each made once, although Slack may perform the last step and fail to say so."""

import logging
import time
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.slack.trouble import CALL_ERRORS, error_code, may_pass

log = logging.getLogger(__name__)

SILENCE_SECONDS = 10.0
LOOKS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each look after a failure: Slack may yet complete the upload."""
PLACES = ("channels", "groups", "ims")
"""Where `files.info` tells which conversations have the file."""


def upload(client: WebClient, name: str, data: bytes, channel: str = "") -> str:
    """Upload a file, and share it in a channel if there is one; return its id. Raises what a call of Slack raises."""
    begun = client.files_getUploadURLExternal(filename=name, length=len(data))
    file = str(begun["file_id"])
    _send(client, str(begun["upload_url"]), data)
    try:
        _complete(client, file, name, channel)
    except CALL_ERRORS as error:
        if not may_pass(error):
            raise
        log.warning("Completing the upload of %s failed (%s); looking whether it is there", file, error_code(error))
        if not _is_there(client, file, channel):
            _complete(client, file, name, channel)
    return file


def _send(client: WebClient, url: str, data: bytes) -> None:
    """Send the bytes to the address that Slack gave for them, which needs no token."""
    opener = build_opener(
        HTTPSHandler(context=client.ssl),
        ProxyHandler({"http": client.proxy, "https": client.proxy} if client.proxy else None),
    )
    with opener.open(Request(url, data, method="POST"), timeout=SILENCE_SECONDS) as response:  # noqa: S310 - Slack's
        response.read()


def _complete(client: WebClient, file: str, name: str, channel: str) -> None:
    client.files_completeUploadExternal(files=[{"id": file, "title": name}], channel_id=channel or None)


def _is_there(client: WebClient, file: str, channel: str) -> bool:
    """Return whether the file is in Slack, and in the channel if there is one, looking several times."""
    for pause in LOOKS:
        time.sleep(pause)
        try:
            told = client.files_info(file=file)["file"]
        except SlackApiError as error:
            if error.response.get("error") != "file_not_found":
                raise
        else:
            if not channel or any(channel in told.get(places, ()) for places in PLACES):
                return True
    return False
