"""CSV files are taken in when they change on disk, whichever way they are written; nobody in Slack is bothered."""

import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.folder_watch import FolderWatch
from bot.playground import LocalSlack
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from indexes.reload_report import ReloadReport
from tests.conftest import FOLDER
from tests.slack.conftest import IT_HELP, Start

pytestmark = pytest.mark.sqlite(FOLDER)

FAX = "fax,ファクスはどこですか,二階のコピー機の隣です。,設備,,,\n"
SLOW = 0.1


@pytest.fixture
def bot(start: Start, caplog: pytest.LogCaptureFixture) -> Bot:
    caplog.set_level(logging.INFO)
    return start(ConfigFile(watch=True))


@pytest.fixture
def silent(slack: LocalSlack, bot: Bot) -> Iterator[None]:
    """Slack hears nothing but answers."""
    del bot
    yield
    assert slack.bot_messages() == []
    assert slack.refusals == []


def shown(slack: LocalSlack, question: str, where: str = "it-help") -> str:
    return slack.reply(slack.command("alice", where, f"/search {question}")).shown


def wait_for_log(slack: LocalSlack, caplog: pytest.LogCaptureFixture, text: str) -> None:
    slack.wait_until(lambda: text in caplog.text, 60, text)


def watched(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "bot.folder_watch"]


