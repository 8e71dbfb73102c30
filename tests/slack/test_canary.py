"""At LOG_LEVEL=DEBUG, through every entry point: nothing that people wrote, and nothing that lets anybody in."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.logs import TracebackFormatter, withhold, without_secrets
from bot.playground import LocalSlack, View
from indexes.errors import KnowledgeBaseError
from tests.slack.test_serve import ROOT, Process

CANARY = "canaryzx"
"""In everything that people write, send and upload here."""


@pytest.fixture
def process(slack: LocalSlack, knowledge: Path) -> Iterator[Process]:
    """The bot in a process of its own, which logs all that it can."""
    (knowledge.parent / "kotae.toml").write_text('[channels.it-help]\nauto_reply = "on"\n', "utf-8")
    running = Process(slack, knowledge.parent, LOG_LEVEL="DEBUG", ADMIN_USERS=slack.person("olivia").id)
    try:
        slack.wait_connected()
        yield running
    finally:
        running.running.kill()
        running.running.wait()


def said(slack: LocalSlack) -> None:
    """Ask in every way."""
    slack.reply(slack.command("hanako", "it-help", f"/search パスワード {CANARY}"))
    slack.reply(slack.command("olivia", "it-help", f"/kb export {CANARY}"))
    slack.reply(slack.command("olivia", "it-help", f"/kb threshold {CANARY}"))
    slack.reply(slack.mention("hanako", "it-help", f"VPN {CANARY}"))
    slack.reply(slack.dm("hanako", f"プリンター {CANARY}"))
    edited = slack.say("alice", "it-help", f"How do I connect to the office Wi-Fi? {CANARY}")
    slack.unfurl(slack.edit(edited, f"Wi-Fi? {CANARY}"))
    slack.delete(slack.say("alice", "it-help", CANARY))
    slack.other_bot_says("it-help", CANARY)
    slack.react("alice", edited, "eyes")
    slack.quiet()


def pressed(slack: LocalSlack) -> None:
    """Press, vote and fill in forms."""
    answer = slack.reply(slack.command("hanako", "it-help", f"/search 社員番号 {CANARY}"))
    slack.press("hanako", answer, "vote_none" if "vote_none" in str(answer.blocks) else "share")
    form = opened(slack, "olivia", f"/kb add {CANARY}")
    slack.submit("olivia", form, {"question": f"{CANARY}？", "answer": f"{CANARY}。"})
    used = slack.shortcut("hanako", "ask_kotae")
    asking = slack.wait_until(lambda: used.views, what="the form")[0]
    offered = slack.suggest("hanako", asking, "typeahead_typed", f"VPN {CANARY}").options
    slack.press("hanako", asking, "typeahead_typed", offered[-1])
    home = slack.open_home("hanako")
    assert home
    slack.press("hanako", home, "home_ask", f"VPN {CANARY}")
    slack.shortcut("hanako", "save_to_kb", slack.say("alice", "it-help", f"{CANARY}?"))
    slack.quiet()


def opened(slack: LocalSlack, who: str, line: str) -> View:
    slack.command(who, "it-help", line)
    return slack.wait_until(lambda: slack.views(who), what="the form")[-1]


def uploaded(slack: LocalSlack) -> None:
    """Send files: one to be read, one that can't be."""
    olivia = slack.person("olivia")
    slack.upload("olivia", olivia, "it-help.csv", f"質問,回答\n{CANARY}？,{CANARY}\n".encode(), comment=CANARY)
    cards = slack.wait_until(
        lambda: [each for each in slack.bot_messages(olivia) if "upload_apply" in str(each.blocks)], what="the card"
    )
    slack.press("olivia", cards[0], "upload_apply")
    slack.upload("olivia", olivia, "it-help.csv", f"{CANARY},{CANARY}\n".encode(), comment=CANARY)
    slack.quiet()


def broken(slack: LocalSlack) -> None:
    """Let Slack and the connection fail in the middle of it."""
    for method in ("chat.postMessage", "response_url", "views.open", "users.info", "files.info"):
        slack.faults.error(method, "restricted_action", times=None)
        slack.command("hanako", "it-help", f"/search VPN {CANARY}")
        slack.mention("ichiro", "it-help", f"VPN {CANARY}")
        slack.quiet()
        slack.faults.clear()
        slack.faults.server_error(method, status=500)
        slack.command("alice", "it-help", f"/search VPN {CANARY}")
        slack.mention("alice", "it-help", f"VPN {CANARY}")
        slack.quiet()
        slack.faults.clear()
    slack.faults.garbage(f'{{"type": "{CANARY}"}}', f"{{{CANARY}", f'{{"envelope_id": "{CANARY}", "payload": 1}}')
    slack.faults.disconnect()
    slack.wait_until(lambda: slack.connections_opened > 1, what="another connection")
    slack.faults.tcp_reset()
    slack.wait_until(lambda: slack.connections_opened > 2, what="another connection")
    slack.reply(slack.mention("hanako", "it-help", f"VPN {CANARY}"))


