"""Columns without a role: searched when nothing else answers, and telling apart rows that are the same otherwise."""

from pathlib import Path

import pytest

from indexes.confidence.confidence import DOUBTFUL
from indexes.search import FaissSearch

PARTS = """Group,Part,Content
Machines,Harvester,Brings in wheat and barley
Machines,Seeder,Puts grain into the soil
Machines,Baler,Presses straw
"""
PARTS_JA = """区分,機種,内容
機械,収穫機,小麦と大麦を刈り取ります
機械,播種機,土に種をまきます
機械,梱包機,わらを圧縮します
"""
SITES = """question,answer,office,phone
Who opens the gate?,Call the guard,East,31
Who opens the gate?,Call the guard,West,32
When is lunch?,At noon,East,
"""


def knowledge_base(folder: Path, text: str) -> FaissSearch:
    (folder / "kb.csv").write_text(text, encoding="utf-8")
    return FaissSearch(folder / "kb.csv", None, data_dir=folder / "data")


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (PARTS, "Harvester", "Brings in wheat and barley"),
        (PARTS, "What does the baler do?", "Presses straw"),
        (PARTS, "seeders", "Puts grain into the soil"),
        (PARTS_JA, "播種機とは？", "土に種をまきます"),
        (PARTS_JA, "梱包機は何をしますか", "わらを圧縮します"),
    ],
)
def test_details_are_searched_when_nothing_else_answers(tmp_path: Path, text: str, question: str, answer: str) -> None:
    with knowledge_base(tmp_path, text) as base:
        hits = base.search(question)
    assert hits[0].record.answer == answer
    assert hits[0].confidence <= DOUBTFUL
    assert [hit.confidence for hit in hits] == sorted((hit.confidence for hit in hits), reverse=True)
    assert len({hit.record.id for hit in hits}) == 3


def test_details_never_come_before_an_answer(tmp_path: Path) -> None:
    text = "question,answer,note\nWhere is the printer?,Floor 2,\nWhen is lunch?,At noon,beside the south door\n"
    with knowledge_base(tmp_path, text) as base:
        assert base.search("Where is the printer, please?")[0].record.answer == "Floor 2"
        assert base.search("Where is the south printer?")[0].record.answer == "Floor 2"


@pytest.mark.parametrize(("asked", "phone"), [("East", "31"), ("West", "32"), ("west office", "32")])
def test_rows_that_differ_in_details_only_are_all_there_and_told_apart(tmp_path: Path, asked: str, phone: str) -> None:
    with knowledge_base(tmp_path, SITES) as base:
        hits = base.search(f"Who opens the gate in the {asked}?")
    assert hits[0].record.details["phone"] == phone
    assert sorted(hit.record.details.get("phone", "") for hit in hits) == ["", "31", "32"]
