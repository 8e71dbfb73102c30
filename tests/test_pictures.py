"""The gallery of the documentation: every kind of message in both languages, and nothing that isn't there."""

import re
from pathlib import Path

import pytest

from bot.playground.terminal.script import read_script

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
