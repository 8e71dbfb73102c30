"""The record of one HTTP call by the app."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

JSON = dict[str, Any]


@dataclass(eq=False)
class Call:
    """A call of the Web API, of a response_url, an upload or a download; `at` is a time of the monotonic clock."""

    method: str
    args: JSON
    at: float
    status: int = 200
    response: JSON = field(default_factory=dict)
    seconds: float = 0.0
    dropped: bool = False
    path: str = ""
    """The path of a response_url, which tells whose it is; empty for all other calls."""

    @property
    def ok(self) -> bool:
        """Whether Slack performed it and answered `ok`."""
        return self.status == HTTPStatus.OK and bool(self.response.get("ok", False))

    @property
    def error(self) -> str:
        """Slack's error code, or an empty string."""
        return str(self.response.get("error", ""))
