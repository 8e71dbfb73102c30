"""The Slack client: where it talks to, and what it tries again."""

from typing import Any

from slack_sdk import WebClient
from slack_sdk.http_retry import ConnectionErrorRetryHandler, HttpRequest, RateLimitErrorRetryHandler, RetryHandler

from bot.settings import Environment

POSTING = ("chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage", "files.completeUploadExternal")
"""Methods that would post twice if tried again after a response got lost."""
TIMEOUT_SECONDS = 10
RATE_LIMIT_RETRIES = 5


class _RetryUnlessPosting(ConnectionErrorRetryHandler):
    def _can_retry(self, *, request: HttpRequest, **details: Any) -> bool:
        posting = request.url.rstrip("?/").endswith(POSTING)
        return not posting and super()._can_retry(request=request, **details)


def retry_handlers() -> list[RetryHandler]:
    """A 429 delays an answer and never loses it; a lost connection is tried again unless that might post twice."""
    return [RateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES), _RetryUnlessPosting(max_retry_count=1)]


def slack_client(environment: Environment) -> WebClient:
    """Build the one client, for SLACK_API_URL; raises nothing and asks nothing of Slack yet."""
    token = environment.slack_bot_token
    return WebClient(
        token=token.get_secret_value() if token else None,
        base_url=environment.slack_api_url,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=retry_handlers(),
    )
