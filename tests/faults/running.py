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


@contextmanager
def running_bot(slack: LocalSlack, knowledge: Mapping[str, str], settings: str) -> Iterator[Path]:
    """Run `kotae serve` with CSV files by name and a kotae.toml, in a folder of its own, where its log is `log`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "knowledge").mkdir()
        (folder / "kotae.toml").write_text(settings)
        for each, rows in knowledge.items():
            (folder / "knowledge" / f"{each}.csv").write_text(rows)
        process = _serve(slack, folder)
        try:
            slack.wait_connected(timeout=60)
            yield folder
        finally:
            process.terminate()
            process.wait(30)


def _serve(slack: LocalSlack, folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "DATA_DIR": str(folder / "data"),
        "ENCODER_BACKEND": "lexical",
    }
    with (folder / "log").open("w") as log:
        return Python[bytes]("-m", "bot", "serve", cwd=folder, env=environment, stdout=log, stderr=log)
