"""`kotae eval` and `kotae search` measure the bot that serves the file: same hits, same confidences, same weights."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.cli import main
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack
from handlers.features import Feature
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
WITHOUT_QUESTIONS_BACK = ConfigFile(channels={"it-help": ChannelSection(features_off=frozenset({Feature.CLARIFYING}))})
"""A question back stores the rows to choose from, which are more or fewer than the hits of an answer."""
COMPARED = ("queries", "answerable", "partial", "recall_at_1", "recall_at_3", "average_precision", "auroc", "shipped")


@pytest.fixture
def manager() -> ModelManager:
    return models


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A real model under a name of our own."""
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
    """Start a bot that serves it-help and some others, and wait until it searches them by meaning."""
    for path in knowledge.glob("*.csv"):
        path.unlink()
    for name in ("it-help", *others):
        rows = [
            f"{verb}-{thing},How do I {verb} a {thing} ({name})?,See {thing}s: {verb}.,{verb} {thing}|{thing} {verb}\n"
            for verb in VERBS
            for thing in THINGS
        ]
        (knowledge / f"{name}.csv").write_text("id,question,answer,aliases\n" + "".join(rows))
    bot = start(WITHOUT_QUESTIONS_BACK, encoder_backend="sentence-transformers", model_name=str(model))
    loaded = bot.services.registry.loaded
    slack.wait_until(lambda: all(bot.services.registry.loaded[name].index.dense for name in loaded), 240, "the vectors")
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


@pytest.mark.long("loads torch")
@pytest.mark.usefixtures("environment")
def test_what_eval_measures_is_the_bot_that_serves_this_file_alone(
    slack: LocalSlack, start: Start, knowledge: Path, model: Path, queries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot, csv = served(start, slack, knowledge, model)
    measured = printed(capsys, "eval", csv, queries)
    expected = evaluate(confidences(slack, bot, capsys, csv, queries), measured["shipped"]["threshold"])
    assert {key: measured[key] for key in COMPARED} == {key: expected[key] for key in COMPARED}
    assert measured["encoder"] == str(model)
    scale = bot.services.registry.loaded["it-help"].index.scale
    assert scale is not None
    assert measured["scale"] == pytest.approx(asdict(scale), abs=1e-6)
    assert measured["partial"] == 1
    assert 0 < measured["shipped"]["replies"] < measured["queries"]


@pytest.mark.long("loads torch")
@pytest.mark.usefixtures("environment")
def test_eval_says_which_weights_and_which_scale_it_used(
    tmp_path: Path, queries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv = tmp_path / "faq.csv"
    rows = [f"How do I {verb} a {thing}?,See {thing}s: {verb}.\n" for verb in VERBS for thing in THINGS]
    csv.write_text("question,answer\n" + "".join(rows))
    scale = printed(capsys, "eval", csv, queries)["scale"]
    assert scale["rows"] == len(rows)
    assert main(["eval", str(csv), str(queries)]) == 0
    said = capsys.readouterr().out
    assert "weights of confidence: by meaning, as shipped\n" in said
    assert f"{scale['zero']:.3f} with other rows, {scale['one']:.3f} with the same question\n" in said
    assert "Questions it doesn't find by their words alone: 0%\n" in said
    assert "27 queries, 24 of them answerable; partial, and left out: 1" in said
    assert main(["eval", str(csv), str(queries), "--encoder", "lexical"]) == 0
    assert "Encoder: lexical; weights of confidence: by words, as shipped\n" in capsys.readouterr().out
