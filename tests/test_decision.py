"""Why the best row is given unasked or not: each reason there is, in both languages, from CSVs and questions."""

import json
from math import floor
from pathlib import Path

import pytest

from bot.cli import main
from handlers.texts import ENGLISH, JAPANESE
from indexes import FaissSearch
from indexes.confidence.evaluation import read_queries
from indexes.confidence.votes import Judgement
from indexes.maintenance import Maintenance
from indexes.messages import en
from indexes.records import Source
from indexes.registry import Registry
from tests.encoders import minilm_link
from tests.remembered import remembered_manager

SETS = Path(__file__).parent / "sets"
FAQ = """\
id,question,answer
pw,How do I reset my password?,Use the reset page.
pw2,How do I reset my voicemail?,Press star.
exit,What does exit code 137 mean?,It ran out of memory.
party,When is the summer party?,TBD
,,The canteen serves lunch from noon until two.
twin,Where is the staff kitchen?,On the second floor.
twin2,Where is the staff kitchen?,Next to the lift.
hanko,印鑑はどこにありますか？,総務の窓口にあります。
"""
ASKED = {
    "How do I reset my password": ["why.given", "why.verbatim"],
    "How do I reset my": ["why.unsure", "why.close", "why.words_only"],
    "What does exit code 139 mean?": ["why.unsure", "why.other_code", "why.words_only"],
    "When is the summer party?": ["why.no_answer"],
    "is there a summer": ["why.no_answer", "why.little"],
    "the canteen serves lunch from noon until two": ["why.no_question"],
    "Where is the staff kitchen?": ["why.unsure", "why.twice", "why.words_only"],
    "137": ["why.unsure", "why.digits_only", "why.words_only"],
    "Where is the parking lot?": ["why.unsure", "why.little", "why.words_only"],
    "Ωψφ": ["why.nothing"],
    "?!": ["why.no_words"],
    "印鑑の更新": ["why.unsure", "why.little", "why.words_only"],
}


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text(FAQ, encoding="utf-8")
    return path


@pytest.mark.parametrize(("question", "keys"), ASKED.items())
def test_every_reason_is_named_and_agrees_with_what_the_bot_does(faq: Path, question: str, keys: list[str]) -> None:
    with FaissSearch(faq, None, data_dir=faq.parent / "data") as search:
        answer = search.answer(question)
        why = search.why(answer, 0.9)
    assert [reason.key for reason in why] == keys
    assert (why[0].key == "why.given") == answer.is_certain(0.9, unasked=True)
    for texts, quotes in ((ENGLISH, "“{}”"), (JAPANESE, "「{}」")):
        said = " ".join(map(texts.say, why))
        if "title" in why[0].values:
            assert quotes.format(answer.hits[0].record.title.rstrip()) in said
        if keys[0] == "why.unsure":
            assert f"{int(answer.confidence * 100)}%" in said
            assert "90%" in said


def test_every_sentence_about_a_row_is_reached() -> None:
    reached = {key for keys in ASKED.values() for key in keys} | {
        "why.votes",
        "why.close_other",
        "why.lost",
        "why.overdue",
    }
    assert reached == {key for key in en.WORDS if key.startswith("why.")}


@pytest.mark.long("loads torch")
def test_with_a_model_nobody_is_told_that_only_words_were_compared(faq: Path, shared: Path) -> None:
    model, manager = minilm_link(faq.parent), remembered_manager(shared)
    with FaissSearch(faq, str(model), data_dir=faq.parent / "data", manager=manager) as search:
        answer = search.answer("Who repairs broken chairs?")
        assert [reason.key for reason in search.why(answer, 0.9)] == ["why.unsure", "why.little"]


@pytest.mark.long("loads torch")
def test_a_model_that_does_not_know_the_language_is_named(tmp_path: Path, shared: Path) -> None:
    """all-MiniLM-L6-v2 is English."""
    model, manager = minilm_link(tmp_path), remembered_manager(shared)
    with FaissSearch(SETS / "clinic-ja" / "kb.csv", model, data_dir=tmp_path / "data", manager=manager) as search:
        asked = [query.text for query in read_queries(SETS / "clinic-ja" / "queries.jsonl")]
        said = [search.why(search.answer(text), 0.9) for text in asked]
        assert search.scale is not None
    named = {reason for reasons in said for reason in reasons if reason.key == "why.lost"}
    assert [reason.values["percent"] for reason in named] == [f"{search.scale.lost * 100:.0f}"]
    assert len([reasons for reasons in said if named & set(reasons)]) >= 3


def test_ratings_are_named_where_they_are_decisive(faq: Path) -> None:
    registry = Registry(lambda: [Source("faq", faq)])
    maintenance = Maintenance(registry, faq.parent / "data")
    maintenance.load().result()
    answer = registry.search("How can I reset my password", ["faq"])
    maintenance.update_confidence({"faq": [Judgement(0.9, right=False)] * 5}).result()
    rated = registry.search("How can I reset my password", ["faq"])
    maintenance.close()
    threshold = (answer.confidence + rated.confidence) / 2
    assert [reason.key for reason in registry.why(answer, threshold)] == ["why.given"]
    lowered, votes, *_ = registry.why(rated, threshold)
    assert (lowered.key, votes.key) == ("why.unsure", "why.votes")
    assert lowered.values["percent"] == floor(rated.confidence * 100) < floor(answer.confidence * 100)
    assert votes.values["percent"] in {floor(answer.confidence * 100), floor(answer.confidence * 100 - 1e-6)}


def test_without_the_other_row_it_is_said_that_there_is_one(faq: Path) -> None:
    with FaissSearch(faq, None, data_dir=faq.parent / "data") as search:
        answer = search.answer("How do I reset my", 1)
        assert [reason.key for reason in search.why(answer, 0.9)][1] == "why.close_other"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How do I reset my", "Who asks is asked back, since several rows are about as close: password, voicemail"),
        ("When is the summer party?", "Nothing is given unasked: the best row says “When is the summer party?”,"),
        ("How do I reset my password?", "Given unasked: the best row says “How do I reset my password?” with 9"),
        ("印鑑の更新", "自動では回答しません。最も近い行は「印鑑はどこにありますか？」ですが、確信度は "),
    ],
)
def test_search_explain_begins_with_the_reasons_in_the_language_of_the_question(
    faq: Path, question: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(faq.parent)
    monkeypatch.setenv("ENCODER_BACKEND", "lexical")
    assert main(["search", str(faq), question, "--explain"]) == 0
    assert capsys.readouterr().out.startswith(said)
    assert main(["search", str(faq), question, "--explain", "--json"]) == 0
    why = json.loads(capsys.readouterr().out)["why"]
    assert any(each["en"].startswith(said) or each["ja"].startswith(said) for each in why)
    assert all(list(each) == ["en", "ja"] for each in why)
    assert main(["search", str(faq), question, "--json"]) == 0
    assert "why" not in json.loads(capsys.readouterr().out)
