"""What becomes of a message or a view with a picture that Slack could not fetch: links take the places of pictures."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError

from handlers.images.blocks import as_link

log = logging.getLogger(__name__)

REFUSALS = {"invalid_blocks", "invalid_arguments"}
"""How Slack refuses a picture that it can't fetch, in messages and in views."""

T = TypeVar("T")


def shown_or_linked(call: Callable[[dict[str, Any]], T], content: Mapping[str, Any]) -> T:
    """Call with the content of a message or a view; if Slack refuses it with its pictures, again with links instead.

    Slack fetches each picture while the call waits, and refuses the whole message if it can't. The call must not retry
    such a refusal itself.
    """
    try:
        return call(dict(content))
    except SlackApiError as error:
        if error.response.get("error") not in REFUSALS or not has_pictures(content):
            raise
        log.warning("Slack can't show a picture; it is linked instead")
        return call(linked(content))


def has_pictures(content: Mapping[str, Any]) -> bool:
    """Tell whether a picture of the web is shown."""
    return any(map(_is_picture, content["blocks"]))


def linked(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with links to the pictures of the web."""
    return {**content, "blocks": [_linked(block) if _is_picture(block) else block for block in content["blocks"]]}


def _is_picture(block: Mapping[str, Any]) -> bool:
    return block["type"] == "image" and "image_url" in block


def _linked(block: Mapping[str, Any]) -> dict[str, Any]:
    return as_link(block["image_url"], block["alt_text"]).to_dict()
