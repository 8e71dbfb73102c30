"""The local workspace in the browser: a person's view of it, their actions, and an inspector of the traffic."""

from bot.playground.page.routes import Page

__all__ = ["Page"]
