"""Downloads of uploaded files. The request carries the bot's token, so it goes to Slack's hosts only."""

import re
import time
from collections.abc import Callable, Mapping
from http.client import HTTPMessage, HTTPResponse
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient

from handlers.slack.trouble import BREAKS
from handlers.texts import HandlerError
from indexes.records.decoding import MAX_BYTES

SECONDS = 60.0
"""How long a whole download may take."""
SILENCE_SECONDS = 10.0
CHUNK = 1 << 16

SLACKS = ("slack.com", "slack-gov.com")
"""Slack's own domains; the second is GovSlack's."""

_HOST = re.compile(r"[a-z0-9.-]+(:\d+)?")


class DownloadError(HandlerError):
    """An uploaded file could not be fetched; the message says why and what to do."""


def download(
    client: WebClient,
    file: Mapping[str, Any],
    *,
    most: int = MAX_BYTES,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """Return the bytes of a file as `files.info` describes it; raises DownloadError.

    Only from Slack's own hosts over https, or from the host that SLACK_API_URL names, redirects included.
    """
    name = str(file.get("name") or file.get("id"))
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if not is_slacks(url, client.base_url):
        raise DownloadError("download.elsewhere", file=name)
    if int(file.get("size") or 0) > most:
        raise _too_large(name, most)
    request = Request(url, headers={"Authorization": f"Bearer {client.token}"})  # noqa: S310 - is_slacks saw to it
    opener = build_opener(
        _Redirects(client.base_url),
        HTTPSHandler(context=client.ssl),
        ProxyHandler({"http": client.proxy, "https": client.proxy} if client.proxy else None),
    )
    try:
        with opener.open(request, timeout=SILENCE_SECONDS) as response:
            if response.headers.get_content_type() == "text/html":
                raise DownloadError("download.sign_in", file=name)
            data = _read(response, name, most, clock() + seconds, clock)
            if len(data) < int(response.headers.get("Content-Length") or 0):
                raise DownloadError("download.short", file=name, count=len(data))
            return data
    except HTTPError as error:
        error.close()
        raise DownloadError("download.refused", file=name, status=error.code) from error
    except BREAKS as error:
        why = str(error.reason) if isinstance(error, URLError) else type(error).__name__
        raise DownloadError("download.broke_off", file=name, reason=why) from error


def is_slacks(url: str, api_url: str) -> bool:
    """Tell whether the bot's token may be sent to this address."""
    try:
        there, api = urlsplit(url), urlsplit(api_url)
        host = there.hostname or ""
    except ValueError:
        return False
    if not _HOST.fullmatch(there.netloc.lower()):  # such as https://slack.com@example.com
        return False
    if (there.scheme, there.netloc) == (api.scheme, api.netloc):
        return True
    is_theirs = any(host == domain or host.endswith(f".{domain}") for domain in SLACKS)
    return there.scheme == "https" and is_theirs and there.port in {None, 443}


class _Redirects(HTTPRedirectHandler):
    """Follows a redirect only to where the token may go."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if not is_slacks(newurl, self._api_url):
            fp.close()
            raise DownloadError("download.redirected", host=str(urlsplit(newurl).hostname))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(response: HTTPResponse, name: str, most: int, end: float, clock: Callable[[], float]) -> bytes:
    data = bytearray()
    while chunk := response.read1(CHUNK):  # `read` would wait for all of CHUNK, however slowly it comes
        data += chunk
        if len(data) > most:
            raise _too_large(name, most)
        if clock() > end:
            raise DownloadError("download.slow", file=name)
    return bytes(data)


def _too_large(name: str, most: int) -> DownloadError:
    return DownloadError("csv.too_large", file=name, megabytes=most // 1_000_000)
