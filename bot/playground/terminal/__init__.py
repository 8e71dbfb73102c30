"""The local workspace in a terminal, for `kotae try --terminal` and scripts."""

from bot.playground.terminal.repl import converse

__all__ = ["converse"]
