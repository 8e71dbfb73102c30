"""Checks that combine into a schema of a JSON structure, with Slack's error messages.

A check takes a value and its place (a JSON pointer), and yields what is wrong with it as Slack words
it: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[str]]


def complaint(message: str, where: str) -> str:
    """Format a line of `response_metadata.messages`."""
    return f"{message} [json-pointer:{where}]"


def string(most: int, least: int = 1, pattern: str = "") -> Check:
    """Check a string of `least` to `most` characters."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield complaint("must provide a string", where)
        elif len(value) < least:
            yield complaint(f"must be more than {least - 1} characters", where)
        elif len(value) > most:
            yield complaint(f"must be less than {most + 1} characters", where)
        elif pattern and not re.fullmatch(pattern, value):
            yield complaint("must match the required format", where)

    return check


def number(least: float, most: float) -> Check:
    """Check a number in a range; booleans are not numbers."""

    def check(value: Any, where: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            yield complaint("must provide a number", where)
        elif not least <= value <= most:
            yield complaint(f"must be between {least} and {most}", where)

    return check


def flag(value: Any, where: str) -> Iterator[str]:
    """Check a boolean."""
    if not isinstance(value, bool):
        yield complaint("must provide a boolean", where)


def anything(value: Any, where: str) -> Iterator[str]:
    """Accept any value."""
    del value, where
    yield from ()


def choice(*values: str) -> Check:
    """Check for one of these strings."""

    def check(value: Any, where: str) -> Iterator[str]:
        if value not in values:
            yield complaint("must be a valid enum value", where)

    return check


def items(of: Check, most: int, least: int = 1) -> Check:
    """Check a list of `least` to `most` items."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield complaint("must provide an array", where)
        elif len(value) > most:
            yield complaint(f"no more than {most} items allowed", where)
        elif len(value) < least:
            yield complaint(f"no fewer than {least} items allowed", where)
        else:
            for index, item in enumerate(value):
                yield from of(item, f"{where}/{index}")

    return check


def shape(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    also: Callable[[dict[str, Any], str], Iterator[str]] | None = None,
) -> Check:
    """Check an object with these fields and no others but `type`; `also` checks the object as a whole."""
    known = {"type": anything, **required, **(optional or {})}

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield complaint("must provide an object", where)
            return
        for name in required:
            if name not in value:
                yield complaint(f"missing required field: {name}", where)
        for name, part in value.items():
            if name in known:
                yield from known[name](part, f"{where}/{name}")
            else:
                yield complaint(f"invalid additional property: {name}", where)
        if also is not None:
            yield from also(value, where)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Check an object by the check for its `type`."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield complaint("must provide an object", where)
        elif "type" not in value:
            yield complaint("missing required field: type", where)
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            yield complaint(f"unsupported type: {value['type']}", f"{where}/type")
        else:
            yield from kinds[value["type"]](value, where)

    return check
