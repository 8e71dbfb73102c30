"""The methods of the Web API, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.playground.slack.web_api.dispatch import Method
from bot.playground.slack.web_api.methods import apps, chat, conversations, files, users, views

METHODS: Mapping[str, Method] = MappingProxyType(
    {**apps.METHODS, **chat.METHODS, **conversations.METHODS, **files.METHODS, **users.METHODS, **views.METHODS},
)
