"""The command line: results on stdout, everything else on stderr, exit codes 0, 1 and 2."""

import json
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest

from bot.cli import COMMANDS, main, parser
from bot.cli.progress import progress_bar
from bot.manifest import warnings
from bot.status import FILE, STALE_SECONDS
from bot.texts import ENGLISH
from indexes.confidence.confidence import THRESHOLD
from tests.encoders import minilm_path
from tests.processes import Python, run

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "bot" / "samples"
IT_HELP = SAMPLES / "it-help.csv"
FAQ = (
    "id,question,answer,floor,note\n"
    "pw,How do I reset my password?,Use the reset page.,,\n"
    "print,Where is the printer?,Next to the lift.,3,colour\n"
    "room,How do I book a meeting room?,In the calendar.,,\n"
)
NAMES = [command.name for command in COMMANDS]
PROMISED = {
    "serve",
    "try",
    "search",
    "check",
    "eval",
    "manifest",
    "backup",
    "connect",
    "convert",
    "import",
    "init",
    "doctor",
    "status",
    "quiet",
    "forget",
    "migrate",
    "restore",
    "token",
    "mcp",
    "model",
}
SLOW = {"alembic", "faiss", "pandas", "scipy", "slack_bolt", "slack_sdk", "sqlalchemy", "torch", "transformers"}
RUNNING = {
    "pid": 4711,
    "process": {"pong_age": 1.5, "uptime": 7200.0, "queue": 0, "memory": 310.0, "model_trouble": ""},
    "encoder": None,
    "database_trouble": "",
    "knowledge_bases": {"it-help": {"records": 17, "dense": False, "file_changed": True, "trouble": ""}},
    "failures": {"dev-faq": "dev-faq.csv: the file is empty"},
}
"""What a running bot writes for `kotae status`."""


