"""`kotae mcp` as agents start it, by the configuration in the documentation: with a running bot, and without."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
from mcp.client.stdio import StdioServerParameters

from bot.api.relay import Relay, connections
from bot.extras import install
from bot.playground import LocalSlack
from bot.texts import ENGLISH
from handlers.doors.errors import RelayError
from handlers.doors.searching import Query
from handlers.schema import open_database
from handlers.store.tokens import Tokens
from tests.http_client import Client
from tests.mcp_client import Agent, finished, over_stdio, text_of
from tests.processes import Python, run
from tests.slack.test_knowledge_reader import everything
from tests.slack.test_serve import Process, ended

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["docs/mcp.md", "docs/mcp.ja.md"]
CONFIG = "[knowledge_bases.dev-faq]\npublic = true\n"
QUESTIONS = ["VPNにつながらない", "パスワードを忘れた", "how do i connect to the wi-fi?", "ERR-4012", "何か食べたい"]


def configured(document: str) -> list[Any]:
    """The servers that the examples of a document configure."""
    examples = re.findall(r"```json\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
    return [json.loads(each)["mcpServers"]["kotae"] for each in examples]


def as_documented(document: str, folder: Path, token: str | None) -> StdioServerParameters:
    """The first example with this checkout, this folder and this token; the process knows nothing of the test's."""
    example, _ = configured(document)
    assert example["command"].endswith("/bin/kotae")
    arguments = [str(folder) if each == "/opt/kotae" else each for each in example["args"]]
    assert list(example["env"]) == ["KOTAE_TOKEN"]
    known = {} if token is None else {"KOTAE_TOKEN": token}
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot", *arguments],
        env={**known, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TMPDIR": str(folder / "tmp")},
        cwd="/",
    )


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.running.kill()
        process.running.wait()


@pytest.fixture
def folder(knowledge: Path) -> Path:
    """A folder with .env and kotae.toml, as for `kotae serve`."""
    (knowledge.parent / "kotae.toml").write_text(CONFIG, "utf-8")
    (knowledge.parent / ".env").write_text("ENCODER_BACKEND=lexical\n", "utf-8")
    (knowledge.parent / "tmp").mkdir()
    return knowledge.parent


def rows(found: Any) -> list[tuple[str, str, float]]:
    return [(hit["knowledge_base"], hit["record"]["id"], hit["confidence"]) for hit in found["hits"]]


async def ask(agent: Agent) -> list[Any]:
    return [{**await agent.search(each), "seconds": 0} for each in QUESTIONS]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    server, made = as_documented(DOCUMENTS[0], folder, None), folder / "tmp"
    with Python[bytes](*server.args, env=server.env, cwd=server.cwd, stdin=subprocess.PIPE) as one:
        until = time.monotonic() + 60
        while not list(made.glob("kotae-*")):  # without a pause: what has just been made must be cleared away, too
            assert time.monotonic() < until
        one.send_signal(number)
        assert one.wait(30) == 0
    assert list(made.iterdir()) == []


def test_with_the_bot_and_after_it_has_stopped_the_rows_are_the_same(
    slack: LocalSlack, folder: Path, processes: list[Process]
) -> None:
    process = Process(slack, folder, API_BIND="127.0.0.1:0")
    processes.append(process)
    slack.wait_connected(timeout=60)
    slack.wait_until(lambda: "HTTP is open at" in process.text() and status(folder), 60, what="the door")
    address = status(folder)
    with closing(open_database(f"sqlite:///{folder / '.kotae' / 'state.db'}")) as database:
        token = Tokens(database).create("desktop", ["it-help"], 1)
    log, server = folder / "agent.log", as_documented(DOCUMENTS[0], folder, token)
    over_rest = [{**Client(address, token).search(each).json, "seconds": 0} for each in QUESTIONS]

    async def live_and_afterwards(agent: Agent) -> None:
        assert await ask(agent) == over_rest
        assert "No knowledge base named dev-faq" in await agent.refused(query="ERR-4012", knowledge_bases=["dev-faq"])
        told = await agent.call("report_unanswered", query="snow shovel", note="none here")
        assert told.structured_content == {"reported": True}
        for _ in range(200):
            told = await agent.call("search_knowledge", query="VPN")
            if told.is_error:
                break
        assert "Kotae says: Too many requests. Wait" in text_of(told)
        process.running.terminate()
        assert ended(process) == 0
        before = everything(folder / ".kotae", folder / "knowledge")
        assert await ask(agent) == over_rest
        assert "No knowledge base named dev-faq" in await agent.refused(query="ERR-4012", knowledge_bases=["dev-faq"])
        assert "API_BIND" in await agent.refused("report_unanswered", query="snow shovel")
        assert everything(folder / ".kotae", folder / "knowledge") == before

    over_stdio(server, log, live_and_afterwards)
    second = configured(DOCUMENTS[0])[1]
    assert second["url"].removeprefix("http://127.0.0.1:8321") == "/mcp"
    said = log.read_text("utf-8") + process.text()
    assert [each for each in (*QUESTIONS, token, "snow shovel") if each in said] == []
    assert "Traceback" not in said


