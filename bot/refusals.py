"""What it means when Slack refuses a call or can't be reached, and what to do."""

from urllib.error import URLError

from slack_sdk.errors import SlackApiError

REFUSED = {
    "invalid_auth": "Slack does not know this token. Copy it again: SLACK_BOT_TOKEN from OAuth & Permissions,"
    " SLACK_APP_TOKEN from Basic Information > App-Level Tokens.",
    "not_authed": "No token was sent. Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN in .env.",
    "account_inactive": "The app was removed from the workspace. Install it again and copy the new token.",
    "token_revoked": "The token was revoked. Install the app again and copy the new token.",
    "not_allowed_token_type": "The tokens are swapped: SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with xapp-.",
    "missing_scope": "The app lacks a scope. Paste the output of `kotae manifest` as its manifest and reinstall it.",
}


def explain(error: SlackApiError) -> str:
    """Return what Slack refused and what to do; never the response itself."""
    code = str(error.response.get("error"))
    needed = f" ({error.response.get('needed')})" if code == "missing_scope" else ""
    mend = REFUSED.get(code, "See https://docs.slack.dev/reference/methods for its meaning.")
    return f"Slack refused: {code}{needed}. {mend}"


def cause_of(error: Exception) -> object:
    """Return why Slack can't be reached, without what urllib puts around it."""
    return error.reason if isinstance(error, URLError) else error
