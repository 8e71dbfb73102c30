"""What admins are told while a knowledge base is being prepared for the search by meaning."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from bot.playground import LocalSlack
from bot.status import format_status, read_status, write_status
from indexes.builder import SOON_DONE
from indexes.encoder import ModelManager
from tests.conftest import FOLDER
from tests.encoders import HashingModel
from tests.slack.conftest import Start
from tests.slack.test_reload import DENSE, dense
from tests.slack.test_uploads import press, upload

ROWS = SOON_DONE + 44
HELD = "".join(f"How do I set number {n}?,held answer {n}\n" for n in range(ROWS))


class HeldModel(HashingModel):
    """Waits before it encodes an answer of HELD."""

    def __init__(self) -> None:
        super().__init__("held")
        self.gate = threading.Event()

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        assert not any("held answer" in text for text in texts) or self.gate.wait(60)
        return super().encode_documents(texts)


@pytest.fixture
def model() -> HeldModel:
    return HeldModel()


@pytest.fixture
def manager(model: HeldModel) -> Iterator[ModelManager]:
    """Instead of the usual one."""
    managing = ModelManager(lambda _, __: model)
    yield managing
    model.gate.set()
    managing.close()


READY = (
    f"Being prepared for the search by meaning: {ROWS} of {2 * ROWS} texts. The questions are ready; answers and other"
)
READY_JA = f"意味で検索できるように準備しています（{2 * ROWS}件中{ROWS}件）。質問文はもう検索できます。"


@pytest.mark.usefixtures("lawful")
def test_the_status_says_how_far_the_first_build_is(
    slack: LocalSlack, start: Start, knowledge: Path, model: HeldModel
) -> None:
    (knowledge / "it-help.csv").write_text(f"question,answer\n{HELD}", "utf-8")
    bot = start(**DENSE)
    registry = bot.services.registry
    slack.wait_until(lambda: "it-help" in registry.loaded and registry.loaded["it-help"].by_questions, 60)
    status = slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    assert f"*it-help*: {ROWS} entries, by the meaning of its questions so far" in status
    assert READY in status
    assert READY_JA in slack.reply(slack.command("ichiro", "it-help", "/kb status")).shown
    write_status(knowledge.parent, bot.services)
    told = read_status(knowledge.parent)
    assert told is not None
    assert (
        f"  it-help: {ROWS} records - being prepared for the search by meaning, {ROWS} of {2 * ROWS} texts;"
        " the questions are ready, answers and other phrasings follow" in format_status(told)
    )
    model.gate.set()
    dense(slack, bot)
    slack.wait_until(lambda: not registry.loaded["it-help"].by_questions, 60)
    assert "Being prepared" not in slack.reply(slack.command("olivia", "it-help", "/kb status")).shown


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_a_reload_tells_once_that_the_questions_are_ready_and_an_upload_shows_it(
    slack: LocalSlack, start: Start, knowledge: Path, model: HeldModel
) -> None:
    bot = start(**DENSE)
    dense(slack, bot)
    (knowledge / "new.csv").write_text(f"question,answer\n{HELD}", "utf-8")
    asked = slack.command("olivia", "it-help", "/kb reload new")
    slack.wait_until(lambda: any(READY in message.shown for message in asked.messages), 60)
    model.gate.set()
    slack.wait_until(lambda: len(asked.messages) == 3, 60)
    assert f"*new*: {ROWS} entries. Added {ROWS}" in asked.messages[-1].shown
    assert len(asked.messages) == 3
    model.gate.clear()
    more = "".join(f"Where is item {n}?,held answer of {n}\n" for n in range(ROWS))
    card = upload(slack, "items.csv", f"question,answer\n{more}")
    slack.press("olivia", card, "upload_choose", "New: items")
    slack.wait_until(lambda: "as a new knowledge base" in card.shown)
    press(slack, card, "Apply", READY)
    model.gate.set()
    slack.wait_until(lambda: f"*items*: {ROWS} entries. Added {ROWS}" in card.shown, 60)
