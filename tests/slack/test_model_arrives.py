"""Without its model the bot answers by words and says so; when the model comes, it answers by meaning at once."""

import logging
import threading
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from indexes.encoder import Model, ModelManager, load_sentence_transformer
from indexes.errors import ModelUnavailableError
from tests.encoders import HashingModel, minilm_path
from tests.slack.conftest import Start

FAQ = """\
question,answer
How do I reset my password?,Use the reset page.
Where is the printer?,Next to the lift.
How do I book a meeting room?,In the calendar.
"""


class Late:
    """A manager whose model can't be had at first."""

    def __init__(self) -> None:
        self.asked = 0
        self.there = threading.Event()
        self.manager = ModelManager(self._load)

    def _load(self, name: str, _: str | None) -> Model:
        self.asked += 1
        if not self.there.is_set():
            raise ModelUnavailableError(f"The model {name} can't be used: the hub is out of reach.")
        return HashingModel(name)


@pytest.fixture
def late() -> Late:
    return Late()


@pytest.fixture
def manager(late: Late) -> ModelManager:
    return late.manager


@pytest.fixture
def look_seconds() -> float:
    return 0.05


def says(slack: LocalSlack, line: str, where: str = "dev-faq") -> str:
    return slack.reply(slack.command("olivia", where, line)).shown


def closest(slack: LocalSlack, question: str) -> str:
    return says(slack, f"/search {question}").split("The closest are:\n")[-1]


def is_dense(bot: Bot) -> bool:
    return all(one.index.dense for one in bot.services.registry.loaded.values())


def test_words_first_then_meaning_without_a_restart(
    slack: LocalSlack, start: Start, late: Late, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "the model"
    with caplog.at_level(logging.INFO):
        bot = start(encoder_backend="sentence-transformers", model_name=str(folder))
        slack.wait_until(lambda: bot.model is not None and bot.model.trouble)
        assert "再設定ページから" in says(slack, "/search パスワードを忘れました", "it-help")
        status = says(slack, "/kb status")
        assert f":warning: The model {folder} isn't available: The model {folder} can't be used" in status
        assert "I search by words only until it is." in status
        assert "*it-help*: 5 entries, words only" in status
        folder.mkdir()
        slack.wait_until(lambda: late.asked >= 3)
        late.there.set()
        slack.wait_until(lambda: any("has arrived" in record.getMessage() for record in caplog.records))
        assert is_dense(bot)
    status = says(slack, "/kb status")
    assert "isn't available" not in status
    assert f"*it-help*: 5 entries, {folder}, snapshot 0 min old" in status
    assert bot.services.registry.search("VPNにつながりません", ["it-help"]).encoder == str(folder)
    told = [record.getMessage() for record in caplog.records if "keep trying" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith(f"The model {folder} can't be used: the hub is out of reach.")
    assert [r.levelname for r in caplog.records if "has arrived" in r.getMessage()] == ["INFO"]


class TestWithARealModel:
    """all-MiniLM-L6-v2 appears in a folder that was not there."""

    @pytest.fixture
    def manager(self) -> ModelManager:
        return ModelManager(load_sentence_transformer)

    def test_cant_log_in_finds_reset_your_password_once_the_model_is_there(
        self, slack: LocalSlack, start: Start, knowledge: Path, tmp_path: Path
    ) -> None:
        (knowledge / "dev-faq.csv").write_text(FAQ)
        folder = tmp_path / "all-MiniLM-L6-v2"
        bot = start(encoder_backend="sentence-transformers", model_name=str(folder))
        slack.wait_until(lambda: bot.model is not None and bot.model.trouble, 30)
        assert not closest(slack, "I can't log in").startswith("How do I reset my password?")
        folder.symlink_to(minilm_path())
        slack.wait_until(lambda: is_dense(bot), 60)
        assert closest(slack, "I can't log in").startswith("How do I reset my password?")


def test_questions_while_the_model_loads_are_answered_at_once(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    """The default fixture's model never comes here; what counts is that nobody waits for it."""
    assert knowledge.is_dir()
    start(encoder_backend="sentence-transformers", model_name="never/there")
    assert "再設定ページから" in says(slack, "/search パスワードを忘れました", "it-help")


def test_stopping_does_not_wait_for_a_model_that_never_comes(slack: LocalSlack, start: Start) -> None:
    bot = start(encoder_backend="sentence-transformers", model_name="never/there")
    slack.wait_until(lambda: bot.model is not None and bot.model.trouble)
    assert bot.stop()
