"""Waiting for the bot's reaction to a typed line."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.playground.slack.interactions import Interaction
from bot.playground.slack.server import LocalSlack
from bot.playground.terminal.screen import Screen

QUIET = 0.4
"""Seconds without news after which an answer counts as complete."""


class Waiter:
    """Waits, and draws what arrives meanwhile; `patience` is the longest wait in seconds."""

    def __init__(self, slack: LocalSlack, screen: Screen, patience: float) -> None:
        self.slack = slack
        self.screen = screen
        self.patience = patience

    def settle(self, lull: float, failed: Callable[[], bool] = lambda: False) -> bool:
        """Draw what arrives until it is quiet, and tell whether anything came.

        Quiet means that no ack is pending and nothing happened for `lull` seconds, or for QUIET seconds after the
        first news.
        """
        before = self.screen.heard
        self.screen.active_at = time.monotonic()
        end = time.monotonic() + self.patience
        while time.monotonic() < end and not failed():
            self.screen.draw()
            idle = time.monotonic() - self.screen.active_at
            if idle > (QUIET if self.screen.heard > before else lull) and not self._awaits_ack():
                break
            time.sleep(0.02)
        self.screen.draw()
        return self.screen.heard > before

    def _awaits_ack(self) -> bool:
        """Whether an ack may still come in time. Retries are not waited for."""
        since = time.monotonic() - self.slack.timing.ack
        waiting = (each for each in self.slack.envelopes if each.outcome == "waiting" and each.deliveries)
        return any(each.deliveries[-1].at > since for each in waiting)

    def await_answer(self) -> None:
        """Wait for an answer; say so when none comes in time."""
        if self.settle(self.patience):
            return
        if self.slack.connections:
            self.screen.problem(self.screen.texts("terminal.no_answer", seconds=self.patience))
        else:
            self.screen.problem(self.screen.texts("terminal.not_connected", bot=self.screen.bot_name))

    def await_outcome(self, interaction: Interaction, what: str, lull: float) -> None:
        """Wait for the ack and what follows it; show the error where Slack would show one."""
        came = self.settle(lull, lambda: interaction.error is not None)
        if interaction.error:
            self.screen.problem(self.screen.texts("terminal.failed", what=what, why=self._reason(interaction.error)))
        elif not came:
            self.screen.hint(self.screen.texts("terminal.nothing_came", what=what))

    def _reason(self, error: str) -> str:
        bot, texts = self.screen.bot_name, self.screen.texts
        commands = texts("terminal.and").join(self.slack.app.commands)
        reasons = {
            "invalid_command": texts("terminal.reason.command", commands=commands),
            "not_supported_in_threads": texts("terminal.reason.thread"),
            "dispatch_failed": texts("terminal.reason.dispatch", bot=bot),
            "operation_timeout": texts("terminal.reason.timeout", bot=bot, seconds=self.slack.timing.ack),
        }
        return reasons.get(error, error)
