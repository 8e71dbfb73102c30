"""Workbooks that admins send become CSV files; those in the folder are read and never written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import Bot
from bot.channel_mapping import ChannelMapping
from bot.cli import main
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from bot.settings import Environment, Settings, SettingsError
from indexes.records import read_records
from tests.conftest import FOLDER
from tests.slack.conftest import Start, settle
from tests.slack.test_uploads import press, searched, upload
from tests.slack.test_versions import exported
from tests.workbooks import XLS, sheets, table

pytestmark = pytest.mark.usefixtures("lawful")

HEADER = ["id", "質問", "回答"]
VPN = ["vpn", "VPNにつながりません。", "機内モードを\n切ってください。"]
CAMERA = ["cam", "カメラが映りません。", "シャッターを開けてください。"]
IS_SOURCE = (
    "it-help.xlsx is a workbook, and stays the source of its knowledge base: Kotae never writes it. Change it in the"
    " knowledge folder, or run `kotae convert it-help.xlsx` there to go on with a CSV"
)


@pytest.fixture
def workbook(knowledge: Path) -> Path:
    """A workbook in place of #it-help's CSV."""
    (knowledge / "it-help.csv").unlink()
    path = knowledge / "it-help.xlsx"
    path.write_bytes(table(HEADER, VPN, CAMERA))
    return path


def told(slack: LocalSlack, command: str, who: str = "olivia") -> str:
    return slack.reply(slack.command(who, "it-help", command)).shown


# -- Sent


@pytest.mark.parametrize("name", ["it-help.xlsx", "IT-Help.XLSX", "it-help (1).xlsx"])
def test_a_workbook_becomes_the_csv(slack: LocalSlack, bot: Bot, knowledge: Path, name: str) -> None:
    card = upload(slack, name, table(HEADER, VPN, CAMERA))
    assert f"*{name}* for *it-help*: 2 entries (sheet “FAQ”, as a CSV)" in card.shown
    assert "Added *1*, changed *1*, removed *4*" in card.shown
    press(slack, card, "Apply", "is in place for *it-help*")
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    assert [one.answer for one in read_records(knowledge / "it-help.csv").records] == [VPN[2], CAMERA[2]]
    assert sorted(path.name for path in knowledge.iterdir() if not path.name.startswith(".")) == [
        "_shared.csv",
        "dev-faq.csv",
        "it-help.csv",
    ]
    again = upload(slack, name, table(HEADER, VPN, CAMERA))
    assert again.shown == f"*{name}* is what *it-help* is already. There is nothing to do."
    settle(slack, bot)


