"""Without its model the bot answers by words and says so; when the model comes, it answers by meaning at once."""

import logging
import re
import threading
import time
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from bot.playground.standing import notes
from indexes.encoder import Model, ModelManager, load_sentence_transformer
from indexes.encoder.names import unavailable
from indexes.errors import EncodingError
from indexes.messages import Translatable
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
        self.hindrance: Exception | None = None
        self.there = threading.Event()
        self.manager = ModelManager(self._load)

    def _load(self, name: str, _: str | None) -> Model:
        self.asked += 1
        if not self.there.is_set():
            raise self.hindrance or unavailable(name, "the hub is out of reach", Translatable("mend.name"))
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
    """The first question of the knowledge base in the reply."""
    known = [row.partition(",")[0] for row in FAQ.splitlines()[1:]]
    return next(line for line in says(slack, f"/search {question}").splitlines() if line in known)


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
        slack.wait_until(lambda: late.asked >= 2)
        time.sleep(0.5)  # it is looked at ten times meanwhile, and can't be loaded
        assert late.asked == 2
        (folder / "config.json").touch()
        slack.wait_until(lambda: late.asked >= 3)
        late.there.set()
        (folder / "model.safetensors").touch()
        slack.wait_until(lambda: any("has arrived" in record.getMessage() for record in caplog.records))
        assert is_dense(bot)
    status = says(slack, "/kb status")
    assert "isn't available" not in status
    assert f"*it-help*: 5 entries, {folder}, snapshot just made" in status
    assert bot.services.registry.search("VPNにつながりません", ["it-help"]).encoder == str(folder)
    told = [record.getMessage() for record in caplog.records if "keep trying" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith(f"The model {folder} can't be used: the hub is out of reach.")
    assert [r.levelname for r in caplog.records if "has arrived" in r.getMessage()] == ["INFO"]


def test_while_only_words_are_searched_it_is_said_where_it_matters(
    slack: LocalSlack, start: Start, late: Late, tmp_path: Path
) -> None:
    folder = tmp_path / "the model"
    bot = start(encoder_backend="sentence-transformers", model_name=str(folder))
    slack.wait_until(lambda: bot.model is not None and bot.model.trouble)

    def asked(who: str, question: str) -> str:
        return slack.reply(slack.command(who, "it-help", f"/search {question}")).shown

    def home(who: str) -> str:
        view = slack.open_home(who)
        assert view
        return view.shown

    found, lost = ("alice", "How do I connect to the office Wi-Fi?"), ("alice", "zxqv")
    assert ["For now I search by words only" in asked(*each) for each in (found, lost)] == [True, True]
    assert "いまは言葉の一致だけで探しています。" in asked("hanako", "パスワードを忘れました")
    assert "may not be found until the model is ready" in home("alice")
    assert "意味で探す準備ができるまで" in home("ichiro")
    on = says(slack, "/kb auto-reply on", "it-help")
    assert "The same question in other words gets no automatic answer yet." in on
    assert "the hub is out of reach" in on
    [note] = notes(bot.services).values()
    assert ("until the model is ready" in note.en, "意味で探す準備" in note.ja) == (True, True)
    late.there.set()
    folder.mkdir()
    slack.wait_until(lambda: is_dense(bot))
    told = [asked(*found), asked(*lost), home("alice"), says(slack, "/kb auto-reply on", "it-help")]
    assert [text for text in told if "by words only" in text] == []
    assert notes(bot.services) == {}


@pytest.mark.parametrize(
    "hindrance",
    [
        RuntimeError("expected a tensor"),
        MemoryError(),
        OSError(5, "I/O"),
        EncodingError("model.failed", kind="RuntimeError"),
    ],
)
def test_whatever_hinders_the_model_is_said_and_tried_again(
    slack: LocalSlack, start: Start, late: Late, tmp_path: Path, hindrance: Exception
) -> None:
    late.hindrance = hindrance
    folder = tmp_path / "the model"
    bot = start(encoder_backend="sentence-transformers", model_name=str(folder))
    slack.wait_until(lambda: bot.model is not None and bot.model.trouble)
    status = says(slack, "/kb status")
    assert "is being loaded" not in status
    assert f":warning: The model {folder} isn't available" in status
    late.there.set()
    folder.mkdir()
    slack.wait_until(lambda: is_dense(bot))
    assert "isn't available" not in says(slack, "/kb status")


@pytest.mark.long("loads torch")
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
        assert closest(slack, "I can't log in") != "How do I reset my password?"
        folder.symlink_to(minilm_path())
        slack.wait_until(lambda: is_dense(bot), 60)
        assert closest(slack, "I can't log in") == "How do I reset my password?"


def test_the_start_is_told_in_one_line(
    slack: LocalSlack, start: Start, late: Late, caplog: pytest.LogCaptureFixture
) -> None:
    """By words when the model can't be had; else with what was encoded, and at the second start with what was not."""
    caplog.set_level(logging.INFO)
    start(encoder_backend="sentence-transformers", model_name="never/there")
    slack.wait_until(lambda: readiness(caplog))
    by_words = r"settings [\d.]+ · connected [\d.]+ · 3 knowledge bases by words [\d.]+"
    assert re.fullmatch(by_words + " · by words only until the model is there", readiness(caplog)[0])
    late.there.set()
    for made in (r"0 re-used, \d\d encoded", r"\d\d re-used, 0 encoded"):
        caplog.clear()
        bot = start(encoder_backend="sentence-transformers", model_name="there")
        slack.wait_until(lambda: readiness(caplog))
        line = rf"{by_words} · model [\d.]+ · vectors [\d.]+ \({made}\)"
        assert re.fullmatch(line, readiness(caplog)[0])
        assert bot.stop()


def test_the_start_without_a_model_is_told_in_one_line(
    slack: LocalSlack, start: Start, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (knowledge / "hr-somu.csv").write_bytes(b"PK\x03\x04 a workbook")
    start()
    slack.wait_until(lambda: readiness(caplog))
    assert re.search(r" · 3 knowledge bases by words [\d.]+ \(1 unusable\) · no model$", readiness(caplog)[0])


def readiness(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The stages that "Ready in" lines name."""
    lines = [re.fullmatch(r"Ready in [\d.]+ s: (.*)", record.getMessage()) for record in caplog.records]
    return [line[1] for line in lines if line]


def test_questions_while_the_model_loads_are_answered_at_once(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    """The default fixture's model never comes here; what counts is that nobody waits for it."""
    assert knowledge.is_dir()
    start(encoder_backend="sentence-transformers", model_name="never/there")
    assert "再設定ページから" in says(slack, "/search パスワードを忘れました", "it-help")


def test_stopping_does_not_wait_for_a_model_that_never_comes(slack: LocalSlack, start: Start) -> None:
    bot = start(encoder_backend="sentence-transformers", model_name="never/there")
    slack.wait_until(lambda: bot.model is not None and bot.model.trouble)
    assert bot.stop()