@pytest.mark.timeout(240)
def test_nothing_that_was_written_and_no_secret_is_in_the_log(slack: LocalSlack, process: Process) -> None:
    said(slack)
    pressed(slack)
    uploaded(slack)
    broken(slack)
    process.running.terminate()
    assert process.running.wait(30) == 0
    text = process.text()
    assert "bot.connection: Connected to Slack" in text
    assert "handlers.request: Something went wrong; reference" in text
    assert "slack_sdk.errors.SlackApiError: restricted_action" in text
    assert "Somebody was told: " in text
    assert "<html>" not in text, "a page that Slack sent instead of JSON"
    assert [line for line in text.splitlines() if CANARY in line] == []
    urls = [each.response_url for each in slack.interactions if each.response_url]
    tickets = [call.args.get("ticket") for call in slack.calls] + [each.trigger_id for each in slack.interactions]
    secrets = [slack.bot_token, slack.app_token, *urls, *filter(None, tickets)]
    assert [secret for secret in secrets if secret in text] == []
    assert [path for path in ("/commands/", "/actions/", "/upload/", "?") if f"{slack.base_url}{path}" in text] == []


def logged(name: str, level: int, message: str, *arguments: object, error: Exception | None = None) -> str:
    """What stands in the log of such a record; blank for nothing."""
    kind = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, level, __file__, 1, message, arguments, kind, "function")
    return TracebackFormatter("%(name)s %(message)s").format(record) if withhold(record) else ""


@pytest.mark.parametrize(
    "name",
    ["slack_bolt.App", "app.py:SearchHandler", "kotae", "slack_sdk.web", "sqlalchemy.engine", "root", "botany.x"],
)
def test_what_a_library_says_is_withheld_whatever_its_name(name: str) -> None:
    for level in (logging.DEBUG, logging.INFO):
        assert logged(name, level, "body: %s", CANARY) == ""
    for level in (logging.WARNING, logging.ERROR, logging.CRITICAL):
        text = logged(name, level, f"body: {CANARY} %s", CANARY)
        assert text == f"{name} test_canary.function, line 1 [hidden]"


def test_an_exception_tells_where_it_was_and_nothing_that_it_quotes() -> None:
    try:
        try:
            int(CANARY)
        except ValueError as error:
            raise KeyError(CANARY) from error
    except KeyError as error:
        text = logged("handlers.request", logging.ERROR, "Something went wrong", error=error)
    assert CANARY not in text
    assert "builtins.ValueError\nwhich led to:\n" in text
    assert text.endswith("builtins.KeyError")
    assert text.count(f'  File "{__file__}", line ') == 2
    refused = logged("bot.x", logging.ERROR, "no", error=KnowledgeBaseError("edit.no_such", name=CANARY))
    assert refused.endswith("KnowledgeBaseError: edit.no_such")
    full = logged("bot.x", logging.ERROR, "no", error=OSError(28, "No space left on device"))
    assert full.endswith("OSError: No space left on device")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("xoxb-1-2-hunter", "[hidden]"),
        ("token xapp-1-A-hunter, sent", "token [hidden], sent"),
        ("xoxe.xoxp-1-hunter", "[hidden]"),
        ("https://hooks.slack.com/commands/T1/2/hunter failed", "https://hooks.slack.com/[hidden] failed"),
        ("https://files.slack.com/upload/v1/hunter", "https://files.slack.com/[hidden]"),
        ("wss://wss.slack.com/link/?ticket=hunter&app_id=1", "wss://wss.slack.com/[hidden]"),
        ("https://a.example/x?X-Amz-Signature=hunter'", "https://a.example/x?[hidden]'"),
        (
            "(Received a response in a non-JSON format: <p>\nhunter)",
            "(Received a response in a non-JSON format: [hidden]",
        ),
        ("See https://docs.slack.dev/reference/methods", "See https://docs.slack.dev/reference/methods"),
    ],
)
def test_what_lets_anybody_in_is_hidden_in_what_the_bot_itself_logs(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert logged("bot.connection", logging.INFO, "%s", text) == f"bot.connection {shown}"


def test_a_thread_that_ends_goes_through_the_same_door() -> None:
    program = f"""
import threading
from bot.logs import log_to_stderr
log_to_stderr("DEBUG")
def fall(): raise ValueError("{CANARY}" + "y")
thread = threading.Thread(target=fall, name="kotae-x"); thread.start(); thread.join()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "A thread ended: kotae-x" in done.stderr
    assert done.stderr.rstrip().endswith("builtins.ValueError")
    assert CANARY not in done.stderr
