"""The bot compiles its model while it answers, says so in both languages, and starts with the compiled form."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from bot.status import format_status, read_status, write_status
from indexes.encoder import Model, ModelManager, load_model
from indexes.encoder.compiler import CHOSEN, COMPILED, WAITING
from indexes.encoder.fast import FastModel
from tests.compiled import compiled_minilm
from tests.encoders import build_like_minilm, minilm_path
from tests.slack.conftest import Start, stop

pytestmark = pytest.mark.long("compiles models")

ROOT = Path(__file__).parents[2]
SECONDS = 240.0


class Counted:
    """The real loader, and how often it was asked."""

    def __init__(self) -> None:
        self.loads = 0
        self.manager = ModelManager(self._load)

    def _load(self, name: str, revision: str | None) -> Model:
        self.loads += 1
        return load_model(name, revision)


@pytest.fixture
def counted() -> Iterator[Counted]:
    counting = Counted()
    yield counting
    counting.manager.close()


@pytest.fixture
def manager(counted: Counted) -> ModelManager:
    return counted.manager


def kotae(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HF_HUB_OFFLINE"}}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def status(slack: LocalSlack, who: str) -> str:
    return slack.reply(slack.command(who, "dev-faq", "/kb status")).shown


def confidences(bot: Bot) -> list[tuple[str, float]]:
    questions = ("パスワードを忘れました", "VPNにつながりません", "printer is out of paper")
    answers = [bot.services.registry.search(question, ["it-help"]) for question in questions]
    return [(hit.record.id, hit.confidence) for answer in answers for hit in answer.hits]


def searches_by_meaning(bot: Bot) -> bool:
    return all(loaded.index.dense for loaded in bot.services.registry.loaded.values())


def runs_compiled(bot: Bot) -> bool:
    return bot.services.process().model_form == COMPILED and bot.services.registry.encoder is not None


@pytest.mark.usefixtures("lawful")
def test_compiled_while_it_answers_and_used_at_the_next_start(
    slack: LocalSlack, start: Start, counted: Counted, tmp_path: Path, knowledge: Path
) -> None:
    model = build_like_minilm(tmp_path / "mine", "cls")
    wanted = {"encoder_backend": "auto", "encoder_precision": "float32", "model_name": str(model)}
    bot = start(**wanted)
    loaded = bot.services.registry.loaded
    slack.wait_until(lambda: all(bot.services.registry.loaded[name].index.dense for name in loaded), SECONDS)
    before = confidences(bot)
    slack.wait_until(lambda: runs_compiled(bot), SECONDS, what="the compiled form")
    assert "compiled for this machine; torch is not needed" in status(slack, "olivia")
    assert "このマシン用に変換済みです。torch は使いません" in status(slack, "ichiro")
    write_status(knowledge.parent / "data", bot.services)
    told = read_status(knowledge.parent / "data")
    assert told
    assert f"Encoder: {wanted['model_name']}, compiled for this machine" in format_status(told)
    stop(slack, bot)
    counted.manager.close()
    again = start(**wanted)
    slack.wait_until(lambda: runs_compiled(again), SECONDS, what="the compiled form")
    slack.wait_until(lambda: all(again.services.registry.loaded[name].index.dense for name in loaded), SECONDS)
    assert counted.loads == 1
    assert isinstance(counted.manager.get(str(wanted["model_name"]))._model, FastModel)
    assert [name for name, _ in confidences(again)] == [name for name, _ in before]
    assert [sure for _, sure in confidences(again)] == pytest.approx([sure for _, sure in before], abs=5e-4)


def test_what_cannot_be_compiled_stays_and_says_why(slack: LocalSlack, start: Start, tmp_path: Path) -> None:
    bot = start(encoder_backend="auto", model_name=str(build_like_minilm(tmp_path / "mine", "dense")))
    assert bot.services.process().model_form == WAITING
    slack.wait_until(
        lambda: (form := bot.services.process().model_form) and form.key == "form.refused", SECONDS, what="the refusal"
    )
    shown = status(slack, "olivia")
    assert (
        "with sentence-transformers; it can't be compiled: it has a part that only sentence-transformers runs" in shown
    )
    assert "sentence-transformers で動いています。変換できません: " in status(slack, "ichiro")


def test_torch_by_choice(slack: LocalSlack, start: Start, tmp_path: Path) -> None:
    folder = build_like_minilm(tmp_path / "mine", "cls")
    bot = start(encoder_backend="sentence-transformers", model_name=str(folder))
    slack.wait_until(lambda: bot.services.registry.encoder is not None, SECONDS)
    assert bot.services.process().model_form == CHOSEN
    assert "because of ENCODER_BACKEND=sentence-transformers" in status(slack, "olivia")
    assert not (folder.parent / "data" / "compiled").exists()


def test_cleared_while_the_bot_runs_it_goes_on_and_the_next_start_has_torch_again(
    slack: LocalSlack, start: Start, counted: Counted, shared: Path, knowledge: Path
) -> None:
    data, model = knowledge.parent / "data", str(minilm_path())
    wanted = {"encoder_backend": "auto", "model_name": model}
    shutil.copytree(compiled_minilm(shared), data / "compiled")
    bot = start(**wanted)
    slack.wait_until(lambda: searches_by_meaning(bot), SECONDS)
    assert (counted.loads, runs_compiled(bot)) == (0, True)
    cleared = kotae("model", "clear", model, DATA_DIR=str(data))
    assert (cleared.returncode, cleared.stderr) == (0, "")
    assert cleared.stdout.startswith(f"Deleted {model}: ")
    assert list((data / "compiled").iterdir()) == []
    with (knowledge / "it-help.csv").open("a", encoding="utf-8") as file:
        file.write("desk,Can I get another desk?,Ask the office manager.,Office,,,\n")
    asked = slack.command("olivia", "it-help", "/kb reload it-help")
    slack.wait_until(lambda: len(asked.messages) == 2, what="the report")
    assert "Added 1, changed 0" in asked.messages[1].shown
    assert bot.services.registry.search("a new table to work at", ["it-help"]).hits[0].record.id == "desk"
    assert "compiled for this machine" in status(slack, "olivia")
    stop(slack, bot)
    counted.manager.close()
    again = start(**wanted)
    slack.wait_until(lambda: searches_by_meaning(again), SECONDS)
    assert (counted.loads, runs_compiled(again)) == (1, False)
    assert again.services.registry.search("a new table to work at", ["it-help"]).hits[0].record.id == "desk"
