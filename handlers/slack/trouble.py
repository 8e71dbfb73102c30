"""What a failed call of Slack means: whether trying again may help."""

from http import HTTPStatus
from http.client import HTTPException

from slack_sdk.errors import SlackApiError, SlackClientError

BREAKS = (OSError, HTTPException)
"""What a connection raises that can't be made, breaks, also in the middle of a response, or is silent for too long."""
CALL_ERRORS = (SlackClientError, *BREAKS)
"""What a call raises: Slack's refusals, what the SDK refuses to send, and a connection that fails."""
PASSING = frozenset({"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"})
"""Error codes of a Slack that has trouble of its own; after most of them the call may have been performed."""


def may_pass(error: Exception) -> bool:
    """Tell whether the same call may succeed later: Slack didn't refuse it, but had trouble or could not be reached."""
    if not isinstance(error, SlackApiError):
        return isinstance(error, BREAKS)
    return error.response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.response.get("error") in PASSING


def error_code(error: Exception) -> str:
    """Return Slack's error code; the whole response may contain what people wrote."""
    return str(error.response.get("error")) if isinstance(error, SlackApiError) else type(error).__name__
