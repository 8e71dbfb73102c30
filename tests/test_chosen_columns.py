"""`[knowledge_bases.NAME.columns]` of kotae.toml: which column is which, and every mistake by key and value."""

import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.settings import SettingsError, load_settings

CSV = "品名,特色,記入日\n椅子,軽くて積み重ねられます,2026-01-05\n机,高さを変えられます,2026-01-06\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENCODER_BACKEND", "lexical")
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "catalog.csv").write_text(CSV, encoding="utf-8")
    return tmp_path


def columns(folder: Path, *lines: str) -> None:
    (folder / "kotae.toml").write_text("\n".join(["[knowledge_bases.Catalog.columns]", *lines]), encoding="utf-8")


def test_the_columns_are_read_as_kotae_toml_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns(folder, 'question = "品名"', 'answer = "特色"', 'updated = " 記入日"')
    assert main(["check", "knowledge/catalog.csv", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)[0]
    assert report["columns"] == {"question": "品名", "answer": "特色", "updated": "記入日"}
    assert report["problems"] == []
    assert main(["search", "knowledge/catalog.csv", "机", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hits"][0]["record"]["answer"] == "高さを変えられます"


def test_without_them_the_guess_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder / "knowledge" / "catalog.csv")]) == 0
    said = capsys.readouterr().out
    assert (
        'catalog.csv:1: no column has a known name: "品名" is taken for the question and "特色" for the answer' in said
    )


def test_a_column_that_the_file_lacks_is_named_with_file_key_and_value(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns(folder, 'question = "件名"')
    assert main(["check", "knowledge/catalog.csv"]) == 1
    assert capsys.readouterr().out.strip() == (
        'kotae.toml: knowledge_bases.catalog.columns.question = "件名": catalog.csv has no such column; '
        'its first row has "品名", "特色", "記入日"'
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('qestion = "品名"', "kotae.toml: knowledge_bases.Catalog.columns.qestion: unknown key"),
        ("question = 3", "kotae.toml: knowledge_bases.Catalog.columns.question = 3: must be a valid string"),
        ('question = ""', "kotae.toml: knowledge_bases.Catalog.columns.question = '': "),
        ('question = "品名"\nanswer = "品名"', "'品名' is named for two roles; each needs a column of its own"),
    ],
)
def test_a_wrong_key_or_value_is_refused_at_the_start(folder: Path, line: str, says: str) -> None:
    columns(folder, line)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert says in str(caught.value)