@pytest.fixture(autouse=True)
def _lexical(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ENCODER_BACKEND", "lexical")
    level = logging.getLogger().level
    with mock.patch.dict(os.environ):
        yield
    logging.getLogger().setLevel(level)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text(FAQ)
    return path


def kotae(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """`kotae` in a process of its own."""
    return python("-m", "bot", *arguments, cwd=cwd, **environment)


def python(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process with nothing of this one's environment but what is given."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HF_HUB_OFFLINE", "SYSTEMROOT"}}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


# Help and usage


@pytest.mark.parametrize(
    "command",
    [
        [],
        *([name] for name in NAMES),
        ["model", "list"],
        ["model", "download"],
        ["model", "clear"],
        ["token", "create"],
        ["token", "list"],
        ["token", "revoke"],
    ],
)
def test_every_help_has_an_example_that_can_be_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    out, err = capsys.readouterr()
    example = out.partition("Example: kotae ")[2].strip()
    assert example.startswith(" ".join(command))
    assert callable(parser().parse_args(shlex.split(example)).run)
    assert err == ""
    if not command:
        assert all(f"    {name} " in out for name in NAMES)
        assert set(NAMES) == PROMISED


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["search"], "the following arguments are required: KB.csv, question"),
        (["search", "kb.csv"], "required: question"),
        (["search", "kb.csv", "q", "--top-k", "0"], "argument --top-k: '0' is not a whole number from 1"),
        (["search", "kb.csv", "q", "--top-k", "three"], "argument --top-k: 'three' is not a whole number from 1"),
        (["check"], "required: KB.csv"),
        (["model", "clear"], "required: NAME"),
        (["status", "--loud"], "unrecognized arguments: --loud"),
        (["eval", "kb.csv", "q.jsonl", "--plot", "out.svg"], "argument --plot: 'out.svg' is no name of a picture"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


SEARCHING_NOTHING = ["--help", f"check {IT_HELP}", "status", "status --probe ready", "manifest", "model list"]
ONE_AFTER_THE_OTHER = """
import sys
from bot.cli import main
for arguments in {commands}:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    print(chr(0), code, *sys.modules, file=sys.stderr)
"""


def test_what_searches_nothing_imports_nothing_slow(tmp_path: Path) -> None:
    """They share a process: what one of them has imported is there after the others, too."""
    (tmp_path / FILE).write_text(json.dumps(RUNNING | {"at": time.time(), "pid": os.getpid()}))
    script = ONE_AFTER_THE_OTHER.format(commands=[shlex.split(each) for each in SEARCHING_NOTHING])
    done = python("-c", script, DATA_DIR=str(tmp_path), HF_HOME=str(tmp_path))
    told = [line.split()[1:] for line in done.stderr.splitlines() if line.startswith("\0")]
    assert [code for code, *_ in told] == ["0"] * len(SEARCHING_NOTHING), done.stderr
    loaded = {command: set(names) for command, (_, *names) in zip(SEARCHING_NOTHING, told, strict=True)}
    assert all("bot.cli" in names for names in loaded.values())
    assert "bot.settings" not in loaded["--help"]
    assert {command: found for command, names in loaded.items() if (found := names & SLOW)} == {}


def test_connecting_imports_nothing_slow() -> None:
    done = python("-c", "import sys, bot.connect; print(*sys.modules)")
    assert set(done.stdout.split()) & SLOW <= {"slack_sdk"}, done.stderr


# search


def test_search_uses_the_synonyms_that_kotae_toml_names(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kotae.toml").write_text('synonyms = "words.csv"\n')
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "words.csv").write_text("original,normalized\nLaserBeam,printer\n")
    assert main(["search", str(csv), "Where is the LaserBeam?", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["normalized_query"] == "where is the printer?"


def test_search_json_has_exactly_the_promised_keys(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(csv), "Ｗhere is the　PRINTER", "--top-k", "2", "--json"]) == 0
    out, _ = capsys.readouterr()
    result: dict[str, Any] = json.loads(out)
    assert list(result) == ["query", "normalized_query", "knowledge_base", "encoder", "threshold", "hits", "seconds"]
    assert (result["query"], result["normalized_query"]) == ("Ｗhere is the　PRINTER", "where is the printer")
    assert (result["knowledge_base"], result["encoder"], result["threshold"]) == ("faq", "lexical", THRESHOLD)
    assert 0 <= result["seconds"] < 60
    first, second = result["hits"]
    assert list(first) == ["rank", "score", "confidence", "record"]
    assert (first["rank"], second["rank"]) == (1, 2)
    assert 1 >= first["score"] > second["score"] >= 0
    assert 1 >= first["confidence"] > THRESHOLD > second["confidence"] >= 0
    assert first["record"] == {
        "id": "print",
        "question": "Where is the printer?",
        "answer": "Next to the lift.",
        "floor": "3",
        "note": "colour",
    }


def test_search_in_words(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(csv), "Where is the printer?", "--top-k", "1"]) == 0
    out, _ = capsys.readouterr()
    assert out.startswith("1. Where is the printer?  (confidence ")
    assert "\n   Next to the lift.\n" in out
    assert main(["search", str(csv), "quantum chromodynamics"]) == 0
    out, _ = capsys.readouterr()
    assert out.startswith("Nothing certain; the closest are:\n")


@pytest.mark.long("loads torch")
def test_search_keeps_snapshots_and_the_second_call_encodes_only_the_question(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCODER_BACKEND", "sentence-transformers")
    monkeypatch.setenv("MODEL_NAME", str(minilm_path()))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "state"))
    made = []
    for _ in range(2):
        assert main(["search", str(csv), "I can't log in", "--json"]) == 0
        out, _ = capsys.readouterr()
        result = json.loads(out)
        assert result["encoder"] == str(minilm_path())
        assert result["hits"][0]["record"]["id"] == "pw"
        made.append(sorted(path.name for path in (tmp_path / "state" / "snapshots").glob("*/*")))
    assert made[0] == made[1]
    assert not (tmp_path / ".kotae").exists()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "nowhere.csv"), ("", "the file is empty"), ("question,answer\n", "only a header")]
)
def test_search_in_a_bad_file_fails_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    path = tmp_path / "nowhere.csv"
    if content is not None:
        path.write_text(content)
    assert main(["search", str(path), "question", "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nowhere.csv: ")
    assert reason in err
    assert "Traceback" not in err


@pytest.mark.parametrize("question", ["", "???", "😀", "x" * 10_000, "<!channel> & <@U1>"])
def test_any_question_is_answered_with_json(csv: Path, capsys: pytest.CaptureFixture[str], question: str) -> None:
    assert main(["search", str(csv), question, "--json"]) == 0
    out, _ = capsys.readouterr()
    assert json.loads(out)["query"] == question


def test_the_sample_answers_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = kotae("search", str(IT_HELP), "VPNにつながらない", "--json", cwd=tmp_path, ENCODER_BACKEND="lexical")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert result["knowledge_base"] == "it-help"
    assert len(result["hits"]) == 3
    assert "VPN" in result["hits"][0]["record"]["question"]
    assert result["hits"][0]["confidence"] > 0.5
    assert done.stdout.lstrip().startswith("{")
    assert "Traceback" not in done.stderr


# check


def test_check_tells_good_from_bad(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("")
    assert main(["check", str(csv)]) == 0
    assert "3 records" in capsys.readouterr().out
    assert main(["check", str(csv), str(bad), "--json"]) == 1
    good, unusable = json.loads(capsys.readouterr().out)
    assert (good["usable"], good["records"], good["problems"]) == (True, 3, [])
    assert unusable["usable"] is False
    assert unusable["error"].startswith("bad.csv: the file is empty")


def test_synonyms_are_checked_as_synonyms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "_synonyms.csv"
    path.write_text("original,normalized\nVPN,virtual private network\nPC,\n")
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "_synonyms.csv: 1 record, 1 skipped (utf-8, comma)",
        "  columns: original = original, normalized = normalized",
        "  _synonyms.csv:3: original and normalized must both be filled in (skipped)",
        "",
    ]
    path.write_text("question,answer\nVPN,x\n")
    assert main(["check", str(path)]) == 1


def test_a_whole_folder_is_checked_with_its_synonyms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the shell leaves the pattern as it is, as Windows does."""
    shutil.copytree(SAMPLES, tmp_path / "knowledge")
    expanded = sorted(str(path) for path in Path("knowledge").glob("*.csv"))
    for arguments in (expanded, ["knowledge/*.csv"]):
        assert main(["check", *arguments, "--json"]) == 0
        reports = json.loads(capsys.readouterr().out)
        assert [each["file"] for each in reports] == expanded
        [synonyms] = [each for each in reports if each["file"].endswith("_synonyms.csv")]
        assert set(synonyms["columns"]) == {"original", "normalized"}
    assert main(["check", "nothing/*.csv"]) == 1
    assert "*.csv: there is no such file" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["it-help", "hr-somu", "dev-faq", "_shared", "_synonyms"])
def test_the_samples_have_no_problems(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["check", str(SAMPLES / f"{name}.csv"), "--json"]) == 0
    [report] = json.loads(capsys.readouterr().out)
    assert report["problems"] == []


# manifest


def test_manifest_prints_json_and_warns_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest"]) == 0
    out, err = capsys.readouterr()
    assert [each["command"] for each in json.loads(out)["features"]["slash_commands"]] == ["/search", "/kb"]
    assert err.startswith("Note: /search is the name of a built-in Slack command")


def test_manifest_with_other_names(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_COMMAND", "/kotae")
    assert main(["manifest", "--search-command", "/kb-search"]) == 0
    out, err = capsys.readouterr()
    assert [each["command"] for each in json.loads(out)["features"]["slash_commands"]] == ["/kb-search", "/kotae"]
    assert err == ""
    assert main(["manifest", "--search-command", "Search"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "'Search' can't be a command" in err


# settings, status, models


def test_a_wrong_setting_is_1_and_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xapp-very-secret")
    assert main(["status"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "SLACK_BOT_TOKEN: must begin with xoxb-" in err
    assert "very-secret" not in err


@pytest.mark.parametrize(
    ("age", "live", "ready"),
    [
        (1, "live: process", "ready: 1 "),
        (40, "live: process", "not ready: its status is 4"),
        (70, "not live", "not live"),
    ],
)
def test_a_status_that_is_late_makes_a_bot_unready_and_only_then_dead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, age: int, live: str, ready: str
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / FILE).write_text(json.dumps(RUNNING | {"at": time.time() - age, "pid": os.getpid()}))
    exits = [main(["status", "--probe", name]) for name in ("live", "ready")]
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0].startswith(live), lines[1].startswith(ready)) == (True, True), lines
    assert exits == [int(line.startswith("not")) for line in lines]


def test_status_without_a_running_bot(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", "No bot is running with DATA_DIR = .kotae, and no trial\n")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"at": null}', "old"])
def test_a_status_file_that_says_nothing_is_no_running_bot(tmp_path: Path, content: str) -> None:
    folder = tmp_path / ".kotae"
    folder.mkdir()
    if content == "old":
        content = json.dumps({"at": time.time() - STALE_SECONDS - 1})
    (folder / FILE).write_text(content)
    assert main(["status"]) == 1


def made_up_cache(home: Path) -> Path:
    """A cache as huggingface_hub lays it out, with one small model."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    model = home / "hub" / "models--some--tiny-model"
    snapshot = model / "snapshots" / revision
    (snapshot / "1_Pooling").mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(revision)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "tokenizer.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"\0" * 2_000_000)
    return model


def test_models_are_listed_found_and_cleared_where_dotenv_says(tmp_path: Path) -> None:
    home = tmp_path / "hugging"
    model = made_up_cache(home)
    (tmp_path / ".env").write_text(f"HF_HOME={home}\n")
    listed = kotae("model", "list", cwd=tmp_path)
    assert (listed.returncode, listed.stdout) == (0, f"some/tiny-model  2 MB  {model}\n")
    downloaded = kotae("model", "download", "some/tiny-model", cwd=tmp_path)
    assert downloaded.returncode == 0
    assert Path(downloaded.stdout.strip()).parent == model / "snapshots"
    cleared = kotae("model", "clear", "some/tiny-model", cwd=tmp_path)
    assert (cleared.returncode, cleared.stdout) == (0, "Deleted some/tiny-model: 2 MB freed\n")
    assert not model.exists()


def test_a_model_that_is_not_there_is_1_with_what_to_do(tmp_path: Path) -> None:
    failed = kotae("model", "download", "some/model", cwd=tmp_path, HF_HOME=str(tmp_path / "empty"))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "The model some/model can't be used: it isn't in the cache" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_clearing_what_is_not_there_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "clear", "never/downloaded"]) == 1
    assert "never/downloaded is not among the downloaded models; see: kotae model list" in capsys.readouterr().err


