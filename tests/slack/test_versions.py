"""`/kb versions`, `rollback` and `export`: what is kept, going back and undoing that, and the CSV for a spreadsheet."""

import csv
import io
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from tests.conftest import FOLDER
from tests.slack.conftest import IT_HELP, Put, Start, settle
from tests.slack.test_reload import reload
from tests.slack.test_uploads import NEWER, direct, outcomes, press, searched, upload


def kb(slack: LocalSlack, line: str, who: str = "olivia", where: str = "it-help") -> Message:
    answer = slack.reply(slack.command(who, where, f"/kb {line}"))
    assert answer.ephemeral_to == slack.person(who).id
    return answer


def applied(slack: LocalSlack, data: bytes | str) -> None:
    press(slack, upload(slack, "it-help.csv", data), "Apply", "is in place for *it-help*")


# -- Versions


def test_the_versions_say_what_made_them_and_which_is_current(slack: LocalSlack, bot: Bot, put: Put) -> None:
    applied(slack, NEWER)
    put("it-help.csv", IT_HELP + "a,b,c,,,,\n")
    reload(slack, "it-help")
    lines = kb(slack, "versions").shown.splitlines()
    olivia = slack.person("olivia")
    assert lines[0] == "*Versions of it-help*"
    assert [line.split(" · ")[0::2] for line in lines if "entries" in line] == [
        ["*3*", "6 entries", "*current*"],
        ["*2*", "6 entries"],
        ["*1*", "5 entries"],
    ]
    assert [line.split(" · ")[3] for line in lines if "entries" in line] == [
        "from the file",
        f"uploaded by <@{olivia.id}>",
        "from the file",
    ]
    assert lines.count("Bring back") == 2
    settle(slack, bot)


def test_ten_different_contents_are_kept_without_their_vectors(
    slack: LocalSlack, bot: Bot, knowledge: Path, put: Put
) -> None:
    for number in range(12):
        put("it-help.csv", IT_HELP + f"n{number},q{number},a,,,,\n")
        reload(slack, "it-help")
    kept = bot.services.maintenance.versions.of(bot.services.registry.source("it-help"))
    assert [version.number for version in kept] == list(range(13, 3, -1))
    assert len(kb(slack, "versions").blocks) == 11
    if not bot.services.database.is_shared:
        [folder] = (knowledge.parent / "data" / "versions").glob("it-help-*")
        assert len(list(folder.glob("*.csv.gz"))) == 10
        assert {path.suffix for path in folder.iterdir()} == {".gz", ".json"}


FOR_ADMINS = ["versions", "rollback", "export", "versions it-help", "rollback it-help 1"]


@pytest.mark.usefixtures("guests", "lawful")
@pytest.mark.usefixtures("guests", "bot")
def test_only_admins_see_or_use_them(slack: LocalSlack) -> None:
    for line in FOR_ADMINS:
        assert kb(slack, line, "alice").shown == "Only workspace admins can do that.", line
        assert kb(slack, line, "guest").shown == "Only workspace admins can do that.", line
        assert slack.calls_of("files.getUploadURLExternal") == [], line


@pytest.mark.usefixtures("bot")
def test_where_no_one_knowledge_base_is_meant_the_names_are_listed(slack: LocalSlack) -> None:
    asked = kb(slack, "rollback", where="general").shown
    assert asked == "Say which knowledge base: `/kb rollback name`. There are: _shared, dev-faq, it-help"
    assert "`/kb versions name`" in kb(slack, "versions nonsense").shown
    assert kb(slack, "versions dev-faq").shown.startswith("*Versions of dev-faq*")


# -- Rollback


