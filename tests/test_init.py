"""`kotae init`: a folder that the bot starts in, whose files are never written over."""

import os
import re
import stat
import tomllib
from pathlib import Path

import pytest

from bot.cli import main
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.doctor import examine
from bot.init import FILES, HERE
from bot.settings import Environment, load_settings
from indexes.encoder.agreement import Precision
from indexes.encoder.backends import BACKENDS
from tests.pages.templates import templates

LANGUAGES = ("en", "ja")
NAMES = ["LC_ALL", "LC_MESSAGES", "LANG"]


def uncommented(text: str) -> str:
    """The text with every setting that is commented out: these have no blank after the #."""
    return re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)


def template(language: str, name: str) -> str:
    return (HERE / language / name).read_text("utf-8")


def test_the_folder_is_one_that_the_bot_starts_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert main(["init", "site/kotae"]) == 0
    folder = tmp_path / "site" / "kotae"
    out = capsys.readouterr().out
    assert out.splitlines()[: len(FILES)] == [f"made: {Path('site/kotae') / name}" for name in FILES]
    assert f"Next, in {folder}:" in out
    assert "Kotae reads .env and kotae.toml in the folder where it is started" in out
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert made == set(FILES)
    if os.name != "nt":
        assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    monkeypatch.chdir(folder)
    settings = load_settings()
    assert (settings.config, settings.environment) == (ConfigFile(), Environment())
    findings = {each.what: each.level for each in examine(settings)}
    [places] = [what for what in findings if what.startswith("Started in")]
    assert places == (
        f"Started in {folder}: .env and kotae.toml read there; KNOWLEDGE_DIR = {folder / 'knowledge'}, DATA_DIR ="
        f" {folder / '.kotae'}"
    )
    assert [what for what, level in findings.items() if level == "fail" and "SLACK_" not in what] == []
    (folder / "knowledge" / "it-help.csv").write_text("question,answer\nVPN?,Restart it.\n")
    assert main(["check", "knowledge/*"]) == 1, "a README is no knowledge base"
    assert main(["check", "knowledge/*.csv"]) == 0


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"LANG": "ja_JP.UTF-8"}, ("作成: ", "このあとの手順")),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "ja_JP.UTF-8"}, ("作成: ", "このあとの手順")),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, ("made: ", "Next, in")),
        ({"LANG": "C"}, ("made: ", "Next, in")),
    ],
)
def test_it_speaks_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    says: tuple[str, str],
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["init", "."]) == 0
    out = capsys.readouterr().out
    assert [each for each in says if each not in out] == []
    language = "ja" if says[0] == "作成: " else "en"
    for name in ("kotae.toml", ".env"):
        assert Path(name).read_text("utf-8") == template(language, FILES[name])


def test_what_is_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("knowledge").mkdir()
    Path("knowledge/README.md").write_text("Ours.\n")
    Path(".env").symlink_to("elsewhere")
    Path("kotae.toml").write_text("promise = 0.9\n")
    assert main(["init", "."]) == 0
    out = capsys.readouterr().out
    assert Path("knowledge/README.md").read_text() == "Ours.\n"
    assert Path("kotae.toml").read_text() == "promise = 0.9\n"
    assert not Path("elsewhere").exists()
    assert {line for line in out.splitlines() if line.startswith(("kept", "そのまま"))} == {
        line for line in out.splitlines() if line.endswith((".env", "kotae.toml", "README.md"))
    }
    assert main(["init", "."]) == 0
    assert capsys.readouterr().out.count("kept: ") in {len(FILES), 0}


def test_a_folder_that_can_not_be_made_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert main(["init", "file/site"]) == 1
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err) == ("", False)
    assert err.startswith("Not done: file")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_is_in_the_templates_and_what_is_there_holds(language: str) -> None:
    text = uncommented(template(language, "kotae.toml"))
    found = tomllib.loads(text)
    assert set(found) == set(ConfigFile.model_fields)
    assert set(found["channels"]["it-help"]) == set(ChannelSection.model_fields)
    assert set().union(*found["knowledge_bases"].values()) == set(KnowledgeBaseSection.model_fields)
    ConfigFile.model_validate(found)
    assert tomllib.loads(template(language, "kotae.toml")) == {}
    lines = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", template(language, "env"), re.MULTILINE))
    assert {name.upper() for name in Environment.model_fields} <= set(lines)
    assert (lines["ENCODER_BACKEND"], lines["ENCODER_PRECISION"]) == (BACKENDS[0], Precision.AUTO)
    Environment.model_validate({name.lower(): value for name, value in lines.items() if value})


def test_the_templates_say_what_the_pages_say() -> None:
    assert [path.name for path, text in templates() if path.read_text("utf-8") != text] == [], (
        "run: python -m tests.pages"
    )


def test_both_languages_have_the_same_settings() -> None:
    files = {name: [template(language, name) for language in LANGUAGES] for name in FILES.values()}
    settings = {
        name: [re.findall(r"^#?([A-Za-z_.\[\]-]+) ?=", text, re.MULTILINE) for text in texts]
        for name, texts in files.items()
    }
    assert [name for name, (english, japanese) in settings.items() if english != japanese] == []


def test_a_folder_with_signs_is_written_as_systemd_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "100% ours"
    assert main(["init", str(folder)]) == 0
    unit = (folder / "kotae.service").read_text("utf-8")
    assert f"WorkingDirectory={tmp_path}/100%% ours\n" in unit
    [command] = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert re.fullmatch(r'"[^"]+/kotae" serve', command)
    assert "$" not in unit
