"""The Slack client: its address and its retries."""

import socket
from http import HTTPStatus
from typing import Any

from slack_sdk import WebClient
from slack_sdk.http_retry import (
    ConnectionErrorRetryHandler,
    HttpRequest,
    HttpResponse,
    RateLimitErrorRetryHandler,
    RetryHandler,
)
from slack_sdk.http_retry.builtin_handlers import ServerErrorRetryHandler
from slack_sdk.web import SlackResponse

from bot.settings import Environment

POSTING = (
    "apps.manifest.create",
    "chat.postMessage",
    "chat.postEphemeral",
    "chat.scheduleMessage",
    "files.completeUploadExternal",
)
"""Methods that would post, or create an app, twice if retried after a lost response."""
TIMEOUT_SECONDS = 10
RATE_LIMIT_RETRIES = 5
SERVER_ERROR_RETRIES = 4
"""With pauses that double from half a second: about eight seconds of unavailability."""


class _RetryConnecting(ConnectionErrorRetryHandler):
    """Retries a broken connection; a posting only when it broke before anything was sent."""

    def _can_retry(self, *, request: HttpRequest, error: Exception | None = None, **details: Any) -> bool:
        if _posts(request) and not isinstance(getattr(error, "reason", None), ConnectionRefusedError | socket.gaierror):
            return False
        return super()._can_retry(request=request, error=error, **details)


class _RetryServerErrors(ServerErrorRetryHandler):
    """Retries when Slack is unavailable (503); after an internal error (500) a posting may have been posted."""

    def _can_retry(self, *, request: HttpRequest, response: HttpResponse | None = None, **details: Any) -> bool:
        if _posts(request) and response is not None and response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            return False
        return super()._can_retry(request=request, response=response, **details)


def _posts(request: HttpRequest) -> bool:
    return request.url.rstrip("?/").endswith(POSTING)


def retry_handlers() -> list[RetryHandler]:
    """Return the retries: always after a 429 or 503, after other failures unless that might post twice."""
    return [
        RateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES),
        _RetryServerErrors(max_retry_count=SERVER_ERROR_RETRIES),
        _RetryConnecting(max_retry_count=1),
    ]


def scopes_of(response: SlackResponse) -> frozenset[str]:
    """Return the token's scopes, which Slack sends with every response."""
    return frozenset(scope.strip() for scope in (response.headers or {}).get("x-oauth-scopes", "").split(","))


def slack_client(environment: Environment, token: str | None = None) -> WebClient:
    """Build a client for SLACK_API_URL, by default with the bot's token; calls nothing yet."""
    bots = environment.slack_bot_token
    return WebClient(
        token=token or (bots.get_secret_value() if bots else None),
        base_url=environment.slack_api_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=retry_handlers(),
    )
