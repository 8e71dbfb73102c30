"""The methods of the Web API, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.playground.methods import chat, conversations, files, people, views
from bot.playground.web_api import Method

METHODS: Mapping[str, Method] = MappingProxyType(
    {**chat.METHODS, **conversations.METHODS, **files.METHODS, **people.METHODS, **views.METHODS},
)
