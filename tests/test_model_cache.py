"""Finding, downloading and clearing models, against a small hub of our own over HTTP.

huggingface_hub reads its environment when it is imported, so each case runs in a process of its own.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from indexes.encoder.names import DEFAULT_MODEL, canonical_name
from tests.encoders import minilm_path

pytestmark = pytest.mark.long("downloads into an empty cache in processes of their own")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TINY = {
    "config.json": b"{}",
    "modules.json": json.dumps([{"path": "", "type": "sentence_transformers.models.Transformer"}]).encode(),
    "tokenizer.json": b"[]",
    "special_tokens_map.json": b"[{}]",
    "model.safetensors": bytes(2_000_000),
    "pytorch_model.bin": b"a pickle",
    "onnx/model.onnx": b"another format",
    "README.md": b"for people",
}


class Hub(ThreadingHTTPServer):
    """Enough of the Hub's API for model_info and snapshot_download: info, tree, files with their ETag."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.models: dict[str, dict[str, bytes]] = {}
        self.withheld: set[str] = set()
        self.served: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(send_body=False)

    def do_GET(self) -> None:
        self._answer(send_body=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class says so
        """Keep pytest's output clean."""

    def _answer(self, *, send_body: bool) -> None:
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["api", "models", owner, name, *rest] if f"{owner}/{name}" in self.server.models:
                self._send(json.dumps(self._describe(f"{owner}/{name}", rest)).encode(), send_body=send_body)
            case [owner, name, "resolve", _, *path] if f"{owner}/{name}" in self.server.models:
                self._send_file(f"{owner}/{name}", "/".join(path), send_body=send_body)
            case _:
                self._refuse("RepoNotFound")

    def _describe(self, repository: str, rest: list[str]) -> Any:
        files = self.server.models[repository].items()
        if rest[:1] == ["tree"]:
            return [
                {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for path, data in files
            ]
        siblings = [{"rfilename": path, "size": len(data)} for path, data in files]
        return {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}

    def _send_file(self, repository: str, path: str, *, send_body: bool) -> None:
        if path in self.server.withheld:
            return self._refuse("EntryNotFound")
        if send_body:
            self.server.served.append(path)
        return self._send(self.server.models[repository][path], send_body=send_body)

    def _send(self, data: bytes, *, send_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if send_body:
            self.wfile.write(data)

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        serving = threading.Thread(target=hub.serve_forever, args=(0.05,))
        serving.start()
        yield hub
        hub.shutdown()
        serving.join()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "huggingface"


def run(code: str, *, home: Path, endpoint: str, **environment: str) -> tuple[Any, str]:
    """Run the code in a fresh process; give the JSON that it printed last, and its standard error."""
    prelude = """
        import json, logging
        from indexes.encoder import *
        from indexes.errors import ModelUnavailableError
        logging.basicConfig(level=logging.INFO, format="LOG %(name)s %(message)s")
        def told(name, revision=None):
            try:
                fetch_model(name, revision)
            except ModelUnavailableError as error:
                return str(error)
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(prelude) + textwrap.dedent(code)],
        env={**inherited, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "*", **environment},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.strip().splitlines()[-1]), finished.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_script_on_the_page_downloads_and_loads_one_model_for_three_searches(
    hub: Hub, home: Path, tmp_path: Path
) -> None:
    folder = minilm_path()
    hub.models[canonical_name(DEFAULT_MODEL)] = {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
    for name in ("it-help", "dev-faq", "hr-somu"):
        (tmp_path / f"{name}.csv").write_text("question,answer\nHow do I reset my password?,On the reset page.\n")
    pages = [Path(__file__).parents[1] / "docs" / name for name in ("model-cache.md", "model-cache.ja.md")]
    fenced = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    [script] = {each for page in pages for each in fenced.findall(page.read_text("utf-8")) if "FaissSearch" in each}
    counted = "json.dumps([encoder.name for encoder in {knowledge_base.encoder, it_help.encoder}])"
    found, log = run(f"import os\nos.chdir({str(tmp_path)!r})\n{script}\nprint({counted})", home=home, endpoint=hub.url)
    assert found == [canonical_name(DEFAULT_MODEL)]
    assert (log.count("Downloading the model"), log.count("Loading the model")) == (1, 1)


def test_download_once_then_load_offline_then_clear(hub: Hub, home: Path) -> None:
    folder = minilm_path()
    hub.models["sentence-transformers/all-MiniLM-L6-v2"] = {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
    first, log = run(
        """
        import sys
        before = [find_model("all-MiniLM-L6-v2") is None, cached_models() == []]
        folder = download_model("all-MiniLM-L6-v2")
        found = find_model("sentence-transformers/all-MiniLM-L6-v2") == folder
        light = not {"torch", "transformers", "sentence_transformers"} & set(sys.modules)
        [model] = cached_models()
        print(json.dumps([before, found, light, str(folder), [model.name, model.revisions, model.size,
            str(model.path), model.complete, model.last_used.year], str(cache_directory())]))
        """,
        home=home,
        endpoint=hub.url,
    )
    before, found, light, path, listed, directory = first
    assert before == [True, True]
    assert found
    assert light
    repository = home / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    assert path == str(repository / "snapshots" / COMMIT)
    assert directory == str(home / "hub")
    name, revisions, size, stored, complete, year = listed
    assert (name, revisions, complete) == ("sentence-transformers/all-MiniLM-L6-v2", [COMMIT], True)
    assert (stored, year >= 2025) == (str(repository), True)
    assert 91_000_000 < size < 92_000_000
    assert "Downloading the model sentence-transformers/all-MiniLM-L6-v2 (about 92 MB) to " in log
    assert "%|" in log  # Hugging Face's own progress bar

    downloads = len(hub.served)
    loaded, log = run(
        """
        encoder = models.get("all-MiniLM-L6-v2")
        print(json.dumps([encoder.name, encoder.revision, encoder.dimension]))
        models.close()
        """,
        home=home,
        endpoint=f"http://127.0.0.1:{free_port()}",
        HF_HUB_OFFLINE="1",
    )
    assert loaded == ["sentence-transformers/all-MiniLM-L6-v2", COMMIT, 384]
    assert f"Loading the model sentence-transformers/all-MiniLM-L6-v2 from {path}" in log
    assert "is ready after " in log
    assert "384 dimensions, revision 0123456789ab" in log
    noise = [line for line in log.splitlines() if not line.startswith("LOG indexes.encoder.")]
    assert noise == []
    assert len(hub.served) == downloads

    freed, _ = run(
        """
        print(json.dumps([clear_model("all-MiniLM-L6-v2"), cached_models(), clear_model("all-MiniLM-L6-v2")]))
        """,
        home=home,
        endpoint=hub.url,
    )
    assert freed == [size, [], 0]
    assert not repository.exists()


def test_only_what_is_needed_is_downloaded(hub: Hub, home: Path) -> None:
    hub.models["some/tiny"] = TINY
    run("""print(json.dumps(str(fetch_model("some/tiny"))))""", home=home, endpoint=hub.url)
    assert sorted(hub.served) == [
        "config.json",
        "model.safetensors",
        "modules.json",
        "special_tokens_map.json",
        "tokenizer.json",
    ]


def test_the_light_encoder_has_its_own_form_of_the_default_model(hub: Hub, home: Path) -> None:
    repository = "Qdrant/paraphrase-multilingual-MiniLM-L12-v2-onnx-Q"
    hub.models[repository] = {
        "model_optimized.onnx": bytes(3_000_000),
        "onnx/model.onnx": b"another form",
        **{name: data for name, data in TINY.items() if name.endswith(".json")},
    }
    script = """
        name = "fastembed:paraphrase-multilingual-MiniLM-L12-v2"
        before = find_model(name) is None
        folder = download_model(name)
        [model] = cached_models()
        print(json.dumps([before, str(folder), find_model(name) == folder, find_model(name[10:]) is None,
            model.name, model.complete, clear_model(name[10:]), clear_model(name) == model.size]))
        """
    answer, log = run(script, home=home, endpoint=hub.url)
    folder = home / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots" / COMMIT
    assert answer == [True, str(folder), True, True, repository, True, 0, True]
    assert sorted(hub.served) == [
        *("config.json", "model_optimized.onnx", "modules.json", "special_tokens_map.json", "tokenizer.json"),
    ]
    assert f"Downloading the model {repository} (about 3 MB) to {home / 'hub'}" in log


def test_the_light_encoder_says_what_it_lacks(hub: Hub, home: Path) -> None:
    hub.models["some/tiny"] = {name: data for name, data in TINY.items() if not name.startswith("onnx/")}
    hub.models["some/large"] = {**TINY, "onnx/model.onnx_data": b"weights"}
    hub.models["some/onnx"] = TINY
    script = """
        print(json.dumps([told("fastembed:some/tiny"), told("fastembed:some/large"), told("fastembed:some/missing"),
            told("fastembed:some/onnx"), find_model("fastembed:some/onnx") is not None]))
        """
    (tiny, large, missing, fine, found), _ = run(script, home=home, endpoint=hub.url)
    assert tiny == (
        "The model fastembed:some/tiny can't be used: some/tiny has no ONNX weights on the hub. "
        "Choose another with MODEL_NAME, or set ENCODER_BACKEND=sentence-transformers."
    )
    assert "some/large keeps the weights outside of onnx/model.onnx" in large
    assert "fastembed:some/missing can't be used: there is no such model on the hub" in missing
    assert (fine, found) == (None, True)
    offline, _ = run(
        """print(json.dumps([told("fastembed:some/tiny"), find_model("fastembed:some/onnx") is not None]))""",
        home=home,
        endpoint="http://127.0.0.1:9",
        HF_HUB_OFFLINE="1",
    )
    assert f"it isn't in the cache ({home / 'hub'}) and HF_HUB_OFFLINE is set" in offline[0]
    assert "Run `kotae model download fastembed:some/tiny`" in offline[0]
    assert offline[1]


def test_the_two_forms_of_a_model_in_one_repository(hub: Hub, home: Path) -> None:
    hub.models["some/tiny"] = TINY
    script = """
        print(json.dumps([str(fetch_model("some/tiny")), find_model("fastembed:some/tiny") is None,
            str(fetch_model("fastembed:some/tiny")), find_model("some/tiny") is not None]))
        """
    (plain, apart, fast, kept), _ = run(script, home=home, endpoint=hub.url)
    assert plain == fast
    assert apart
    assert kept


def test_an_interrupted_download_is_completed(hub: Hub, home: Path) -> None:
    hub.models["some/tiny"] = TINY
    hub.withheld = {"model.safetensors"}
    script = """
        print(json.dumps([find_model("some/tiny") is None, told("some/tiny"), find_model("some/tiny") is None,
            [model.complete for model in cached_models()]]))
        """
    broken, _ = run(script, home=home, endpoint=hub.url)
    assert broken[0]
    assert f"The model some/tiny can't be used: {hub.url} answered with status 404" in broken[1]
    assert broken[2:] == [True, [False]]

    hub.withheld = set()
    hub.served.clear()
    completed, _ = run(script, home=home, endpoint=hub.url)
    assert completed == [True, None, False, [True]]
    assert hub.served == ["model.safetensors"]


def test_a_cache_that_another_tool_made_is_checked_by_its_files(hub: Hub, home: Path) -> None:
    """Older versions of huggingface_hub keep no list of what there should be."""
    hub.models["some/tiny"] = TINY
    script = """print(json.dumps(find_model("some/tiny") is not None))"""
    run("""print(json.dumps(str(fetch_model("some/tiny"))))""", home=home, endpoint=hub.url)
    repository = home / "hub" / "models--some--tiny"
    snapshot = repository / "snapshots" / COMMIT
    (snapshot / "special_tokens_map.json").unlink()
    assert run(script, home=home, endpoint=hub.url)[0] is True  # sentence-transformers leaves out what it needn't
    shutil.rmtree(repository / "trees")
    assert run(script, home=home, endpoint=hub.url)[0] is True
    (snapshot / "tokenizer.json").unlink()
    assert run(script, home=home, endpoint=hub.url)[0] is False


def test_plain_messages_when_the_hub_says_no(hub: Hub, home: Path) -> None:
    hub.models["some/pickle"] = {name: data for name, data in TINY.items() if name != "model.safetensors"}
    messages, _ = run(
        """
        print(json.dumps([told("some/missing"), told("some/pickle"), told("./no/such/folder"),
            find_model("./no/such/folder")]))
        """,
        home=home,
        endpoint=hub.url,
    )
    missing, pickle, path, found = messages
    assert missing == (
        "The model some/missing can't be used: there is no such model on the hub (or it is private). Check MODEL_NAME."
    )
    assert pickle == (
        "The model some/pickle can't be used: it has no safetensors weights on the hub, and Kotae never opens "
        "pickles. Choose another with MODEL_NAME."
    )
    assert path == (
        "The model ./no/such/folder can't be used: it is neither a folder nor a name on the hub. Check MODEL_NAME."
    )
    assert found is None
    assert hub.served == []


def test_an_unreachable_hub_is_told_within_seconds(home: Path) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    told = """
        import time
        started = time.monotonic()
        print(json.dumps([told("some/tiny"), time.monotonic() - started]))
        """
    (message, seconds), _ = run(told, home=home, endpoint=endpoint)
    assert seconds < 10
    assert message.startswith(f"The model some/tiny can't be used: the connection to {endpoint} failed (ConnectError")
    assert "Run `kotae model download some/tiny`" in message
    assert "set MODEL_NAME to a local folder" in message


def test_a_hub_that_never_answers_is_given_up(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        message, _ = run(
            """
            from indexes.encoder import hub
            hub._HUB_TIMEOUT = 0.3
            print(json.dumps(told("some/tiny")))
            """,
            home=home,
            endpoint=endpoint,
        )
    assert f"the connection to {endpoint} failed (ReadTimeout" in message


def test_offline_is_said_as_such(home: Path) -> None:
    message, _ = run(
        """print(json.dumps(told("some/tiny")))""", home=home, endpoint="http://127.0.0.1:9", HF_HUB_OFFLINE="1"
    )
    assert f"it isn't in the cache ({home / 'hub'}) and HF_HUB_OFFLINE is set" in message


def test_hub_names_are_completed_as_sentence_transformers_does(tmp_path: Path) -> None:
    assert canonical_name(str(tmp_path)) == str(tmp_path)
    default = "paraphrase-multilingual-MiniLM-L12-v2"
    assert canonical_name(default) == f"sentence-transformers/{default}"
    assert canonical_name("cl-nagoya/ruri-v3-30m") == "cl-nagoya/ruri-v3-30m"
    assert canonical_name(f"fastembed:{default}") == f"fastembed:sentence-transformers/{default}"
    assert canonical_name(f"fastembed:{tmp_path}") == f"fastembed:{tmp_path}"


def test_auto_downloads_nothing_where_the_onnx_form_alone_is_cached(hub: Hub, home: Path, tmp_path: Path) -> None:
    """And prefers the model's own form, which it compiles, as soon as that is there."""
    hub.models["sentence-transformers/all-MiniLM-L6-v2"] = TINY
    hub.models["Qdrant/all-MiniLM-L6-v2-onnx"] = {"model.onnx": bytes(1000), **TINY}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}

    def downloaded(endpoint: str, **chosen: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "model", "download"],
            cwd=tmp_path,
            env={
                **inherited,
                "PYTHONPATH": str(Path(__file__).parents[1]),
                "HF_HOME": str(home),
                "HF_ENDPOINT": endpoint,
                "MODEL_NAME": "all-MiniLM-L6-v2",
                **chosen,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    nobody = f"http://127.0.0.1:{free_port()}"
    light = downloaded(hub.url, ENCODER_BACKEND="fastembed")
    assert "models--Qdrant--all-MiniLM-L6-v2-onnx" in light
    assert downloaded(nobody) == downloaded(nobody, ENCODER_BACKEND="auto") == light
    own = downloaded(hub.url, ENCODER_BACKEND="sentence-transformers")
    assert "models--sentence-transformers--all-MiniLM-L6-v2" in own
    assert downloaded(nobody) == own
