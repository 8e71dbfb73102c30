"""A team with a bot that may be killed: a local Slack, a knowledge folder and DATA_DIR, as long as the fault lasts."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.app import Bot, build_app
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from bot.settings import Environment, Settings
from handlers.services import clock_here
from handlers.token_buckets import NO_LIMIT
from indexes.encoder import ModelManager, models
from tests.faults.running import environment_for, serve

ROWS = [
    "id,question,answer,category",
    "pw,How do I reset my password?,Open the reset page and follow the three steps.,Account",
    "vpn,The VPN does not connect from home.,Restart the router and then open the VPN client again.,Network",
    "print,The printer on the third floor does not print.,Check paper and power and clear the print queue.,Printer",
]
CSV = "\n".join(ROWS) + "\n"
QUESTION, ANSWER = "How do I reset my password?", "Open the reset page"


@contextmanager
def slack_for(folder: Path) -> Iterator[LocalSlack]:
    """Make the knowledge folder, and a local Slack beside it."""
    (folder / "knowledge").mkdir(parents=True, exist_ok=True)
    (folder / "knowledge" / "it-help.csv").write_text(CSV, encoding="utf-8")
    with LocalSlack() as slack:
        yield slack


@contextmanager
def bot_in(
    slack: LocalSlack,
    folder: Path,
    manager: ModelManager | None = None,
    clock: Callable[[], datetime] = clock_here,
    **config: Any,
) -> Iterator[Bot]:
    """Run the bot in this process, over whatever is in `folder`; `config` are further keys of kotae.toml."""
    model = {"encoder_backend": "sentence-transformers", "model_name": "some/model"}
    environment = Environment.model_validate(
        {
            "slack_api_url": slack.api_url,
            "slack_bot_token": slack.bot_token,
            "slack_app_token": slack.app_token,
            "admin_users": (slack.person("olivia").id,),
            "knowledge_dir": folder / "knowledge",
            "data_dir": folder / "data",
            **(model if manager else {"encoder_backend": "lexical"}),
        }
    )
    chosen = ConfigFile.model_validate(
        {"promise": 0.0, "channels": {"it-help": {"auto_reply": "on", "threshold": 0.5}}, **config}
    )
    settings = Settings(environment, chosen, folder / "kotae.toml")
    bot = build_app(settings, manager or models, burst=NO_LIMIT, clock=clock)
    try:
        bot.start()
        slack.wait_connected()
        bot.services.registry.wait_ready(60)
        yield bot
    finally:
        bot.stop()
        slack.wait_until(lambda: slack.connections == 0, what="the end of the connection")


class BotProcess:
    """`kotae serve` in a process of its own, until it is killed."""

    def __init__(self, slack: LocalSlack, folder: Path, **settings: str) -> None:
        places = {"KNOWLEDGE_DIR": str(folder / "knowledge"), "DATA_DIR": str(folder / "data")}
        olivia = slack.person("olivia").id
        self._slack = slack
        environment = environment_for(slack, ADMIN_USERS=olivia, **places, **settings)
        self._process = serve(folder, folder / "log.txt", environment)
        slack.wait_connected()
        slack.wait_until(self._answers, what="an answer")

    def _answers(self) -> bool:
        """Ask once: right after the connection the knowledge base is still being read."""
        return ANSWER in self._slack.reply(self._slack.command("alice", "it-help", f"/search {QUESTION}")).shown

    def kill(self) -> None:
        """Kill it as the kernel would when memory is short."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._slack.wait_until(lambda: self._slack.connections == 0, what="the end of the connection")
