"""`kotae eval` and `kotae search` measure the bot that serves the file: same hits, same confidences, same weights."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.cli import main
from bot.playground import LocalSlack
from indexes.confidence.calibration import MIN_ALIASES
from indexes.confidence.evaluation import Outcome, evaluate, rank_of, read_queries
from indexes.encoder import ModelManager, models
from tests.encoders import minilm_path
from tests.slack.conftest import Start, asked_so_far

THINGS = ("printer", "laptop", "badge", "phone", "monitor", "invoice")
VERBS = ("order", "return", "repair", "share")
QUERIES = (
    *(
        {"query": f"I want to {verb} the {thing}", "relevant": [f"{verb}-{thing}"]}
        for verb in VERBS
        for thing in THINGS
    ),
    {"query": "What does a printer weigh?", "relevant": [], "kind": "near"},
    {"query": "Who invented the phone?", "relevant": [], "kind": "near"},
    {"query": "Is it going to rain on Sunday?", "relevant": [], "kind": "far"},
    {"query": "Which badge opens the garage, and how do I order one?", "relevant": ["order-badge"], "kind": "partial"},
)
COMPARED = ("queries", "answerable", "partial", "recall_at_1", "recall_at_3", "average_precision", "auroc", "shipped")


@pytest.fixture
def manager() -> ModelManager:
    return models


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A real model under a name that the shipped weights are not known to fit."""
    folder = tmp_path / "our-encoder"
    folder.symlink_to(minilm_path(), target_is_directory=True)
    return folder


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.jsonl"
    path.write_text("".join(json.dumps(query) + "\n" for query in QUERIES))
    return path


@pytest.fixture
def environment(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What whoever types `kotae eval` has in the environment."""
    monkeypatch.setenv("MODEL_NAME", str(model))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "eval-data"))


def served(start: Start, slack: LocalSlack, knowledge: Path, model: Path, *others: str) -> tuple[Bot, Path]:
    """Start a bot that serves it-help and some others, and wait until it has fitted confidence."""
    for path in knowledge.glob("*.csv"):
        path.unlink()
    for name in ("it-help", *others):
        rows = [
            f"{verb}-{thing},How do I {verb} a {thing} ({name})?,See {thing}s: {verb}.,{verb} {thing}|{thing} {verb}\n"
            for verb in VERBS
            for thing in THINGS
        ]
        (knowledge / f"{name}.csv").write_text("id,question,answer,aliases\n" + "".join(rows))
    bot = start(encoder_backend="sentence-transformers", model_name=str(model))
    slack.wait_until(lambda: bot.services.registry.fit, what="the fit")
    return bot, knowledge / "it-help.csv"


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Run a command in this process, and return the JSON it prints."""
    assert main([str(each) for each in arguments] + ["--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def confidences(
    slack: LocalSlack, bot: Bot, capsys: pytest.CaptureFixture[str], csv: Path, path: Path
) -> list[Outcome]:
    """Ask everything in Slack and with `kotae search`; return what the bot found, which must be the same."""
    for query in read_queries(path):
        slack.reply(slack.command("alice", "it-help", f"/search {query.text}"))
        noted = asked_so_far(bot)[-1]
        alone = printed(capsys, "search", csv, query.text)
        assert [hit["record"]["id"] for hit in alone["hits"]] == [hit.record for hit in noted.hits]
        expected = [hit.confidence for hit in noted.hits]
        assert [hit["confidence"] for hit in alone["hits"]] == pytest.approx(expected, abs=1e-4)
    return [
        Outcome(query, rank_of(query.relevant, [hit.record for hit in noted.hits]), noted.confidence)
        for query, noted in zip(read_queries(path), asked_so_far(bot), strict=True)
    ]


@pytest.mark.usefixtures("environment")
def test_what_eval_measures_is_the_bot_that_serves_this_file_alone(
    slack: LocalSlack, start: Start, knowledge: Path, model: Path, queries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot, csv = served(start, slack, knowledge, model)
    measured = printed(capsys, "eval", csv, queries)
    expected = evaluate(confidences(slack, bot, capsys, csv, queries), measured["shipped"]["threshold"])
    assert {key: measured[key] for key in COMPARED} == {key: expected[key] for key in COMPARED}
    assert measured["encoder"] == str(model)
    assert measured["weights"] == {"origin": "fitted", "aliases": 48, "knowledge_bases": ["it-help"]}
    assert measured["partial"] == 1
    assert 0 < measured["shipped"]["replies"] < measured["queries"]


@pytest.mark.usefixtures("environment")
def test_where_a_bot_has_fitted_confidence_eval_measures_with_that(
    slack: LocalSlack,
    start: Start,
    knowledge: Path,
    model: Path,
    queries: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bot, csv = served(start, slack, knowledge, model, "dev-faq")
    alone = printed(capsys, "search", csv, QUERIES[0]["query"])["hits"][0]["confidence"]
    slack.wait_until((knowledge.parent / "data" / "calibration.json").exists, what="the file")
    monkeypatch.setenv("DATA_DIR", str(knowledge.parent / "data"))
    measured = printed(capsys, "eval", csv, queries)
    expected = evaluate(confidences(slack, bot, capsys, csv, queries), measured["shipped"]["threshold"])
    assert {key: measured[key] for key in COMPARED} == {key: expected[key] for key in COMPARED}
    assert measured["weights"] == {"origin": "fitted", "aliases": 96, "knowledge_bases": ["dev-faq", "it-help"]}
    assert abs(asked_so_far(bot)[0].confidence - alone) > 1e-4


@pytest.mark.usefixtures("environment")
def test_the_fit_to_one_file_is_none_of_the_bots_and_is_made_anew_when_the_file_changes(
    tmp_path: Path, queries: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    csv = tmp_path / "faq.csv"
    rows = [
        f"How do I {verb} a {thing}?,See {thing}s: {verb}.,{verb} my {thing}\n" for verb in VERBS for thing in THINGS
    ]
    csv.write_text("question,answer,aliases\n" + "".join(rows))
    few = printed(capsys, "eval", csv, queries)["weights"]
    assert few == {"origin": "shipped", "aliases": 24, "knowledge_bases": ["faq"]}
    assert main(["eval", str(csv), str(queries)]) == 0
    said = capsys.readouterr().out
    assert (
        f"weights of confidence: as shipped; faq has 24 aliases, and fitting to this encoder takes {MIN_ALIASES}"
        in said
    )
    assert "27 queries, 24 of them answerable; partial, and left out: 1" in said
    csv.write_text("question,answer,aliases\n" + "".join(row[:-1] + f"|{n}?\n" for n, row in enumerate(rows)))
    with caplog.at_level("INFO"):
        assert printed(capsys, "eval", csv, queries)["weights"]["aliases"] == 48
        assert printed(capsys, "eval", csv, queries)["weights"]["origin"] == "fitted"
    assert caplog.text.count("Confidence is fitted to") == 1
    assert main(["eval", str(csv), str(queries)]) == 0
    assert "weights of confidence: fitted on this machine to 48 aliases of faq" in capsys.readouterr().out
    assert not (tmp_path / "eval-data" / "calibration.json").exists()
    assert main(["eval", str(csv), str(queries), "--encoder", "lexical"]) == 0
    assert "Encoder: lexical; weights of confidence: as shipped\n" in capsys.readouterr().out
