"""Replicas that were not given the same kotae.toml: the log, `/kb status`, `kotae status` and `doctor` name them."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config_file import ChannelSection, ConfigFile
from bot.doctor import local_checks
from bot.playground import LocalSlack
from bot.replay import COMPARED_BEATS
from bot.status import format_status, read_status, write_status
from handlers.membership import BEAT_SECONDS
from indexes.encoder import ModelManager
from tests.replicas import Replicas, replicas

MARKED = "its `kotae.toml` is another one"
SAME = ConfigFile(
    promise=0.0, threshold=0.8, channels={"it-help": ChannelSection(threshold=0.7), "dev": ChannelSection()}
)
AGAIN = ConfigFile(
    promise=0.0, threshold=0.8, channels={"dev": ChannelSection(), "it-help": ChannelSection(threshold=0.7)}
)
OTHER = SAME.model_copy(update={"threshold": 0.6})

pytestmark = pytest.mark.usefixtures("knowledge")


@pytest.fixture
def several(slack: LocalSlack, tmp_path: Path, postgresql: str) -> Iterator[Replicas]:
    with replicas(slack, tmp_path, postgresql) as running:
        yield running


def test_what_counts_is_what_it_says() -> None:
    assert SAME.digest == AGAIN.digest == SAME.model_copy(update={"watch": False}).digest
    assert SAME.digest != OTHER.digest


def kb_status(slack: LocalSlack) -> str:
    return slack.reply(slack.command("olivia", "it-help", "/kb status")).shown


def doctor(several: Replicas, config: ConfigFile) -> list[str]:
    return [str(each) for each in local_checks.check_database(several.settings("a", config)) if "Replicas" in each.what]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "bot.replay" and "kotae.toml" in each.message]


def test_replicas_that_differ_are_named(
    slack: LocalSlack, several: Replicas, manager: ModelManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for name, config in (("a", SAME), ("b", AGAIN)):
        several.start(name, manager, config.model_copy(update={"channels": {"it-help": ChannelSection(threshold=0.7)}}))
    mine = several.of["a"].services.config.digest
    all_tell(slack, several)
    assert MARKED not in kb_status(slack)
    same = ConfigFile(promise=0.0, threshold=0.8, channels={"it-help": ChannelSection(threshold=0.7)})
    assert doctor(several, same) == ["[ok]   Replicas: 2 running, all with this kotae.toml"]
    assert mine == same.digest
    other = several.start("c", manager, same.model_copy(update={"threshold": 0.6}))
    all_tell(slack, several)
    text = kb_status(slack)
    assert text.count(MARKED) in {1, 2}, "the third one, or both others if that one answered"
    assert [each.startswith("[note] Replicas: the one on ") for each in doctor(several, same)] == [True]
    assert len(doctor(several, OTHER)) == 3
    data = several.settings("a").environment.data_dir
    write_status(data, several.of["a"].services)
    told = read_status(data)
    assert told
    assert format_status(told).count("its kotae.toml is another one") == 1
    slack.wait_until(lambda: len(warnings(caplog)) == 3, 3 * COMPARED_BEATS * BEAT_SECONDS, "a warning of each")
    assert all("give all replicas the same" in each for each in warnings(caplog))
    time.sleep(COMPARED_BEATS * BEAT_SECONDS + 1)
    assert len(warnings(caplog)) == 3, "once"
    assert other.services.config.digest not in json.dumps(text)
    several.stop("c")
    slack.wait_until(lambda: len(warnings(caplog)) == 5, 3 * COMPARED_BEATS * BEAT_SECONDS, "the end of it")
    assert MARKED not in kb_status(slack)


def all_tell(slack: LocalSlack, several: Replicas) -> None:
    """Wait until each replica has said what it was given."""
    of = several.of["a"].services.membership
    slack.wait_until(lambda: [bool(each.doing.get("config")) for each in of.all()] == [True] * len(several.of))
