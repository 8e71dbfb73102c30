"""The gallery of the documentation: every kind of message in both languages, and nothing that isn't there."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from bot.config_file import ConfigFile
from bot.playground.terminal.screen import Screen
from bot.playground.terminal.script import read_script
from bot.playground.terminal.session import Session
from bot.playground.trial import trial
from bot.settings import Environment, Settings
from tests.pictures.stage import ANSWERED, MISSED, Stage

SCRIPTS = Path(__file__).parent / "pictures"
GALLERY = Path(__file__).parents[1] / "docs" / "pictures"
MOST_BYTES = 6 * 1024**2


def named(language: str) -> list[str]:
    """The pictures that a script takes, in order."""
    lines = read_script(SCRIPTS / f"{language}.txt")
    return [line.split()[1] for line in lines if line.startswith(":picture ")]


def test_both_languages_have_the_same_pictures_once_each() -> None:
    assert named("en") == named("ja")
    assert len(set(named("en"))) == len(named("en"))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_gallery_shows_what_the_script_takes(language: str) -> None:
    shown = re.findall(rf"\(([\w-]+)\.{language}\.png\)", (GALLERY / "README.md").read_text(encoding="utf-8"))
    there = [path.name.removesuffix(f".{language}.png") for path in GALLERY.glob(f"*.{language}.png")]
    assert sorted(shown) == sorted(named(language)) == sorted(there)


def test_the_pictures_stay_small() -> None:
    assert sum(path.stat().st_size for path in GALLERY.glob("*.png")) < MOST_BYTES


@pytest.mark.long("starts the local workspace")
def test_the_past_of_a_picture_is_in_the_statistics(tmp_path: Path) -> None:
    environment = Environment.model_validate({"encoder_backend": "lexical", "data_dir": tmp_path / "data"})
    with trial(Settings(environment, ConfigFile(), tmp_path / "kotae.toml")) as (slack, site, bot):
        screen = Screen(slack, Console(file=io.StringIO()), slack.person("olivia"), slack.channel("dev-faq"))
        slack.listen(screen.arrived)
        Stage(Session(slack, screen), bot, site.knowledge, tmp_path).take(":past Where may I park?")
        told = slack.reply(slack.command("olivia", "dev-faq", "/kb stats")).shown
    assert f"{sum(ANSWERED)} answered · {sum(MISSED)} unanswered" in told
