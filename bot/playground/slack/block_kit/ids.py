"""The ids that Slack generates for blocks and elements without one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.playground.slack.workspace import new_id

JSON = dict[str, Any]


def with_ids(blocks: Iterable[JSON]) -> list[JSON]:
    """Return copies of the blocks, each with a block_id and its elements with action_ids."""
    found = []
    for index, given in enumerate(blocks):
        block = {**given, "block_id": given.get("block_id") or new_id("b")[:5] + str(index)}
        for key in ("accessory", "element"):
            if key in block:
                block[key] = _with_action_id(block[key])
        if block.get("type") in ("actions", "context_actions"):
            block["elements"] = [_with_action_id(each) for each in block["elements"]]
        found.append(block)
    return found


def _with_action_id(element: JSON) -> JSON:
    if element.get("type") == "image" or element.get("action_id"):
        return element
    return {**element, "action_id": new_id("a")[:6]}