@pytest.mark.usefixtures("lawful")
def test_going_back_is_shown_first_and_can_be_undone(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    path = knowledge / "it-help.csv"
    original = path.read_bytes()
    newer = NEWER.replace("\n", "\r\n").encode("cp932")
    applied(slack, newer)
    card = kb(slack, "rollback")
    assert card.shown.startswith("↩️ Version 1 of *it-help*, from ")
    assert "Added *0*, changed *1*, removed *1*, unchanged 4." in card.shown
    assert "*Removed*\n• カメラが映りません。" in card.shown
    assert path.read_bytes() == newer
    press(slack, card, "Apply", "Version 1 is in place for *it-help*.")
    assert path.read_bytes() == original
    assert "ルーターを再起動して" in searched(slack, "VPNにつながりません")
    again = kb(slack, "rollback")
    assert again.shown.startswith("↩️ Version 2 of *it-help*")
    press(slack, again, "Apply", "Version 2 is in place for *it-help*.")
    assert path.read_bytes() == newer
    settle(slack, bot)
    assert outcomes(bot) == [
        ("rollback it-help", "version 4, as version 2 was; entries: 6, +1 ~1 -0"),
        ("rollback it-help", "version 3, as version 1 was; entries: 5, +0 ~1 -1"),
        ("upload it-help", "version 2, from it-help.csv; entries: 6, +1 ~1 -0"),
    ]


@pytest.mark.usefixtures("bot")
def test_a_version_can_be_named_or_chosen_from_the_list(slack: LocalSlack, knowledge: Path) -> None:
    for number in (1, 2):
        applied(slack, IT_HELP + f"n{number},q{number},a,,,,\n")
    assert kb(slack, "rollback it-help 1", where="general").shown.startswith("↩️ Version 1")
    assert kb(slack, "rollback v2").shown.startswith("↩️ Version 2")
    assert kb(slack, "rollback 3").shown == "*it-help* is version 3 already."
    assert kb(slack, "rollback 9").shown.startswith("Version 9 of *it-help* is not kept.")
    listed = kb(slack, "versions")
    pressed = slack.press("olivia", listed, 1)
    card = slack.reply(pressed)
    assert card.shown.startswith("↩️ Version 1 of *it-help*")
    assert card.ephemeral_to == slack.person("olivia").id
    slack.press("olivia", card, "Cancel")
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8").endswith("n2,q2,a,,,,\n")


@pytest.mark.usefixtures("bot")
def test_without_an_earlier_version_there_is_nothing_to_go_back_to(slack: LocalSlack) -> None:
    assert kb(slack, "rollback").shown == "No earlier version of *it-help* is kept."


@pytest.mark.sqlite(FOLDER)
def test_a_file_that_was_spoilt_comes_back(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    source = bot.services.registry.source("it-help")
    slack.wait_until(lambda: bot.services.maintenance.versions.of(source))
    (knowledge / "it-help.csv").write_bytes(b"\x00")
    card = kb(slack, "rollback")
    assert "Version 1 of *it-help*" in card.shown
    press(slack, card, "Apply", "is in place")
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == IT_HELP


@pytest.mark.sqlite("a version is a file; a damaged one in a database: test_shared_store")
@pytest.mark.usefixtures("lawful")
def test_a_damaged_version_is_refused(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    applied(slack, NEWER)
    kept = bot.services.maintenance.versions.of(bot.services.registry.source("it-help"))
    [blob] = (knowledge.parent / "data" / "versions").glob(f"*/{kept[1].digest}.csv.gz")
    blob.write_bytes(blob.read_bytes()[:-9])
    assert kb(slack, "rollback").shown.startswith("Version 1 of it-help can't be read:")
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == NEWER


def test_versions_survive_a_restart_and_note_what_changed_in_between(slack: LocalSlack, start: Start, put: Put) -> None:
    first = start()
    applied(slack, NEWER)
    first.stop()
    slack.wait_until(lambda: slack.connections == 0)
    put("it-help.csv", IT_HELP + "n,q,a,,,,\n")
    start()
    slack.wait_until(lambda: kb(slack, "versions").shown.count("entries") == 3)
    assert "*3*" in kb(slack, "versions").shown


# -- Export


def exported(slack: LocalSlack, line: str = "export", where: str = "it-help") -> tuple[Message, bytes]:
    before = len(direct(slack))
    answer = slack.command("olivia", where, f"/kb {line}")
    slack.wait_until(lambda: len(direct(slack)) >= before + 2, what="the file")
    slack.reply(answer)
    [file] = direct(slack)[-1].files
    return direct(slack)[-2], file.data


@pytest.mark.usefixtures("lawful")
def test_the_export_opens_in_a_spreadsheet_and_computes_nothing(slack: LocalSlack, bot: Bot, put: Put) -> None:
    rows = (
        "id;質問;回答;備考\n"
        '1;=HYPERLINK("http://evil.example")?;"+81-3-1234\nnext; line";@x\n'
        "2;-5度は？;普通;\tx\n"
        "3;too;wide;for;it\n"
        "4;＝SUM(A1);a = b;'quoted\n"
    )
    put("it-help.csv", rows.encode("cp932"))
    message, data = exported(slack)
    assert message.shown.splitlines() == [
        "Here is *it-help* as a CSV that opens in a spreadsheet as it is; rows: 3.",
        "Left out, because they don't fit the header or are blank: 1.",
        "Cells that a spreadsheet could take for a formula have a ' in front: 5.",
    ]
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    assert text.count("\r\n") == 4
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["id", "質問", "回答", "備考"],
        ["1", '\'=HYPERLINK("http://evil.example")?', "'+81-3-1234\nnext; line", "'@x"],
        ["2", "'-5度は？", "普通", "x"],
        ["4", "'＝SUM(A1)", "a = b", "'quoted"],
    ]
    settle(slack, bot)
    assert outcomes(bot) == [("export it-help", "rows: 3")]
    assert slack.bot_messages("it-help") == []
    assert [each.shown for each in slack.ephemerals("olivia")] == ["I have sent you *it-help* in a direct message."]


def test_what_people_taught_is_among_the_aliases(slack: LocalSlack, bot: Bot, put: Put) -> None:
    source = "id,質問,回答,言い換え\npw,パスワードを忘れました,再設定,ログインできない\nvpn,VPN,再起動,\n"
    put("it-help.csv", source)
    learned = LearnedAliases(bot.services.database)
    for record, question, words in (
        ("pw", "パスワードを忘れました", "PWどこ|いった"),
        ("vpn", "VPN", "=在宅でつながらない"),
    ):
        assert learned.add(StoredAlias("it-help", record, question, words, words, ("U1", "U2"), "U3"))
    _, data = exported(slack)
    assert data.decode("utf-8-sig").splitlines() == [
        "id,質問,回答,言い換え",
        "pw,パスワードを忘れました,再設定,ログインできない|PWどこ いった",
        "vpn,VPN,再起動,'=在宅でつながらない",
    ]
    assert learned.add(StoredAlias("dev-faq", "", "What does ERR-4012 mean?", "4012", "4012", ("U1", "U2"), "U3"))
    _, data = exported(slack, "export dev-faq")
    header, first, *_ = data.decode("utf-8-sig").splitlines()
    assert header == "title,content,category,url,aliases"
    assert first.endswith(",4012")


@pytest.mark.usefixtures("bot")
def test_the_synonyms_can_be_exported_too(slack: LocalSlack, knowledge: Path) -> None:
    (knowledge / "_synonyms.csv").write_text("original,normalized\nPC,パソコン\n", encoding="utf-8")
    _, data = exported(slack, "export _synonyms")
    assert data.decode("utf-8-sig") == "original,normalized\r\nPC,パソコン\r\n"


@pytest.mark.usefixtures("bot")
def test_without_the_scope_the_admin_hears_what_to_do(slack: LocalSlack) -> None:
    object.__setattr__(slack.app, "scopes", slack.app.scopes - {"files:write"})
    assert "reinstall it (files:write)" in kb(slack, "export").shown
