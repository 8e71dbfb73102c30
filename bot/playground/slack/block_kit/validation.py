"""Slack's limits for messages, views and command names; raises RefusedError with Slack's error codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from bot.playground.slack.block_kit.blocks import BLOCKS, VIEW_BLOCKS, plain
from bot.playground.slack.block_kit.schema import Check, by_type, complaint, flag, items, shape, string
from bot.playground.slack.errors import RefusedError

MOST_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_TEXT = 40_000
MOST_UPDATED_TEXT = 4_000
MOST_BLOCK_TEXT = 12_000
MOST_VIEW_BYTES = 250_000
MOST_ATTACHMENTS = 100
MOST_COMMAND_NAME = 32


def check_text(text: str, *, most: int = MOST_TEXT) -> None:
    """Refuse a text of more than `most` characters."""
    if len(text) > most:
        raise RefusedError("msg_too_long", f"text has {len(text)} characters, {most} are allowed")


def check_message_blocks(blocks: Any, where: str = "/blocks") -> list[dict[str, Any]]:
    """Return the blocks of a message unchanged, or refuse them as chat.postMessage does."""
    if not isinstance(blocks, list):
        raise RefusedError("invalid_blocks_format", complaint("must provide an array", where))
    check = items(by_type(BLOCKS), MOST_BLOCKS, 0)
    if problems := [*check(blocks, where), *_ids(blocks, where)]:
        raise RefusedError("invalid_blocks", *problems)
    if (size := block_text(blocks)) > MOST_BLOCK_TEXT:
        raise RefusedError(
            "msg_blocks_too_long",
            f"the blocks have {size} characters of text, about {MOST_BLOCK_TEXT} are allowed",
        )
    return blocks


def check_attachments(attachments: Any) -> list[dict[str, Any]]:
    """Return the attachments of a message unchanged, or refuse them or the blocks in them."""
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise RefusedError("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise RefusedError("too_many_attachments")
    for index, attachment in enumerate(attachments):
        if "blocks" in attachment:
            check_message_blocks(attachment["blocks"], f"/attachments/{index}/blocks")
    return attachments


def check_view(view: Any) -> dict[str, Any]:
    """Return a modal or home view unchanged, or refuse it as views.open does."""
    if not isinstance(view, dict):
        raise RefusedError("invalid_arguments", complaint("must provide an object", "/view"))
    if len(json.dumps(view, ensure_ascii=False).encode()) > MOST_VIEW_BYTES:
        raise RefusedError("view_too_large")
    blocks = view.get("blocks")
    ids = _ids(blocks, "/view/blocks") if isinstance(blocks, list) else ()
    if problems := [*VIEWS(view, "/view"), *ids]:
        raise RefusedError("invalid_arguments", *problems)
    return view


def _submit_for_inputs(view: dict[str, Any], where: str) -> Iterator[str]:
    blocks = view.get("blocks")
    kinds = {block.get("type") for block in blocks if isinstance(block, dict)} if isinstance(blocks, list) else set()
    if "input" in kinds and "submit" not in view:
        yield complaint("missing required field: submit", where)


COMMON: dict[str, Check] = {
    "callback_id": string(255),
    "private_metadata": string(3000, 0),
    "external_id": string(255, 0),
}
VIEW_CONTENT: dict[str, Check] = {"blocks": items(by_type(VIEW_BLOCKS), MOST_VIEW_BLOCKS, 0)}
VIEWS = by_type(
    {
        "home": shape(VIEW_CONTENT, COMMON),
        "modal": shape(
            {**VIEW_CONTENT, "title": plain(24)},
            {
                **COMMON,
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": flag,
                "notify_on_close": flag,
                "submit_disabled": flag,
            },
            _submit_for_inputs,
        ),
    },
)


def elements_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the elements of a block: its accessory, its input element, its list of elements."""
    candidates = [block.get("accessory"), block.get("element")]
    if isinstance(block.get("elements"), list):
        candidates += block["elements"]
    return [each for each in candidates if isinstance(each, dict)]


def _ids(blocks: list[Any], where: str) -> Iterator[str]:
    """Yield complaints of block_ids that repeat in the message or view, and action_ids that repeat in a block."""
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in seen:
                yield complaint(f"`block_id` {block_id} already exists", f"{where}/{index}/block_id")
            seen.add(block_id)
        yield from _action_ids(block, f"{where}/{index}")


def _action_ids(block: dict[str, Any], where: str) -> Iterator[str]:
    ids = [each["action_id"] for each in elements_of(block) if isinstance(each.get("action_id"), str)]
    for repeated in sorted({each for each in ids if ids.count(each) > 1}):
        yield complaint(f"`action_id` {repeated} already exists in this block", where)


def block_text(content: Any) -> int:
    """Count the characters of text in blocks, at any depth."""
    if isinstance(content, list):
        return sum(block_text(each) for each in content)
    if not isinstance(content, dict):
        return 0
    own = len(content["text"]) if isinstance(content.get("text"), str) else 0
    return own + sum(block_text(part) for part in content.values())


def slack_files(content: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield the place and file id of every `slack_file` in blocks."""
    parts = enumerate(content) if isinstance(content, list) else content.items() if isinstance(content, dict) else ()
    for key, part in parts:
        if key == "slack_file" and isinstance(part, dict):
            in_url = re.search(r"\bF0\w+", str(part.get("url", "")))
            yield f"{where}/{key}", str(part.get("id") or (in_url[0] if in_url else ""))
        else:
            yield from slack_files(part, f"{where}/{key}")


def check_command_name(name: str, reserved: frozenset[str]) -> str | None:
    """Return None, or a warning for `/search`; raises ValueError for a name that Slack refuses."""
    bare = name.removeprefix("/")
    if (
        not name.startswith("/")
        or not 0 < len(bare) <= MOST_COMMAND_NAME
        or any(each.isspace() or each.isupper() for each in bare)
    ):
        raise ValueError(f"{name}: a command is a slash and 1 to 32 lower-case characters without spaces")
    if bare not in reserved:
        return None
    if bare == "search":
        return f"{name} is the name of a command of Slack's own: some workspaces refuse it"
    raise ValueError(f"{name} is one of Slack's own commands")
