"""The arguments of a Web API call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.playground.slack.errors import RefusedError


class Args:
    """The arguments of a call, from a form, a query or JSON."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string argument; numbers in JSON bodies are accepted."""
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, (dict, list)):
            raise RefusedError("invalid_arguments", f"{name} must be a string")
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean argument in any of its spellings."""
        value = self.values.get(name)
        return default if value is None else str(value).lower() in ("1", "true", "yes")

    def number(self, name: str, default: int) -> int:
        """Return an integer argument."""
        try:
            return int(self.values.get(name) or default)
        except (TypeError, ValueError):
            raise RefusedError("invalid_arguments", f"{name} must be a number") from None

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """Return a structure, given as such or as a JSON string; None when absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise RefusedError(error, f"{name} is not valid JSON") from None

    def names(self, name: str) -> list[str]:
        """Return strings, given as a list or separated by commas."""
        value = self.values.get(name)
        if isinstance(value, list):
            return [str(each) for each in value]
        return [part.strip() for part in str(value or "").split(",") if part.strip()]