@pytest.mark.usefixtures("lawful", "silent")
def test_a_changed_row_and_a_new_one_are_answered_without_a_reload(
    slack: LocalSlack, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    csv = knowledge / "it-help.csv"
    csv.write_text(IT_HELP.replace("ルーターを再起動してから", "社内では不要です。家では") + FAX, encoding="utf-8")
    wait_for_log(slack, caplog, "it-help was reloaded: 1 added, 1 changed, 0 removed, 0 problems")
    assert "二階のコピー機" in shown(slack, "ファクスはどこですか")
    assert "社内では不要です" in shown(slack, "VPNにつながりません")
    assert len(watched(caplog)) == 1


@pytest.mark.usefixtures("lawful", "silent")
def test_a_new_file_serves_its_channel(slack: LocalSlack, knowledge: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert "午後六時" not in shown(slack, "定時は何時ですか", "hr-somu")
    (knowledge / "hr-somu.csv").write_text("質問,回答\n定時は何時ですか,午後六時です。\n", encoding="utf-8")
    wait_for_log(slack, caplog, "hr-somu was reloaded: 1 added")
    assert "午後六時です" in shown(slack, "定時は何時ですか", "hr-somu")


@pytest.mark.usefixtures("silent")
def test_new_synonyms_reach_every_knowledge_base(
    slack: LocalSlack, bot: Bot, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    synonyms = knowledge / "_synonyms.csv"
    synonyms.write_text("original,normalized\n合言葉,パスワード\nデプロイ,deployment\n", encoding="utf-8")
    for name in ("it-help", "dev-faq", "_shared"):
        wait_for_log(slack, caplog, f"{name} was reloaded: 0 added, 0 changed, 0 removed")
    assert all(
        one.index.synonyms.digest == bot.services.registry.synonyms.digest
        for one in bot.services.registry.loaded.values()
    )
    assert "再設定ページから" in shown(slack, "合言葉を忘れました")
    synonyms.write_bytes(b"PK\x03\x04 a workbook")
    wait_for_log(slack, caplog, "_synonyms.csv: ")
    assert len([line for line in watched(caplog) if line.startswith("_synonyms.csv: ")]) == 1
    assert "再設定ページから" in shown(slack, "合言葉を忘れました")


@pytest.mark.usefixtures("silent")
def test_a_file_that_is_written_slowly_is_read_once_and_whole(
    slack: LocalSlack, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (knowledge / "it-help.csv").open("w", encoding="utf-8") as csv:
        for line in (IT_HELP + FAX).splitlines(keepends=True):
            for piece in (line[:9], line[9:]):  # a row is broken in two, and a quotation mark may be open
                csv.write(piece)
                csv.flush()
                time.sleep(SLOW)
    wait_for_log(slack, caplog, "it-help was reloaded")
    assert len(watched(caplog)) == 1
    assert watched(caplog)[0].startswith("it-help was reloaded: 1 added, 0 changed, 0 removed, 0 problems")


@pytest.mark.usefixtures("silent")
def test_an_editor_that_puts_another_file_in_its_place(
    slack: LocalSlack, bot: Bot, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    csv = knowledge / "it-help.csv"
    (knowledge / ".#it-help.csv").symlink_to("somebody@somewhere.1234")  # Emacs locks so: it leads nowhere
    (knowledge / "._it-help.csv").write_bytes(b"\0\5\x16\7 AppleDouble")
    (knowledge / "~$it-help.csv").write_bytes(b"\6Alice")
    csv.rename(knowledge / "it-help.csv~")
    time.sleep(SLOW)
    (knowledge / "4913").write_text(IT_HELP + FAX, encoding="utf-8")
    (knowledge / "4913").rename(csv)
    wait_for_log(slack, caplog, "it-help was reloaded: 1 added")
    assert len(watched(caplog)) == 1
    assert sorted(bot.services.registry.sources()) == ["_shared", "dev-faq", "it-help"]


@pytest.mark.usefixtures("silent")
def test_a_broken_file_is_logged_and_changes_nothing_until_it_is_mended(
    slack: LocalSlack, bot: Bot, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    csv = knowledge / "it-help.csv"
    csv.write_bytes(b"PK\x03\x04 a workbook")
    wait_for_log(slack, caplog, "it-help was not reloaded and nothing has changed: it-help.csv: ")
    assert "再設定ページから" in shown(slack, "パスワードを忘れました")
    csv.write_text(IT_HELP + FAX, encoding="utf-8")
    wait_for_log(slack, caplog, "it-help was reloaded: 1 added")
    assert bot.services.registry.loaded["it-help"].trouble is None


@pytest.mark.usefixtures("silent")
def test_what_was_read_of_a_deleted_file_keeps_answering(
    slack: LocalSlack, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (knowledge / "it-help.csv").unlink()
    wait_for_log(slack, caplog, "it-help.csv no longer exists; its knowledge base keeps answering")
    assert "再設定ページから" in shown(slack, "パスワードを忘れました")


def test_a_change_that_no_event_tells_of(
    slack: LocalSlack, start: Start, knowledge: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As on network folders: here the file is a link, and what it leads to changes in another folder."""
    caplog.set_level(logging.INFO)
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(IT_HELP, encoding="utf-8")
    (knowledge / "it-help.csv").unlink()
    (knowledge / "it-help.csv").symlink_to(elsewhere)
    start(ConfigFile(watch=True))
    elsewhere.write_text(IT_HELP + FAX, encoding="utf-8")
    wait_for_log(slack, caplog, "it-help was reloaded: 1 added")


def test_a_reload_by_an_admin_is_not_done_twice(
    slack: LocalSlack, bot: Bot, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (knowledge / "it-help.csv").write_text(IT_HELP + FAX, encoding="utf-8")
    assert bot.services.maintenance.reload("it-help").result(60).added == 1
    (knowledge / "dev-faq.csv").write_text("question,answer\nWhere?,Here.\n")
    wait_for_log(slack, caplog, "dev-faq was reloaded")
    assert [line for line in watched(caplog) if line.startswith("it-help")] == []


def test_it_stops_while_it_is_waited_for(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile(watch=True))
    slack.wait_until(lambda: "kotae-watch" in names_of_threads())
    assert bot.stop()
    assert "kotae-watch" not in names_of_threads()


def test_without_the_setting_nothing_is_watched(bot: Bot, start: Start) -> None:
    bot.stop()
    assert start().watch is None
    assert "kotae-watch" not in names_of_threads()


def names_of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.mark.skipif(os.name == "nt", reason="a folder in use can't be moved there")
def test_a_folder_that_goes_and_comes_back(
    slack: LocalSlack, bot: Bot, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    knowledge.rename(knowledge.with_name("away"))
    wait_for_log(slack, caplog, "it-help.csv no longer exists")
    assert "再設定ページから" in shown(slack, "パスワードを忘れました")
    knowledge.with_name("away").rename(knowledge)
    (knowledge / "it-help.csv").write_text(IT_HELP + FAX, encoding="utf-8")
    wait_for_log(slack, caplog, "it-help was reloaded: 1 added")
    assert bot.services.registry.failures == {}


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open no file for a moment, and so no inotify either: as where a user has too many of them."""
    import resource  # noqa: PLC0415 - Windows has no such module

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def watching(
    folder: Path, rescan: Callable[[], None], again_seconds: float = 0.1
) -> Iterator[tuple[FolderWatch, SimpleQueue[Sequence[ReloadReport]]]]:
    """What watches the one file of a folder, not yet started, and what it tells."""
    source, synonyms = Source("it-help", folder / "it-help.csv"), folder / "_synonyms.csv"
    source.path.write_text(IT_HELP, encoding="utf-8")
    maintenance = Maintenance(Registry(lambda: [source], synonyms), folder / "data")
    told: SimpleQueue[Sequence[ReloadReport]] = SimpleQueue()
    watch = FolderWatch(
        maintenance, lambda: [source], synonyms, rescan, lambda _, reports: told.put(reports), again_seconds
    )
    try:
        maintenance.load().result(60)
        yield watch, told
    finally:
        maintenance.close()
        watch.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of inotify")
def test_where_no_more_folders_can_be_watched_it_looks_every_few_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with watching(tmp_path, lambda: None) as (watch, told):
        with no_more_files():
            watch.start()
            until = time.monotonic() + 60
            while "No events from" not in caplog.text:
                assert time.monotonic() < until
        (tmp_path / "it-help.csv").write_text(IT_HELP + FAX, encoding="utf-8")
        assert [each.added for each in told.get(timeout=60)] == [1]


def test_what_could_not_be_done_for_a_change_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    failing = iter([OSError(errno.ENOSPC, "No space left on device")])

    def rescan() -> None:
        for error in failing:
            raise error

    with watching(tmp_path, rescan) as (watch, told):
        watch.start()
        (tmp_path / "it-help.csv").write_text(IT_HELP + FAX, encoding="utf-8")
        (tmp_path / "_synonyms.csv").write_text("original,normalized\nFAX,ファクス\n", encoding="utf-8")
        assert [each.added for each in told.get(timeout=60)] == [1]
    assert caplog.text.count("Changed files could not be reloaded; trying again in 0 s") == 1
