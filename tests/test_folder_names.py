"""Folders whose names have signs that mean something in an address: the state is in the folder of that name."""

from pathlib import Path

import pytest

from bot.cli import main

NAMES = ("a?b", "a#b", "a b", "a%20b", "a%zz", "データ 1", "q?uri=true&mode=memory", "file:x", "it's", "~")


def test_the_state_is_kept_in_the_folder_that_data_dir_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCODER_BACKEND", "lexical")
    for number, name in enumerate(NAMES):
        folder = tmp_path / "places" / name
        (folder / "knowledge").mkdir(parents=True)
        (folder / "knowledge" / "it-help.csv").write_text("question,answer\nWhere is it?,There.\n")
        monkeypatch.chdir(folder)
        monkeypatch.setenv("DATA_DIR", str(folder / "data"))
        for command in (["token", "create", f"token-{number}"], ["backup", "kotae.zip"], ["forget", "U012AB3CD"]):
            assert main(command) == 0, (name, command)
        assert main(["restore", "kotae.zip", "--yes"]) == 0, name
        capsys.readouterr()
        assert main(["token", "list"]) == 0
        assert main(["doctor"]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"token-{number}  ")
        assert said.count("token-") == 1, "no other folder's"
        assert "[ok]   State database: opens\n" in said
    made = {path.relative_to(tmp_path / "places").as_posix() for path in (tmp_path / "places").rglob("data/state.db")}
    assert made == {f"{name}/data/state.db" for name in NAMES}
    assert {path.name for path in (tmp_path / "places").iterdir()} == {*NAMES}
