"""A real `python -m bot serve` against the local Slack: it ends as it should, and says why it can't begin."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lock import only_one
from bot.playground import DEFAULT_SCOPES, LocalSlack
from bot.samples import FOLDER as SAMPLES
from indexes.records import read_records
from tests.conftest import FOLDER
from tests.http_client import Client
from tests.processes import Python, run

ROOT = Path(__file__).parents[2]
QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"


class Process:
    """The bot as a process of its own, with its stderr in a file."""

    def __init__(self, slack: LocalSlack, folder: Path, *options: str, **changed: str) -> None:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HF_HUB_OFFLINE"}}
        self.environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "ENCODER_BACKEND": "lexical",
            **changed,
        }
        self.log = folder / "stderr.txt"
        with self.log.open("w") as log:
            self.running = Python[bytes](
                "-m", "bot", "serve", *options, cwd=folder, env=self.environment, stdout=log, stderr=log
            )

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run("-m", "bot", *arguments, cwd=self.log.parent, env=self.environment)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        if process.running.poll() is None:
            process.running.kill()
        process.running.wait()


def serving(slack: LocalSlack, knowledge: Path, processes: list[Process], **changed: str) -> Process:
    processes.append(Process(slack, knowledge.parent, **changed))
    return processes[-1]


def ended(process: Process, seconds: float = 30) -> int:
    return process.running.wait(seconds)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_was_accepted_and_exits_0(
    slack: LocalSlack, knowledge: Path, processes: list[Process], number: int
) -> None:
    process = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    if number == signal.SIGTERM:
        status = process.command("status")
        assert (status.returncode, status.stderr) == (0, "")
        assert status.stdout.startswith(f"Kotae is running (pid {process.running.pid}, up 0.0 h)")
        assert "it-help: 5 records" in status.stdout
    slack.faults.slow("chat.postMessage", seconds=1.5, times=None)
    asked = [slack.mention("hanako", "it-help", QUESTION) for _ in range(5)]
    slack.wait_until(lambda: all(each.outcome == "acked" for each in slack.envelopes))
    slack.wait_until(lambda: len(slack.calls_of("conversations.info")) >= 1)
    process.running.send_signal(number)
    started = time.monotonic()
    assert ended(process) == 0
    assert time.monotonic() - started < 10
    assert [len(slack.replies(each)) for each in asked] == [1] * 5
    assert all(ANSWER in slack.replies(each)[0].shown for each in asked)
    text = process.text()
    assert "Stopping: finishing the accepted requests" in text
    assert text.rstrip().endswith("Stopped")
    for secret in (slack.bot_token, slack.app_token, QUESTION):
        assert secret not in text
    assert "Traceback" not in text
    assert "WARNING" not in text
    assert not (knowledge.parent / ".kotae" / "status.json").exists()


WAITING = """\
import os, signal, threading
from bot.signals import call_at_end
stop = threading.Event()
call_at_end(stop.set)
for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP] * 10:
    threading.Timer(0.001, os.kill, (os.getpid(), number)).start()
    while not stop.wait(0):
        pass
    stop.clear()
"""


def test_a_signal_at_whatever_moment_is_heard() -> None:
    """Also while the main thread holds the lock of what it waits for."""
    assert run("-c", WAITING, timeout=60).returncode == 0


def test_a_terminal_that_is_closed_ends_nothing_that_nohup_started() -> None:
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    sent = "os.kill(os.getpid(), signal.SIGHUP); print(stop.wait(0.2))"
    assert run("-c", ignored + WAITING.partition("for ")[0] + sent).stdout == "False\n"


def test_a_signal_while_slack_is_gone_ends_within_10_s(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    process = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    slack.faults.freeze(new=True, http=True)
    slack.faults.tcp_fin()
    process.running.send_signal(signal.SIGHUP)  # the terminal is closed
    started = time.monotonic()
    assert ended(process) == 0
    assert time.monotonic() - started < 10


def refused(slack: LocalSlack, knowledge: Path, processes: list[Process], **changed: str) -> str:
    """Why it didn't start; within seconds, with exit code 1, and without a secret or a traceback."""
    process = serving(slack, knowledge, processes, **changed)
    assert ended(process) == 1
    text = process.text()
    for secret in (slack.bot_token, slack.app_token, "hunter2"):
        assert secret not in text
    assert "Traceback" not in text
    return text


def test_tokens_that_slack_does_not_know(slack: LocalSlack, knowledge: Path, processes: list[Process]) -> None:
    text = refused(slack, knowledge, processes, SLACK_APP_TOKEN="xapp-1-hunter2")
    assert "Slack refused: invalid_auth. Slack does not know this token. Copy it again" in text