def test_without_a_reply_eval_has_no_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    (tmp_path / "asked.csv").write_text("query,id\nWhy is the sky blue?,\n")
    files = [str(tmp_path / name) for name in ("faq.csv", "asked.csv")]
    assert main(["eval", *files, "--encoder", "lexical"]) == 0
    assert "0 replies, – of them right" in capsys.readouterr().out
    assert main(["eval", *files, "--encoder", "lexical", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shipped"]["precision"] == 1.0, "scripts compare a number"


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("ja_JP.UTF-8", "it-help.csv: 追加 1 件、変更 1 件、削除 0 件"),
        ("C.UTF-8", "it-help.csv: 1 added, 1 changed, 0 removed"),
    ],
)
def test_try_reads_a_csv_again_when_it_is_saved_and_tells_it_in_the_language_of_the_terminal(
    tmp_path: Path, locale: str, told: str
) -> None:
    (tmp_path / "it-help.csv").write_text(FAQ)
    with Python[str](
        *("-m", "bot", "try", "--knowledge", str(tmp_path)),
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": locale},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as trial:
        assert trial.stdin
        said: list[str] = []
        reading = threading.Thread(target=said.extend, args=[trial.stdout])
        reading.start()
        ask_until(trial, said, "Where is the printer?", "Next to the lift.")
        changed = FAQ.replace("Next to the lift.", "On floor 3.")
        (tmp_path / "it-help.csv").write_text(f"{changed}fax,Where is the fax?,Sold.,,\n")
        ask_until(trial, said, "Where is the fax?", told)
        ask_until(trial, said, "Where is the fax?", "Sold.")
        trial.stdin.close()
        reading.join()
        assert trial.wait(60) == 0


def ask_until(trial: "subprocess.Popen[str]", said: list[str], question: str, expected: str) -> None:
    """Ask every second until something is said; what comes unasked is drawn before the next answer."""
    assert trial.stdin
    for moment in range(3000):
        if moment % 50 == 0:
            trial.stdin.write(f"{question}\n")
            trial.stdin.flush()
        time.sleep(0.02)
        if expected in "".join(said):
            return
    raise AssertionError("".join(said))


def test_progress_says_how_fast_it_goes_and_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with progress_bar("Encoding") as step:
        for done in range(8, 801, 8):
            step(done, 8000)
            time.sleep(0.01)
    bar = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    speeds = [int(speed) for speed in re.findall(r"/8000 (\d+) texts/s, 0:00:\d\d left", bar)]
    assert speeds
    assert 80 < speeds[-1] <= 800


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"kotae {version('kotae')}\n")
    assert version("kotae") == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_where_files_are_looked_for_is_in_the_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        main(["--help"])
    says = ".env and kotae.toml are read in the folder where kotae is started, and knowledge/ (KNOWLEDGE_DIR) and"
    assert says in capsys.readouterr().out


