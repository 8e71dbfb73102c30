"""`kotae connect`: the whole way against the local Slack over HTTP, as a process of its own."""

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from dotenv import dotenv_values

from bot.manifest import RESERVED_COMMANDS, SCOPES
from bot.playground import DEFAULT_SCOPES, LocalSlack
from tests.processes import run

ROOT = Path(__file__).parents[1]
EARLIER = (
    "# ours\nLOG_LEVEL=DEBUG  # for now\n\nSLACK_BOT_TOKEN=\n#SEARCH_COMMAND=/search\nNOTE='two\nlines'\n"
    "export SLACK_APP_TOKEN=  # socket\n# the end"
)


@pytest.fixture
def scopes() -> tuple[str, ...]:
    return DEFAULT_SCOPES


@pytest.fixture
def reserved() -> frozenset[str]:
    return RESERVED_COMMANDS


@pytest.fixture
def slack(scopes: tuple[str, ...], reserved: frozenset[str]) -> Iterator[LocalSlack]:
    with LocalSlack(scopes=scopes, reserved=reserved) as running:
        yield running


def environment(slack: LocalSlack, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT"}}
    return {**kept, "PYTHONPATH": str(ROOT), "SLACK_API_URL": slack.api_url, "PYTHONUNBUFFERED": "1", **more}


def connect(
    slack: LocalSlack, folder: Path, *options: str, answers: tuple[str, ...], **more: str
) -> subprocess.CompletedProcess[str]:
    said = "".join(f"{answer}\n" for answer in answers)
    done = run("-m", "bot", "connect", *options, said=said, cwd=folder, env=environment(slack, **more))
    for secret in (slack.bot_token, slack.app_token, slack.config_token, *answers):
        assert not secret or secret not in done.stdout + done.stderr
    assert slack.config_token not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    return done


def test_the_whole_way_with_a_name_that_slack_takes(slack: LocalSlack, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EARLIER)
    done = connect(slack, tmp_path, answers=(slack.config_token, slack.bot_token, slack.app_token))
    assert (done.returncode, done.stderr) == (0, "")
    said = "Slack takes no /search here (The slash command has an invalid name); trying /kb-search."
    assert said in done.stdout.splitlines()
    assert f"https://api.slack.com/apps/{slack.workspace.app_id}/install-on-team" in done.stdout
    assert f"with all {len(SCOPES)} scopes" in done.stdout
    written = (tmp_path / ".env").read_text()
    assert written == (
        f"# ours\nLOG_LEVEL=DEBUG  # for now\n\nSLACK_BOT_TOKEN={slack.bot_token}\nSEARCH_COMMAND=/kb-search\n"
        f"NOTE='two\nlines'\nexport SLACK_APP_TOKEN={slack.app_token}  # socket\n# the end"
    )
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    [made] = slack.manifests
    assert [each["command"] for each in made["features"]["slash_commands"]] == ["/kb-search", "/kb"]
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
    checked = [call.error for call in slack.calls_of("apps.manifest.validate")]
    assert checked == ["invalid_manifest", ""]


@pytest.mark.parametrize("reserved", [RESERVED_COMMANDS - {"search"}])
def test_where_slack_takes_search_it_stays_search(slack: LocalSlack, tmp_path: Path) -> None:
    done = connect(slack, tmp_path, answers=(slack.bot_token, slack.app_token), SLACK_CONFIG_TOKEN=slack.config_token)
    assert done.returncode == 0
    assert dotenv_values(tmp_path / ".env") == {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
    }
    assert slack.manifests[0]["features"]["slash_commands"][0]["command"] == "/search"


def test_a_new_file_begins_as_the_example(slack: LocalSlack, tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    (tmp_path / ".env.example").write_text(example, encoding="utf-8")
    assert connect(slack, tmp_path, answers=(slack.config_token, slack.bot_token, slack.app_token)).returncode == 0
    now, before = (tmp_path / ".env").read_text(encoding="utf-8").splitlines(), example.splitlines()
    changed = {new.partition("=")[0] for new, old in zip(now, before, strict=True) if new != old}
    assert changed == {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SEARCH_COMMAND"}


def test_an_agent(tmp_path: Path) -> None:
    with LocalSlack(scopes=[*DEFAULT_SCOPES, "assistant:write"]) as slack:
        answers = (slack.config_token, slack.bot_token, slack.app_token)
        assert connect(slack, tmp_path, "--agent", answers=answers).returncode == 0
        assert "agent_view" in slack.manifests[0]["features"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--search-command", "/remind"), "Slack refused the manifest: invalid_manifest\n  The slash command has an"),
        (("--admin-command", "/status"), "invalid name (/features/slash_commands)\nGive other names: kotae connect"),
        (("--search-command", "/TOO LOUD"), "'/TOO LOUD' can't be a command"),
    ],
)
def test_a_name_that_was_asked_for_is_not_replaced(
    slack: LocalSlack, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = connect(slack, tmp_path, *options, answers=(slack.config_token,))
    assert done.returncode == 1
    assert said in done.stderr
    assert slack.manifests == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("xoxe.xoxp-1-nobody", "Slack refused the configuration token: invalid_auth."),
        ("xoxe-1-refresh", "it is the refresh token below it"),
        ("xoxb-wrong-kind", "An app configuration token begins with xoxe.xoxp-"),
        ("", "An app configuration token begins with xoxe.xoxp-"),
    ],
)
def test_a_wrong_configuration_token_makes_nothing(slack: LocalSlack, tmp_path: Path, token: str, said: str) -> None:
    done = connect(slack, tmp_path, answers=(token,))
    assert done.returncode == 1
    assert said in done.stderr
    assert slack.manifests == []
    assert list(tmp_path.iterdir()) == []


def test_wrong_tokens_are_asked_for_again_and_swapped_ones_explained(slack: LocalSlack, tmp_path: Path) -> None:
    answers = (slack.app_token, "xoxb-nobody", slack.bot_token, slack.bot_token, "xapp-nobody", slack.app_token)
    done = connect(slack, tmp_path, "--app", "A0123456789", answers=answers)
    assert done.returncode == 0
    assert "This is another token: that one begins with xoxb-" in done.stdout
    assert done.stdout.count("Slack refused: invalid_auth. Slack does not know this token.") == 2
    assert "This is another token: that one begins with xapp-" in done.stdout
    assert slack.calls_of("apps.manifest.create") == []
    assert dotenv_values(tmp_path / ".env")["SLACK_APP_TOKEN"] == slack.app_token


@pytest.mark.parametrize("scopes", [tuple(set(DEFAULT_SCOPES) - {"files:read"})])
def test_missing_scopes_are_named_and_nothing_is_written(slack: LocalSlack, tmp_path: Path) -> None:
    done = connect(slack, tmp_path, "--app", "A0123456789", answers=(slack.bot_token,) * 3)
    assert done.returncode == 1
    assert "Scopes missing: files:read." in done.stdout
    assert "Not taken after 3 tries: Bot User OAuth Token" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [0, 1, 2])