def status(folder: Path) -> str:
    """The address at which the bot says that it listens."""
    file = folder / ".kotae" / "status.json"
    return str(json.loads(file.read_text("utf-8"))["process"].get("http", "")) if file.exists() else ""


def test_without_a_bot_each_token_opens_what_it_is_for(folder: Path) -> None:
    data, log = folder / ".kotae", folder / "agent.log"
    data.mkdir()
    with closing(open_database(f"sqlite:///{data / 'state.db'}")) as database:
        tokens = Tokens(database)
        right = tokens.create("right", None, 1)
    before, stored = everything(data, folder / "knowledge"), everything(data)

    async def public(agent: Agent) -> None:
        assert (await agent.search("ERR-4012"))["knowledge_bases"] == ["dev-faq"]
        assert "No knowledge base named it-help" in await agent.refused(query="VPN", knowledge_bases=["it-help"])

    async def everywhere(agent: Agent) -> None:
        assert rows(await agent.search("VPNにつながりません。"))[0][:2] == ("it-help", "vpn")
        file = folder / "knowledge" / "it-help.csv"
        file.write_text(file.read_text("utf-8") + "snow,Where is the snow shovel?,In the shed.,,,,\n", "utf-8")
        with anyio.fail_after(30):
            while rows(await agent.search("Where is the snow shovel?", top_k=1))[0][1] != "snow":  # noqa: ASYNC110
                await anyio.sleep(0.1)  # nobody tells an agent that a file has changed
        assert everything(data) == stored
        with closing(open_database(f"sqlite:///{data / 'state.db'}")) as database:
            Tokens(database).revoke("right")
        assert "unknown or was revoked" in await agent.refused(query="ERR-4012")

    over_stdio(as_documented(DOCUMENTS[1], folder, None), log, public)
    assert everything(data, folder / "knowledge") == before
    over_stdio(as_documented(DOCUMENTS[1], folder, right), log, everywhere)
    assert "Traceback" not in log.read_text("utf-8")
    assert list((folder / "tmp").iterdir()) == [], "what was built is gone with the process"


def test_a_bot_that_breaks_off_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"

        def hang_up() -> None:
            for _ in range(2):  # to say that it is open, and for the call
                listening.accept()[0].close()

        Thread(target=hang_up, daemon=True).start()

        async def ask_twice() -> None:
            async with connections(None) as http:
                assert await Relay(http, address).is_open()
                with pytest.raises(RelayError, match=f"{address} broke off the connection, or took too long"):
                    await Relay(http, address).search(Query("VPN"))

        finished(ask_twice)


def kotae_mcp(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    known = {name: value for name, value in os.environ.items() if name == "PATH"}
    return run("-m", "bot", "mcp", "--directory", folder, env={**known, "PYTHONPATH": str(ROOT), **environment})


def test_what_keeps_it_from_starting_is_said_on_stderr(folder: Path, tmp_path: Path) -> None:
    without = tmp_path / "without"
    (without / "mcp").mkdir(parents=True)
    (without / "mcp" / "__init__.py").write_text("raise ImportError(name='mcp')", "utf-8")
    ended = kotae_mcp(folder, PYTHONPATH=f"{without}{os.pathsep}{ROOT}")
    assert (ended.returncode, ended.stdout) == (1, "")
    said = f"kotae mcp needs the package mcp, which is not installed; run {ENGLISH.say(install('api'))}\n"
    assert ended.stderr == said
    shutil.rmtree(folder / "knowledge")
    ended = kotae_mcp(folder)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "KNOWLEDGE_DIR = knowledge: there is no such folder" in ended.stderr
    assert (folder / ".kotae").exists() is False


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_examples_of_both_languages_configure_the_same(document: str) -> None:
    assert configured(document) == configured(DOCUMENTS[0])
    local, remote = configured(document)
    assert remote["headers"]["Authorization"].removeprefix("Bearer ") == local["env"]["KOTAE_TOKEN"]
