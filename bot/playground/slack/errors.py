"""Refusals: of the app's calls by an error code, of people's actions by a sentence."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """Slack refuses a call by the app.

    `error` is Slack's error code, `details` say which part of the request is wrong (`response_metadata.messages`),
    `extra` are further fields of the answer.
    """

    def __init__(self, error: str, *details: str, **extra: Any) -> None:
        super().__init__(error, *details)
        self.error = error
        self.details = details
        self.extra = extra


class NotPossibleError(Exception):
    """Slack would not let this person do that."""