def test_an_input_that_ends_leaves_the_file_as_it_was(slack: LocalSlack, tmp_path: Path, given: int) -> None:
    (tmp_path / ".env").write_text(EARLIER)
    done = connect(slack, tmp_path, answers=(slack.config_token, slack.bot_token)[:given])
    assert done.returncode == 1
    assert "The input ended where this was asked for" in done.stderr
    assert (tmp_path / ".env").read_text() == EARLIER
    again = f"go on with kotae connect --app {slack.workspace.app_id} --search-command /kb-search --admin-command /kb"
    assert (again in done.stdout) == (given > 0)


def test_going_on_with_an_app_writes_the_name_it_was_made_with(slack: LocalSlack, tmp_path: Path) -> None:
    options = ("--app", "A0123456789", "--search-command", "/kb-search")
    assert connect(slack, tmp_path, *options, answers=(slack.bot_token, slack.app_token)).returncode == 0
    assert dotenv_values(tmp_path / ".env")["SEARCH_COMMAND"] == "/kb-search"


def test_tokens_that_are_there_are_not_replaced_unasked(slack: LocalSlack, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-other\nSLACK_APP_TOKEN=xapp-other\n")
    answers = (slack.config_token, slack.bot_token, slack.app_token)
    done = connect(slack, tmp_path, answers=answers)
    assert done.returncode == 1
    assert "Set already: SLACK_BOT_TOKEN and SLACK_APP_TOKEN" in done.stderr
    assert slack.calls == []
    done = connect(slack, tmp_path, "--replace", answers=answers)
    assert (done.returncode, "of the environment wins" in done.stdout) == (0, False)
    assert dotenv_values(tmp_path / ".env")["SLACK_BOT_TOKEN"] == slack.bot_token


def test_a_token_of_the_environment_is_said_to_win(slack: LocalSlack, tmp_path: Path) -> None:
    answers = (slack.config_token, slack.bot_token, slack.app_token)
    done = connect(slack, tmp_path, answers=answers, SLACK_APP_TOKEN="xapp-other")
    assert "Set already: SLACK_APP_TOKEN;" in done.stderr
    done = connect(slack, tmp_path, "--replace", answers=answers, SLACK_APP_TOKEN="xapp-other")
    assert done.returncode == 0
    assert "Note: SLACK_APP_TOKEN of the environment wins over .env: unset it there" in done.stdout


@pytest.mark.long("waits for Slack")
def test_a_slack_that_is_out_of_reach_and_a_folder_that_cannot_be_written(slack: LocalSlack, tmp_path: Path) -> None:
    answers = (slack.config_token, slack.bot_token, slack.app_token)
    done = connect(slack, tmp_path, answers=answers, SLACK_API_URL="http://127.0.0.1:9/api/")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "Check the network" in done.stderr
    (tmp_path / ".env").symlink_to(tmp_path / "nowhere" / "env")
    done = connect(slack, tmp_path, answers=answers)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    done = connect(slack, tmp_path, answers=answers)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert slack.manifests == [], "no app is made whose tokens could not be written"


ANSWERS = {
    "errors are a number": {"ok": False, "error": "invalid_manifest", "errors": 5},
    "errors are words": {"ok": False, "error": "invalid_manifest", "errors": ["no"]},
    "an error says nothing": {"ok": False, "error": "invalid_manifest", "errors": [{"code": "invalid_name"}]},
    "no error": {"ok": False},
    "an app without an id": {"ok": True},
    "an id that is none": {"ok": True, "app_id": "A1\x1b[31m; rm -rf ~"},
}


@pytest.mark.parametrize("said", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_of_slacks_that_makes_no_sense_is_no_traceback(
    slack: LocalSlack, tmp_path: Path, said: dict[str, object]
) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/api/"
        done = connect(slack, tmp_path, answers=(slack.config_token, slack.bot_token), SLACK_API_URL=url)
        server.shutdown()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "Slack" in done.stderr
    assert list(tmp_path.iterdir()) == []


def read_until(terminal: int, wanted: str) -> str:
    seen, end = "", time.monotonic() + 60
    while wanted not in seen:
        assert time.monotonic() < end, seen
        seen += os.read(terminal, 4096).decode()
    return seen


@pytest.mark.skipif(os.name == "nt", reason="terminals of Unix")
@pytest.mark.parametrize(("key", "said"), [("\x03", "Stopped."), ("\x04", "The input ended")])
def test_at_a_terminal_nothing_is_echoed_and_ctrl_c_or_d_leaves_the_file_as_it_was(
    slack: LocalSlack, tmp_path: Path, key: str, said: str
) -> None:
    (tmp_path / ".env").write_text(EARLIER)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "connect", "--no-open"],
        cwd=tmp_path,
        env=environment(slack),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    try:
        seen = read_until(ours, "App configuration token")
        time.sleep(0.3)  # getpass turns the echo off once it has asked
        os.write(ours, f"{slack.config_token}\n".encode())
        seen += read_until(ours, "Bot User OAuth Token")
        time.sleep(0.3)
        if key == "\x03":  # the process is the leader of a session without this terminal
            process.send_signal(signal.SIGINT)
        else:
            os.write(ours, key.encode())
        seen += read_until(ours, said)
    finally:
        code = process.wait(60)
        os.close(theirs)
        os.close(ours)
    assert code == 1
    assert slack.config_token not in seen
    assert "Traceback" not in seen
    assert f"go on with kotae connect --app {slack.workspace.app_id}" in seen
    assert (tmp_path / ".env").read_text() == EARLIER


def test_without_a_network_one_line_says_so(tmp_path: Path) -> None:
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1-wrong", "SLACK_APP_TOKEN": "xapp-1-wrong"}
    nowhere = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SLACK_API_URL": "http://127.0.0.1:9/"}
    done = run("-m", "bot", "connect", said="xoxe.xoxp-1-wrong\n", cwd=tmp_path, env=nowhere)
    refused = "[Errno 111] Connection refused" if sys.platform == "linux" else "refused"
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("Not done: ")
    assert f"{refused}. Check the network, the proxy" in done.stderr
    (tmp_path / "knowledge").mkdir()
    doctor = run("-m", "bot", "doctor", cwd=tmp_path, env={**nowhere, **tokens, "ENCODER_BACKEND": "lexical"})
    assert (doctor.returncode, doctor.stderr) == (1, "")
    assert "[fail] http://127.0.0.1:9/ can't be reached (" in doctor.stdout
    assert refused in doctor.stdout
