"""`kotae try`: the unchanged bot, connected to the local workspace."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bot.app import build_app
from bot.playground.server import LocalSlack
from bot.playground.terminal import converse
from bot.settings import Settings
from indexes.encoder import models
from indexes.registry import Report

WAIT_FOR_CSV_SECONDS = 60.0


def run_trial(settings: Settings, knowledge: Path | None = None) -> int:
    """Start both, hold the conversation, end both."""
    environment = settings.environment
    folder = knowledge or (environment.knowledge_dir if environment.knowledge_dir.is_dir() else samples())
    if environment.log_level == "INFO":  # a conversation reads better without the log in between
        logging.getLogger().setLevel(logging.WARNING)
    commands = (environment.search_command, environment.admin_command)
    with LocalSlack(commands=commands) as slack:
        bot = build_app(
            settings.connected_to(
                slack.api_url,
                slack.bot_token,
                slack.app_token,
                knowledge_dir=folder,
                data_dir=environment.data_dir / "try",
            ),
            tell=lambda path, reports: slack.note(_told(path, reports)),
        )
        bot.start()
        try:
            slack.wait_connected()
            bot.services.registry.wait_ready(WAIT_FOR_CSV_SECONDS)
            converse(slack)
        finally:
            bot.stop()
            models.close()
    return 0


def _told(path: Path, reports: Sequence[Report]) -> str:
    """Say in one line what came of a changed file."""
    if errors := [report.error for report in reports if report.error]:
        return f"{path.name}: nothing has changed / 反映していません: {errors[0]}"
    added, changed, removed = (sum(counts) for counts in zip(*map(_counts, reports), strict=True))
    if not (added or changed or removed):
        return f"{path.name}: read again / 読み直しました"
    return (
        f"{path.name}: {added} added, {changed} changed, {removed} removed"
        f" / 追加 {added} 件、変更 {changed} 件、削除 {removed} 件"
    )


def _counts(report: Report) -> tuple[int, int, int]:
    return report.added, report.changed, report.removed


def samples() -> Path:
    """The sample knowledge bases: beside this file in an installed package, at the top of a checkout."""
    packaged = Path(__file__).with_name("knowledge")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "knowledge"
