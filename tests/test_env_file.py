"""Settings go into `.env` without a trace on anything else in it."""

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from bot.env_file import merged, write_settings

VALUES = {"SLACK_BOT_TOKEN": "xoxb-1", "SEARCH_COMMAND": "/kb-search"}
LINES = [
    "# a comment",
    "",
    "  ",
    "OTHER=1",
    "OTHER_SLACK_BOT_TOKEN=x",
    "export NAME='it''s'",
    'TEXT="two\nlines # SLACK_BOT_TOKEN=no"',
    'TEXT="two\n# SLACK_BOT_TOKEN=no\n#SEARCH_COMMAND=no"',
    "SLACK_BOT_TOKEN=",
    "SLACK_BOT_TOKEN=xoxb-old",
    "export SLACK_BOT_TOKEN='xoxb-old'  # ours",
    "#SEARCH_COMMAND=/search",
    "# SEARCH_COMMAND=/search",
    "SEARCH_COMMAND=/search",
    "not a setting",
]


def read(folder: Path, text: str) -> dict[str, str | None]:
    file = folder / "env"
    file.write_bytes(text.encode())
    return dotenv_values(file, interpolate=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("env")


@given(st.lists(st.sampled_from(LINES), max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "ended"]))
def test_it_has_the_values_and_whatever_else_it_had(folder: Path, lines: list[str], end: str, ended: str) -> None:
    text = end.join(lines) + (end if ended and lines else "")
    written = merged(text, VALUES)
    assert read(folder, written) == {**read(folder, text), **VALUES}
    assert merged(written, VALUES) == written
    kept = [line for line in text.splitlines() if not line.lstrip("#").strip().startswith(("export SL", *VALUES))]
    left = iter(written.splitlines())
    assert all(line in left for line in kept)
    if "\r\n" in text:
        inside = ("two\nlines", "two\n# SLACK_BOT_TOKEN=no\n#SEARCH_COMMAND=no")
        for value in inside:
            written = written.replace(value, "")
        assert "\n" not in written.replace("\r\n", "")


def test_the_mark_of_notepad_and_the_comment_behind_stay() -> None:
    assert merged("\ufeffSLACK_BOT_TOKEN=x  # ours\r\n# end", {"SLACK_BOT_TOKEN": "y"}) == (
        "\ufeffSLACK_BOT_TOKEN=y  # ours\r\n# end"
    )


def test_a_link_stays_one_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("A=1\n")
    real.chmod(0o644)
    (tmp_path / ".env").symlink_to(real)
    write_settings(tmp_path / ".env", VALUES)
    assert (tmp_path / ".env").is_symlink()
    assert real.read_text() == "A=1\nSLACK_BOT_TOKEN=xoxb-1\nSEARCH_COMMAND=/kb-search\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_what_is_not_utf8_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(UnicodeDecodeError):
        write_settings(tmp_path / ".env", VALUES)
    assert (tmp_path / ".env").read_bytes() == b"A=\xff\n"
