"""One day of a team with Kotae: a real process, a real model, a real knowledge base, until SIGTERM in the evening."""

import os
import signal
import subprocess
from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest

from bot.playground import LocalSlack
from tests.encoders import minilm_path
from tests.processes import Python
from tests.slack.conftest import ack_took

IT_HELP = """\
id,question,answer,category,link
pw,How do I reset my password?,Open the reset page and follow the three steps.,Account,https://id.example.com/reset
vpn,The VPN does not connect from home.,Restart the router and then open the VPN client again.,Network,
print,The printer on the third floor does not print.,Check paper and power and clear the print queue.,Printer,
"""
WIFI = "wifi,How do I join the office Wi-Fi?,Choose Sample-Office and sign in with your work account.,Network,\n"


@pytest.fixture
def kotae(slack: LocalSlack, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`python -m bot serve`, as a service manager would start it."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "it-help.csv").write_text(IT_HELP, encoding="utf-8")
    environment = {
        **os.environ,
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "MODEL_NAME": str(minilm_path()),
    }
    with (tmp_path / "log").open("w") as log:
        process = Python[str]("-m", "bot", "serve", cwd=tmp_path, env=environment, stderr=log, text=True)
        try:
            slack.wait_connected(timeout=60)
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_day(slack: LocalSlack, kotae: subprocess.Popen[str], tmp_path: Path) -> None:
    csv, log = tmp_path / "knowledge" / "it-help.csv", tmp_path / "log"

    # 08:55  Hanako asks while the model is still being loaded; her question is not lost.
    early = slack.reply(slack.command("hanako", "it-help", "/search VPN from home"), timeout=60)
    assert "Restart the router" in early.shown
    slack.wait_until(lambda: "is ready after" in log.read_text(), timeout=240, what="the model")

    slack.wait_until(lambda: _status_names(slack, str(minilm_path())), timeout=240, what="vectors")

    # 09:30  Alice asks in other words than the knowledge base has.
    private = slack.reply(slack.command("alice", "it-help", "/search I can't log in, I forgot my secret word"))
    assert "Open the reset page and follow the three steps." in private.shown
    assert slack.ephemerals("hanako", "it-help") == [early]
    assert slack.bot_messages("it-help") == []

    # 10:00  A thread nobody answers; Olivia calls Kotae into it.
    thread = slack.say("alice", "it-help", "The printer on the third floor is not printing")
    slack.quiet()
    assert slack.replies(thread) == []
    slack.mention("olivia", "it-help", "?", thread_ts=thread.ts)
    assert "clear the print queue" in slack.reply(thread).shown

    # 10:30  Hanako just asks, in a direct message.
    assert "Restart the router" in slack.reply(slack.dm("hanako", "The VPN does not connect from home")).shown

    # 11:00  Auto-reply is switched on and, on Olivia's word, not proved first: sure answers are given, chatter is left
    #        alone, edits and deletions are followed.
    switched = slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on"))
    slack.reply(slack.press("olivia", switched, "proof_overrule"))
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.8"))
    question = slack.say("alice", "it-help", "How do I reset my password?")
    answer = slack.reply(question)
    assert "three steps" in answer.shown
    chatter = slack.say("hanako", "it-help", "Anybody up for ramen at noon?")
    slack.quiet()
    assert slack.replies(chatter) == []
    slack.edit(question, "The VPN does not connect from home.")
    slack.wait_until(lambda: "Restart the router" in answer.shown, what="the edited answer")
    slack.delete(question)
    slack.wait_until(lambda: answer.deleted, what="the withdrawal")

    # 13:00  A row is added and the CSV reloaded; a broken file later changes nothing.
    csv.write_text(IT_HELP + WIFI, encoding="utf-8")
    assert _reload(slack, "4 entries. Added 1, changed 0, removed 0")
    assert "Sample-Office" in slack.reply(slack.command("alice", "it-help", "/search join the wifi")).shown
    csv.write_bytes(b"PK\x03\x04 an Excel workbook by mistake")
    assert _reload(slack, "was not reloaded and nothing has changed")
    assert "Sample-Office" in slack.reply(slack.command("alice", "it-help", "/search join the wifi")).shown

    # 15:00  The socket dies without a word; Kotae notices and is back.
    opened = slack.connections_opened
    slack.faults.freeze()
    slack.wait_until(lambda: slack.connections_opened > opened, timeout=60, what="a new connection")
    slack.faults.thaw()
    assert "three steps" in slack.reply(slack.dm("alice", "How do I reset my password?"), timeout=60).shown

    # 18:00  SIGTERM with a question in flight: it is answered, and the process ends well.
    slack.faults.slow("users.info", seconds=0.5)
    last = slack.dm("olivia", "The VPN does not connect from home.")
    delivered = slack.wait_until(lambda: _all_acked(slack), what="the acks")
    assert max(delivered) < 3
    kotae.send_signal(signal.SIGTERM)
    assert "Restart the router" in slack.reply(last).shown
    assert kotae.wait(timeout=60) == 0

    assert slack.warnings == []
    assert slack.bot_token not in log.read_text()
    assert slack.app_token not in log.read_text()


def _status_names(slack: LocalSlack, model: str) -> bool:
    """Tell whether `/kb status` names the model as the encoder of the knowledge base."""
    return f"entries, {model}" in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown


def _reload(slack: LocalSlack, report: str) -> bool:
    """Reload as an admin would, and wait for the report."""
    slack.command("olivia", "it-help", "/kb reload it-help")
    return bool(
        slack.wait_until(
            lambda: any(report in message.shown for message in slack.ephemerals("olivia", "it-help")), what=report
        )
    )


def _all_acked(slack: LocalSlack) -> list[float]:
    """Seconds to the ack of each envelope so far; nothing while one is outstanding."""
    seconds = [ack_took(envelope) for envelope in slack.envelopes]
    return [] if inf in seconds else seconds
