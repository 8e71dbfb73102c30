"""The local workspace as a page in the browser: what a person sees, what they do, and an inspector beside it."""

from bot.playground.page.routes import Page

__all__ = ["Page"]