# Whatever the terminal, the system and whoever reads the output do


NOTE = "".join(f"Note: {ENGLISH.say(each)}\n" for each in warnings("/search", "/kb"))
IN_ANY_ENCODING = """
import sys
from bot.cli import main
sys.stdout.reconfigure(encoding={encoding!r}, errors="strict")
for arguments in {commands}:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    print(chr(0), code, chr(0), sep="", end="")
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp932", "cp1252"])
def test_a_terminal_that_lacks_a_character_gets_the_rest_and_json_all_of_it(
    csv: Path, tmp_path: Path, encoding: str
) -> None:
    """Japanese, a dash and a smiling face: each encoding lacks one."""
    csv.write_text(f"{FAQ}cafe,カフェ – café,😀,,\n", encoding="utf-8")
    question = "カフェ – café 😀"
    commands = [["--help"], ["search", str(csv), question], ["search", str(csv), question, "--json"], ["manifest"]]
    script = IN_ANY_ENCODING.format(commands=commands, encoding=encoding)
    with Python[bytes]("-c", script, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as terminal:
        out, err = terminal.communicate(timeout=60)
    assert (terminal.returncode, b"Traceback" in err) == (0, False), err
    usage, code, words, *rest = out.decode(encoding).split("\0")
    assert "Example: kotae search" in usage
    assert question.encode(encoding, "replace").decode(encoding).partition(" ")[0] in words
    assert [code, *rest[::2]] == ["0"] * 4
    found, manifest = (json.loads(rest[place]) for place in (1, 3))
    assert (found["query"], found["hits"][0]["record"]["answer"]) == (question, "😀")
    assert "チームのナレッジから回答します" in manifest["display_information"]["description"]


@pytest.mark.skipif(os.name == "nt", reason="pipes of Unix")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["manifest"]])
def test_a_reader_who_has_read_enough_is_no_traceback(tmp_path: Path, arguments: list[str], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Python[str](
        *("-m", "bot", *arguments), cwd=tmp_path, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True
    ) as command:
        os.close(writing)
        _, err = command.communicate(timeout=60)
    assert err.replace(NOTE, "") == ""
    assert command.returncode == 1 or (unbuffered and arguments == ["--help"])  # of which argparse takes no notice


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_that_is_full_is_said(tmp_path: Path) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        Python[str](
            *("-m", "bot", "check", str(IT_HELP)), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        ) as command,
    ):
        _, err = command.communicate(timeout=60)
    assert (command.returncode, err) == (1, "Not done: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="a file that waits")
def test_ctrl_c_in_the_middle_ends_a_command_with_a_word(tmp_path: Path) -> None:
    waits = tmp_path / "kotae.toml"
    os.mkfifo(waits)
    pipe = subprocess.PIPE
    with (
        Python[str](
            *("-m", "bot", "check", str(IT_HELP)), cwd=tmp_path, stdout=pipe, stderr=pipe, text=True
        ) as command,
        waits.open("wb"),  # which waits until the command opens it
    ):
        while psutil.Process(command.pid).status() != psutil.STATUS_SLEEPING:
            time.sleep(0.01)  # until it reads: a signal just before that is heard only after it
        command.send_signal(signal.SIGINT)
        said = command.communicate(timeout=60)
    assert (command.returncode, *said) == (1, "", "Stopped.\n")


EVERY = [
    ["serve"],
    ["try", "--no-open"],
    ["init", "site"],
    ["search", str(IT_HELP), "VPN"],
    ["eval", str(IT_HELP), "queries.jsonl"],
    ["eval", str(IT_HELP), "queries.jsonl", "--plot", "nowhere/out.png"],
    ["check", str(IT_HELP), ".", "nowhere.csv"],
    ["convert", "nowhere.xlsx"],
    ["import", "--yes"],
    ["manifest"],
    ["doctor"],
    ["status"],
    ["status", "--probe", "ready"],
    ["quiet", "1h"],
    ["forget", "U012AB3CD"],
    ["backup", "kotae.zip"],
    ["restore", "kotae.zip", "--yes"],
    ["migrate", "--to", "sqlite:///elsewhere.db"],
    ["token", "create", "website"],
    ["token", "list"],
    ["token", "revoke", "website"],
    ["mcp", "--directory", "."],
    ["model", "list"],
    ["model", "clear", "nobody/nothing"],
]
"""Every command that needs no answer and no network."""


def test_a_data_dir_that_can_not_be_is_no_traceback(tmp_path: Path) -> None:
    assert {each[0] for each in EVERY} == PROMISED - {"connect"}
    (tmp_path / "a-file").write_text("")
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "it-help.csv").write_text(FAQ)
    (tmp_path / "queries.jsonl").write_text('{"query": "VPN", "relevant": []}\n')
    script = f"""
import sys
from bot.cli import main
codes, sys.stdin = [], None  # as where it is closed
for arguments in {EVERY!r}:
    print("--", *arguments, file=sys.stderr)
    codes.append(main(arguments))
print(codes)
"""
    environment = {"DATA_DIR": "a-file/data", "ENCODER_BACKEND": "lexical", "HF_HOME": str(tmp_path)}
    environment |= {"PATH": os.environ["PATH"], "SLACK_API_URL": "http://127.0.0.1:9/"}
    done = run("-c", script, cwd=tmp_path, env=environment)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) == {0, 1}
