"""What it means when Slack refuses a call or can't be reached, and what to do."""

from urllib.error import URLError

from slack_sdk.errors import SlackApiError

from bot.texts import ENGLISH
from indexes.messages import Translatable


def explain(error: SlackApiError) -> Translatable:
    """Return what Slack refused and what to do; never the response itself."""
    code = str(error.response.get("error"))
    mend = Translatable(f"slack.code.{code}") if f"slack.code.{code}" in ENGLISH.words else Translatable("slack.other")
    if code == "missing_scope":
        return Translatable("slack.refused_scope", code=code, needed=str(error.response.get("needed")), mend=mend)
    return Translatable("slack.refused", code=code, mend=mend)


def cause_of(error: Exception) -> object:
    """Return why Slack can't be reached, without what urllib puts around it."""
    return error.reason if isinstance(error, URLError) else error