@pytest.mark.parametrize(("name", "data"), [("new.xls", XLS.read_bytes()), ("new.xlsx", table(HEADER, CAMERA))])
@pytest.mark.usefixtures("bot")
def test_a_workbook_may_become_a_new_knowledge_base(slack: LocalSlack, knowledge: Path, name: str, data: bytes) -> None:
    card = upload(slack, name, data)
    slack.press("olivia", card, "upload_choose", "New: new")
    slack.wait_until(lambda: "as a new knowledge base, *new*" in card.shown)
    press(slack, card, "Apply", "is in place for *new*")
    assert (knowledge / "new.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.usefixtures("bot")
def test_problems_are_named_by_the_rows_of_the_sheet(slack: LocalSlack) -> None:
    card = upload(slack, "it-help.xlsx", table(HEADER, VPN, CAMERA, VPN))
    assert '• line 4: id "vpn" is taken by line 2' in card.shown


def test_the_sheet_that_kotae_toml_names_is_taken_or_the_others_are_named(slack: LocalSlack, start: Start) -> None:
    start(ConfigFile(knowledge_bases={"it-help": KnowledgeBaseSection(sheet="FAQ")}))
    card = upload(slack, "it-help.xlsx", sheets(表紙=[["2026年度"]], FAQ=[HEADER, CAMERA]))
    assert "sheet “FAQ”" in card.shown
    other = upload(slack, "it-help.xlsx", sheets(表紙=[["2026年度"]], 質問集=[HEADER, CAMERA]))
    assert other.shown == 'it-help.xlsx: no sheet is called \'FAQ\'; there are: "表紙", "質問集"'


@pytest.mark.usefixtures("bot")
def test_a_broken_workbook_is_refused_with_its_reason(slack: LocalSlack, knowledge: Path) -> None:
    before = (knowledge / "it-help.csv").read_bytes()
    card = upload(slack, "it-help.xlsx", table(HEADER, VPN)[:2000])
    assert card.shown.startswith("it-help.xlsx: the workbook is damaged")
    assert (knowledge / "it-help.csv").read_bytes() == before


@pytest.mark.parametrize("name", ["it-help.xlsb", "it-help.numbers"])
@pytest.mark.usefixtures("bot")
def test_other_sheets_are_answered_with_what_to_do(slack: LocalSlack, name: str) -> None:
    sent = slack.upload("olivia", slack.person("olivia"), name, b"PK\x03\x04")
    assert slack.reply(sent).shown == (
        "I read CSV files and workbooks (.xlsx, .xls, .ods). Save the table as one of these and send me that, please."
    )


def test_who_is_no_admin_is_refused_and_nothing_is_fetched(slack: LocalSlack, bot: Bot) -> None:
    sent = slack.upload("alice", slack.person("alice"), "it-help.xlsx", table(HEADER, VPN))
    assert slack.reply(sent).shown == "Only workspace admins can give me files. I have not opened this one."
    settle(slack, bot)
    assert slack.calls_of("download") == []


# -- In the folder


def test_a_workbook_in_the_folder_answers_and_is_read_again(slack: LocalSlack, workbook: Path, start: Start) -> None:
    start()
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    workbook.write_bytes(table(HEADER, VPN, ["mic", "マイクが使えません。", "設定を見てください。"]))
    slack.command("olivia", "it-help", "/kb reload *it-help.xlsx*")
    slack.wait_until(
        lambda: "Added 1, changed 0, removed 1" in str([each.shown for each in slack.ephemerals("olivia")])
    )
    assert "設定を見て" in searched(slack, "マイクが使えません")


def press_edit(slack: LocalSlack) -> Message:
    answer = slack.reply(slack.command("olivia", "it-help", "/search カメラが映りません"))
    slack.press("olivia", answer, "kb_edit_record")
    slack.wait_until(lambda: any("workbook" in each.shown for each in slack.ephemerals("olivia")))
    return slack.ephemerals("olivia")[-1]


WRITING: dict[str, Callable[[LocalSlack], str]] = {
    "edit": lambda slack: press_edit(slack).shown,
    "add": lambda slack: told(slack, "/kb add カメラは？"),
    "add as a member": lambda slack: told(slack, "/kb add カメラは？", "alice"),
    "remove": lambda slack: told(slack, "/kb remove it-help"),
    "upload a csv": lambda slack: upload(slack, "it-help.csv", "質問,回答\na,b\n").shown,
    "upload a workbook": lambda slack: upload(slack, "it-help.xlsx", table(HEADER, VPN)).shown,
}


def test_a_workbook_in_the_folder_is_never_written(slack: LocalSlack, workbook: Path, start: Start) -> None:
    before = workbook.read_bytes()
    bot = start()
    for way, write in WRITING.items():
        assert write(slack) == IS_SOURCE, way
        settle(slack, bot)
        assert workbook.read_bytes() == before, way
        assert not workbook.with_suffix(".csv").exists(), way


def test_an_earlier_content_of_a_workbook_does_not_replace_it(slack: LocalSlack, workbook: Path, start: Start) -> None:
    start()
    workbook.write_bytes(now := table(HEADER, CAMERA))
    slack.command("olivia", "it-help", "/kb reload")
    slack.wait_until(lambda: "removed 1" in str([each.shown for each in slack.ephemerals("olivia")]))
    assert told(slack, "/kb rollback it-help") == IS_SOURCE
    assert workbook.read_bytes() == now


@pytest.mark.sqlite(FOLDER)
def test_a_workbook_that_is_gone_may_be_replaced_by_a_csv(slack: LocalSlack, workbook: Path, start: Start) -> None:
    start()
    workbook.unlink()
    card = upload(slack, "it-help.csv", "id,質問,回答\nmic,マイクが使えません。,設定を見てください。\n")
    press(slack, card, "Apply", "is in place for *it-help*")
    assert "設定を見て" in searched(slack, "マイクが使えません")


def test_an_export_of_a_workbook_is_a_csv(slack: LocalSlack, workbook: Path, start: Start) -> None:
    start()
    _, data = exported(slack, f"export {workbook.name}")
    assert "シャッターを開けて" in data.decode("utf-8-sig")


# -- Two files of one name


def mapping(knowledge: Path) -> ChannelMapping:
    environment = Environment(knowledge_dir=knowledge, data_dir=knowledge.parent / "data")
    return ChannelMapping(Settings(environment, ConfigFile(), Path("kotae.toml")))


@pytest.mark.parametrize("second", ["it-help.xlsx", "it-help.XLSX", "IT-Help.ods", "it-help.xls"])
def test_two_files_of_one_name_are_refused_at_the_first_start(knowledge: Path, second: str) -> None:
    (knowledge / second).write_bytes(table(HEADER, VPN))
    with pytest.raises(SettingsError, match="both would be the knowledge base 'it-help'"):
        mapping(knowledge).check()


@pytest.mark.sqlite(FOLDER)
def test_a_table_with_an_ending_that_is_not_read_is_told_in_the_log(
    slack: LocalSlack, start: Start, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    (knowledge / "hr.tsv").write_text("question\tanswer\nWho is on leave?\tSee the calendar.\n", "utf-8")
    for _ in range(2):
        slack.reply(slack.command("olivia", "it-help", "/kb reload"))
    assert caplog.text.count("hr.tsv is not read: rename it to hr.csv") == 1


@pytest.mark.sqlite(FOLDER)
def test_a_csv_that_is_served_goes_on_when_its_workbook_is_put_beside_it(
    slack: LocalSlack, start: Start, knowledge: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot = start()
    (knowledge / "it-help.xlsx").write_bytes(table(HEADER, CAMERA))
    slack.command("olivia", "it-help", "/kb reload")
    slack.wait_until(lambda: "it-help.xlsx is left out: it-help.csv has the same name" in caplog.text)
    settle(slack, bot)
    assert bot.stop()
    mapping(knowledge).check()
    again = start()
    assert again.services.registry.source("it-help").path.name == "it-help.csv"
    assert "Sample-Office" in searched(slack, "How do I connect to the office Wi-Fi?")


@pytest.mark.sqlite(FOLDER)
def test_a_workbook_goes_on_until_it_is_moved_away_and_then_its_csv_can_be_edited(
    slack: LocalSlack, workbook: Path, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = start()
    assert main(["convert", str(workbook)]) == 0
    said = capsys.readouterr()
    assert f"{workbook.with_suffix('.csv')}: 2 records" in said.out
    assert "Move it-help.xlsx to another folder" in said.err
    assert main(["convert", str(workbook)]) == 1
    assert "exists already" in capsys.readouterr().err
    bot.services.rescan()
    assert bot.services.registry.source("it-help").path == workbook
    workbook.unlink()
    slack.command("olivia", "it-help", "/kb reload")
    slack.wait_until(lambda: "it-help" in str([each.shown for each in slack.ephemerals("olivia")]))
    settle(slack, bot)
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    answer = slack.reply(slack.command("olivia", "it-help", "/search カメラが映りません"))
    slack.press("olivia", answer, "kb_edit_record")
    slack.wait_until(
        lambda: [each for each in slack.views("olivia") if each.content["type"] == "modal"], what="the form"
    )
