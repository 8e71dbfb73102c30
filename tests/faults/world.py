"""A bot in this process, connected to a local Slack, with a knowledge base that belongs to a private channel."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.app import Bot, build_app
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Workspace
from bot.settings import Environment, Settings
from handlers.token_buckets import NO_LIMIT
from tests.slack.conftest import DEV_FAQ, IT_HELP, SHARED, settle


@dataclass(frozen=True)
class World:
    """Both, and where the knowledge bases are."""

    slack: LocalSlack
    bot: Bot
    knowledge: Path

    def settle(self) -> None:
        """Wait until the bot has dealt with everything that it was told."""
        settle(self.slack, self.bot)


@contextmanager
def world(
    workspace: Workspace,
    files: dict[str, str],
    admins: tuple[str, ...],
    config: ConfigFile | None = None,
    **more: object,
) -> Iterator[World]:
    """Run a bot that searches lexically; `files` are knowledge bases besides the usual ones, `more` is for `.env`."""
    folder = Path(tempfile.mkdtemp(prefix="kotae-faults-"))
    knowledge = folder / "knowledge"
    knowledge.mkdir()
    for name, text in {"it-help.csv": IT_HELP, "dev-faq.csv": DEV_FAQ, "_shared.csv": SHARED, **files}.items():
        (knowledge / name).write_text(text, "utf-8")
    try:
        with LocalSlack(workspace) as slack:
            values = {
                "slack_api_url": slack.api_url,
                "slack_bot_token": slack.bot_token,
                "slack_app_token": slack.app_token,
                "knowledge_dir": knowledge,
                "data_dir": folder / "data",
                "encoder_backend": "lexical",
                "admin_users": admins,
                **more,
            }
            environment = Environment.model_validate(values)
            bot = build_app(
                Settings(environment, config or ConfigFile(promise=0.0), Path("kotae.toml")), burst=NO_LIMIT
            )
            bot.start()
            try:
                slack.wait_connected()
                bot.services.registry.wait_ready(60)
                yield World(slack, bot, knowledge)
            finally:
                bot.stop()
    finally:
        shutil.rmtree(folder)