def test_without_tokens_slack_is_not_asked(slack: LocalSlack, knowledge: Path, processes: list[Process]) -> None:
    text = refused(slack, knowledge, processes, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="")
    assert text.startswith("Not set: SLACK_BOT_TOKEN and SLACK_APP_TOKEN. `kotae connect` makes the Slack app")
    assert slack.calls == []


def test_swapped_tokens(slack: LocalSlack, knowledge: Path, processes: list[Process]) -> None:
    changed = {"SLACK_BOT_TOKEN": slack.app_token, "SLACK_APP_TOKEN": slack.bot_token, "LOG_LEVEL": "DEBUG"}
    text = refused(slack, knowledge, processes, **changed)
    assert "SLACK_BOT_TOKEN: must begin with xoxb-: it is the Bot User OAuth Token" in text
    assert "SLACK_APP_TOKEN: must begin with xapp-: it is the app-level token" in text


def test_a_missing_scope_is_named(knowledge: Path, processes: list[Process]) -> None:
    with LocalSlack(scopes=set(DEFAULT_SCOPES) - {"channels:read", "groups:read"}) as slack:
        text = refused(slack, knowledge, processes)
    assert "Slack refused: missing_scope (" in text
    assert "channels:read" in text
    assert "Paste the output of `kotae manifest`" in text


def test_an_unknown_channel_in_kotae_toml(slack: LocalSlack, knowledge: Path, processes: list[Process]) -> None:
    (knowledge.parent / "kotae.toml").write_text('[channels.it-hepl]\nknowledge_bases = ["it-help"]\n')
    text = refused(slack, knowledge, processes, DATABASE_URL="")
    assert "kotae.toml: channels.it-hepl = 'it-hepl': no channel of that name or id is visible; did you mean" in text


