"""How far the indexing of an uploaded file is: in the card, every few seconds."""

import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from numpy.typing import NDArray

from bot.playground import LocalSlack
from handlers.files.applying import PROGRESS_SECONDS
from indexes.encoder import ModelManager
from tests.encoders import HashingModel
from tests.slack.conftest import IT_HELP, Start, settle
from tests.slack.test_reload import DENSE, dense
from tests.slack.test_uploads import press, upload


class SlowModel(HashingModel):
    """Takes a hundredth of a second for a document."""

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        time.sleep(len(texts) / 100)
        return super().encode_documents(texts)


@pytest.fixture
def manager() -> Iterator[ModelManager]:
    """Instead of the usual one."""
    managing = ModelManager(lambda name, _: SlowModel(name))
    yield managing
    managing.close()


@pytest.mark.usefixtures("lawful")
def test_the_card_says_how_far_it_is_and_then_what_was_done(slack: LocalSlack, start: Start) -> None:
    bot = start(**DENSE)
    dense(slack, bot)
    rows = "".join(f"n{number},番号{number}の質問,答え{number},,,,\n" for number in range(800))
    card = upload(slack, "it-help.csv", IT_HELP + rows)
    changes: list[tuple[float, str]] = []

    def watch(_: str, thing: object) -> None:
        if thing is card:
            changes.append((time.monotonic(), card.shown))

    stop = slack.listen(watch)
    pressed = time.monotonic()
    press(slack, card, "Apply", "Encoded ")
    stop()
    settle(slack, bot)
    shown = [(at, re.findall(r"search by meaning: ([\d,]+) of 1,600 texts …", text)) for at, text in changes]
    steps = [(at, int(done[0].replace(",", ""))) for at, done in shown if done]
    assert len(steps) >= 2
    assert [done for _, done in steps] == sorted({done for _, done in steps})
    assert all(late - early >= PROGRESS_SECONDS * 0.9 for (early, _), (late, _) in pairwise(steps))
    assert changes[0][1] == ":hourglass_flowing_sand: it-help.csv is being put in place for *it-help* …"
    assert changes[0][0] - pressed < PROGRESS_SECONDS
    assert "*it-help*: 805 entries. Added 800, changed 0, removed 0, skipped 0. Encoded 1600, re-used 10" in card.shown
