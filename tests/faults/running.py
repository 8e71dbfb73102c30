"""The bot in a process of its own, connected to a local Slack in this one."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.playground import LocalSlack
from tests.processes import Python

ROOT = Path(__file__).parents[2]
KEPT = frozenset({"PATH", "HF_HUB_OFFLINE"})


def environment_for(slack: LocalSlack, **settings: str) -> dict[str, str]:
    """Return the environment of a bot that searches by words; nothing else of this process's own is in it."""
    return {
        **{name: value for name, value in os.environ.items() if name in KEPT},
        "PYTHONPATH": str(ROOT),
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "ENCODER_BACKEND": "lexical",
        **settings,
    }


def serve(folder: Path, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `kotae serve` in a folder; what it logs is added to a file."""
    with log.open("ab") as file:
        return Python[bytes]("-m", "bot", "serve", cwd=folder, env=environment, stdout=file, stderr=file)


@contextmanager
def running_bot(slack: LocalSlack, knowledge: Mapping[str, str], settings: str) -> Iterator[Path]:
    """Run `kotae serve` with CSV files by name and a kotae.toml, in a folder of its own, where its log is `log`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "knowledge").mkdir()
        (folder / "kotae.toml").write_text(settings)
        for each, rows in knowledge.items():
            (folder / "knowledge" / f"{each}.csv").write_text(rows)
        process = serve(folder, folder / "log", environment_for(slack, DATA_DIR=str(folder / "data")))
        try:
            slack.wait_connected(timeout=60)
            yield folder
        finally:
            process.terminate()
            process.wait(30)