def test_a_slack_that_can_not_be_reached_or_a_database_that_can_not_be_opened(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    text = refused(slack, knowledge, processes, SLACK_API_URL="http://127.0.0.1:9/")
    assert "http://127.0.0.1:9/ can't be reached (" in text
    text = refused(slack, knowledge, processes, DATABASE_URL="nothing://kotae:hunter2@db/kotae")
    assert "The state database can't be opened (" in text


def test_a_file_that_can_not_be_written_is_not_blamed_on_the_network(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    data_dir = knowledge.parent / ".kotae"
    (data_dir / "instance").mkdir(parents=True)  # where a file of that name is written
    text = refused(slack, knowledge, processes, DATABASE_URL="")
    assert "can't be reached" not in text
    assert f"Not done: {Path('.kotae') / 'instance'}: Is a directory" in text


# One bot for each DATA_DIR


@pytest.mark.long("starts bot after bot")
def test_a_second_bot_on_the_same_data_says_who_has_it(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    first = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    second_log = knowledge.parent / "second"
    second_log.mkdir()
    data = {"DATA_DIR": str(knowledge.parent / ".kotae"), "KNOWLEDGE_DIR": str(knowledge)}
    second = Process(slack, second_log, **data)
    processes.append(second)
    assert ended(second) == 1
    said = second.text()
    assert f"Another Kotae works with DATA_DIR = {data['DATA_DIR']}: process {first.running.pid} on " in said
    assert "Stop that one first" in said
    assert "Traceback" not in said
    assert slack.connections == 1
    for command in (["status"], ["check", str(knowledge / "it-help.csv")], ["doctor"]):
        done = first.command(*command)
        assert (done.returncode, "Another Kotae" in done.stdout + done.stderr) == (0, False), done.stderr
    searched = first.command("search", str(knowledge / "it-help.csv"), QUESTION)
    assert ANSWER in searched.stdout


@pytest.mark.long("kills bots")
def test_a_lock_of_a_bot_that_was_killed_hinders_nobody(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    first = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    first.running.kill()
    first.running.wait()
    slack.wait_until(lambda: slack.connections == 0, what="the end of the connection")
    assert (knowledge.parent / ".kotae" / "bot.json").exists()
    second = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    second.running.send_signal(signal.SIGTERM)
    assert ended(second) == 0
    assert not (knowledge.parent / ".kotae" / "bot.json").exists()


def test_a_second_trial_says_who_has_the_data(slack: LocalSlack, knowledge: Path, processes: list[Process]) -> None:
    holder = Process(slack, knowledge.parent, DATA_DIR="elsewhere")
    processes.append(holder)
    slack.wait_connected(timeout=60)
    with only_one(knowledge.parent / "elsewhere" / "try"):
        second = holder.command("try", "--no-open")
    assert (second.returncode, second.stdout) == (1, "")
    assert f"process {os.getpid()} on " in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.sqlite(FOLDER)
@pytest.mark.long("starts bot after bot")
def test_a_folder_that_was_emptied_is_refused_until_somebody_says_that_it_is_meant(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    process = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    process.running.send_signal(signal.SIGTERM)
    assert ended(process) == 0
    slack.wait_until(lambda: slack.connections == 0, what="the end of the connection")
    away = knowledge.with_name("away")
    knowledge.rename(away)
    held = "it held _shared, dev-faq, it-help when Kotae last ran. Is the disk mounted"
    assert f"the folder is gone, and {held}" in refused(slack, knowledge, processes)
    assert not knowledge.exists()
    knowledge.mkdir()
    text = refused(slack, knowledge, processes)
    assert f"KNOWLEDGE_DIR = knowledge: the folder is empty, and {held}" in text
    assert "`kotae serve --empty` once if it is meant to be empty" in text
    assert "The samples that come with Kotae are in bot/samples now: see docs/upgrading.md" in text
    processes.append(Process(slack, knowledge.parent, "--empty"))
    slack.wait_connected(timeout=60)
    shown = slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}")).shown
    assert ANSWER not in shown
    processes[-1].running.send_signal(signal.SIGTERM)
    assert ended(processes[-1]) == 0
    slack.wait_until(lambda: slack.connections == 0, what="the end of the connection")
    again = serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    assert again.running.poll() is None
    slack.wait_until(lambda: f"{knowledge} holds no CSV file or workbook yet" in again.text(), what="the warning")


def test_leftovers_of_a_killed_bot_are_gone_after_the_next_start(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    leftovers = [knowledge / ".it-help.csv.0a1b2c.new", knowledge.parent / ".kotae" / ".status.json.0a1b2c.new"]
    for leftover in leftovers:
        leftover.parent.mkdir(exist_ok=True)
        leftover.write_bytes(b"half")
    serving(slack, knowledge, processes)
    slack.wait_connected(timeout=60)
    assert [each for each in leftovers if each.exists()] == []
    assert (knowledge.parent / ".kotae").stat().st_mode & 0o777 == (0o700 if os.name != "nt" else 0o777)


# HTTP for programs


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_http_opens_with_the_bot_and_closes_with_it(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    asking = Client(address)
    process = serving(slack, knowledge, processes, API_BIND=address)
    slack.wait_connected(timeout=60)
    slack.wait_until(lambda: asking("GET", "/readyz").status == 200, timeout=60, what="the bot to be ready")
    made = process.command("token", "create", "website", "--knowledge-bases", "it-help")
    assert Client(address, made.stdout.strip()).search(QUESTION).json["hits"][0]["record"]["answer"].startswith(ANSWER)
    assert asking.search(QUESTION).status == 401
    other = knowledge.parent / "other"
    other.mkdir()
    bind = {"API_BIND": address, "DATA_DIR": str(other / "data"), "KNOWLEDGE_DIR": str(knowledge)}
    processes.append(Process(slack, other, **bind))
    assert ended(processes[-1]) == 1
    told = processes[-1].text()
    assert f"API_BIND = {address}: another program listens there already; choose another port" in told
    assert "Traceback" not in told
    assert f"[ok]   HTTP for programs: open at {address}" in process.command("doctor").stdout
    process.running.send_signal(signal.SIGTERM)
    assert ended(process) == 0
    with pytest.raises(ConnectionRefusedError):
        asking("GET", "/healthz")
    assert made.stdout.strip() not in process.text()
    assert QUESTION not in process.text()


def test_without_its_packages_the_error_says_what_to_install(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    missing = knowledge.parent / "missing"
    missing.mkdir()
    (missing / "sitecustomize.py").write_text("import sys; sys.modules['fastapi'] = None\n")
    path = f"{missing}{os.pathsep}{ROOT}"
    text = refused(slack, knowledge, processes, API_BIND="127.0.0.1:0", PYTHONPATH=path)
    assert "API_BIND = 127.0.0.1:0: HTTP needs the package fastapi, which is not installed" in text
    assert "run pip install -c constraints.txt -e '.[api]'" in text


def test_an_address_beyond_this_machine_is_warned_of(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    process = serving(slack, knowledge, processes, API_BIND="0.0.0.0:0")
    slack.wait_connected(timeout=60)
    assert "API_BIND = 0.0.0.0:0 is reachable from other machines, and Kotae speaks HTTP without TLS" in process.text()


def test_files_that_come_from_the_samples_are_named(
    slack: LocalSlack, knowledge: Path, processes: list[Process]
) -> None:
    shutil.copy(SAMPLES / "dev-faq.csv", knowledge / "dev-faq.csv")
    rows = len(read_records(SAMPLES / "dev-faq.csv").records)
    process = serving(slack, knowledge, processes)
    says = f"dev-faq.csv: {rows} of its {rows} rows are those of the samples that come with Kotae"
    slack.wait_until(lambda: says in process.text(), 60, "the warning")
    assert process.text().count("rows are those of the samples") == 1
