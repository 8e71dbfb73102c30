"""The Slack client: its address and its retries."""

import random
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.http_retry import (
    ConnectionErrorRetryHandler,
    HttpRequest,
    HttpResponse,
    RateLimitErrorRetryHandler,
    RetryHandler,
    RetryState,
)
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.web import SlackResponse

from bot.settings import Environment
from handlers.remote.headers import pause_of
from handlers.slack.trouble import PASSING

RECONCILED = ("chat.postMessage",)
"""Methods whose failures the outbox deals with, because it can look whether they were performed all the same."""
REPEATED_ONCE = ("chat.postEphemeral",)
"""Methods that post, where nobody can look whether they were performed: after an error of Slack's, one more try."""
NEVER_REPEATED = ("apps.manifest.create", "chat.scheduleMessage", "files.completeUploadExternal")
"""Methods that would make something twice."""
TIMEOUT_SECONDS = 10
MOST_RETRIES = 5
"""With pauses that double from half a second: about 16 seconds of unavailability."""
MOST_LIMITED = 60
MOST_SPREAD = 8
"""Seconds over which calls that were refused for their number come back."""
MOST_CONNECTING = 3
MOST_CODES = 2
"""Retries after an error code that may pass: one that Slack sends twice more is likely to last."""
LONGEST_SECONDS = 60.0
"""How long a call is retried in all; a pause that Slack asks for is not begun when it would last longer."""


class _WithinTime(RetryHandler):
    """Ends the retries of a call after a while, whatever they are for."""

    def can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        """Tell whether to try again."""
        if not super().can_retry(state=state, request=request, response=response, error=error):
            return False
        state.custom_values = state.custom_values or {"until": time.monotonic() + LONGEST_SECONDS}
        pause = _retry_after(response.headers) if response else 0.0
        return time.monotonic() + pause < float(state.custom_values["until"])


class _RetryRateLimits(_WithinTime, RateLimitErrorRetryHandler):
    """Waits as long as Slack asks, whatever the method: what comes too often is not performed.

    Slack counts an app's calls by method and workspace, posts also by channel, and so those of all threads and replicas
    together (https://docs.slack.dev/apis/web-api/rate-limits). They need not tell each other: a refusal says how long
    to wait, does nothing, and costs one call for each that waits, of which a queue has few. What costs more is that all
    come back at the same moment, so that one is served and all others are refused again: each time, they come back
    spread over a longer time. Posts are tried for a minute; after fewer tries, one of many would be given up by chance.
    """

    def _can_retry(self, *, state: RetryState, request: HttpRequest, **details: Any) -> bool:
        most = MOST_LIMITED if _is_one_of(request, RECONCILED) else MOST_RETRIES
        return state.current_attempt < most and super()._can_retry(state=state, request=request, **details)

    def prepare_for_next_attempt(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Wait; the SDK itself spreads the calls over one second, however many there are."""
        del request, error
        spread = random.random() * min(1 + state.current_attempt, MOST_SPREAD)  # noqa: S311 - no secret
        time.sleep((_retry_after(response.headers) if response else 0.0) + spread)
        state.next_attempt_requested = True
        state.increment_current_attempt()


class _RetryServerErrors(_WithinTime, ServerErrorRetryHandler):
    """Retries when Slack has trouble, as its status says, or its error code."""

    def _can_retry(
        self, *, state: RetryState, request: HttpRequest, response: HttpResponse | None = None, **_: Any
    ) -> bool:
        if response is None or _is_one_of(request, RECONCILED + NEVER_REPEATED):
            return False
        most = 1 if _is_one_of(request, REPEATED_ONCE) else MOST_RETRIES
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            most = min(most, MOST_CODES) if (response.body or {}).get("error") in PASSING else 0
        return state.current_attempt < most


class _RetryConnecting(_WithinTime, ConnectionErrorRetryHandler):
    """Retries a broken connection; what may not be done twice, only when nothing was sent."""

    def _can_retry(self, *, request: HttpRequest, error: Exception | None = None, **details: Any) -> bool:
        once = _is_one_of(request, RECONCILED + REPEATED_ONCE + NEVER_REPEATED)
        nothing_sent = isinstance(getattr(error, "reason", None), ConnectionRefusedError | socket.gaierror)
        return (nothing_sent or not once) and super()._can_retry(request=request, error=error, **details)


def _is_one_of(request: HttpRequest, methods: tuple[str, ...]) -> bool:
    return request.url.rstrip("?/").endswith(methods)


def _retry_after(headers: Mapping[str, Sequence[str]]) -> float:
    """Return the seconds that Slack, or a proxy before it, asks to wait; 0 when it doesn't say."""
    return pause_of({name.lower(): values[0] for name, values in headers.items() if values})


def retry_handlers() -> list[RetryHandler]:
    """Return the retries: after any failure that may pass, unless the call might then be performed twice."""
    breaks: list[type[Exception]] = [URLError, ConnectionError, TimeoutError, HTTPException]
    return [
        _RetryRateLimits(max_retry_count=MOST_LIMITED),
        _RetryServerErrors(max_retry_count=MOST_RETRIES),
        _RetryConnecting(max_retry_count=MOST_CONNECTING, error_types=breaks),
    ]


def scopes_of(response: SlackResponse) -> frozenset[str]:
    """Return the token's scopes, which Slack sends with every response."""
    return frozenset(scope.strip() for scope in (response.headers or {}).get("x-oauth-scopes", "").split(","))


@cache
def certificates() -> ssl.SSLContext:
    """Return the certificates that Slack's is checked with; without this, each call reads them, which takes 20 ms."""
    return ssl.create_default_context()


def slack_client(environment: Environment, token: str | None = None) -> WebClient:
    """Build a client for SLACK_API_URL, by default with the bot's token; calls nothing yet."""
    bots = environment.slack_bot_token
    return WebClient(
        token=token or (bots.get_secret_value() if bots else None),
        base_url=environment.slack_api_url,
        timeout=TIMEOUT_SECONDS,
        ssl=certificates(),
        retry_handlers=retry_handlers(),
    )
