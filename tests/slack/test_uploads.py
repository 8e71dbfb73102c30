"""CSV files sent to the bot: who may, what is shown first, what Apply does, and what can never happen."""

import os
import time
from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from bot.playground.slack.interactions import Interaction
from bot.playground.slack.workspace import new_file
from handlers.store.audit import AuditLog
from tests.audit import action, outcome
from tests.slack.conftest import DEV_FAQ, IT_HELP, SHARED, Put, Start, redeliver, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")

NEWER = (
    IT_HELP.replace("ルーターを再起動して", "機内モードを切って")
    + "cam,カメラが映りません。,シャッターを開けてください。,,,,\n"
)
ADMINS = "Only workspace admins can give me files. I have not opened this one."


def direct(slack: LocalSlack, who: str = "olivia") -> list[Message]:
    return slack.bot_messages(slack.person(who))


def upload(
    slack: LocalSlack, name: str, data: bytes | str, where: str = "", who: str = "olivia", comment: str = ""
) -> Message:
    """Send a file; return the bot's first answer in the direct messages."""
    before = len(direct(slack, who))
    place = where or slack.person(who)
    slack.upload(who, place, name, data.encode() if isinstance(data, str) else data, comment=comment)
    slack.wait_until(lambda: len(direct(slack, who)) > before, what="a card")
    return direct(slack, who)[before]


def press(slack: LocalSlack, card: Message, button: str, until: str, who: str = "olivia") -> Interaction:
    pressed = slack.press(who, card, button)
    slack.wait_until(lambda: until in card.shown, 20, until)
    return pressed


def searched(slack: LocalSlack, question: str, where: str = "it-help") -> str:
    return slack.reply(slack.command("hanako", where, f"/search {question}")).shown


def outcomes(bot: Bot) -> list[tuple[str, str]]:
    return [(action(entry), outcome(entry)) for entry in AuditLog(bot.services.database).newest()]


# -- The whole way


def test_the_difference_is_shown_and_applied_as_uploaded(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    data = NEWER.replace("\n", "\r\n").encode("cp932")
    card = upload(slack, "it-help.csv", data)
    assert "*it-help.csv* for *it-help*: 6 entries (cp932, comma-separated)" in card.shown
    assert "Added *1*, changed *1*, removed *0*, unchanged 4." in card.shown
    assert "*Added*\n• カメラが映りません。" in card.shown
    assert "*Changed*\n• VPNにつながりません。 (回答)" in card.shown
    assert "*Removed*" not in card.shown
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == IT_HELP
    press(slack, card, "Apply", "it-help.csv is in place for *it-help*.")
    assert (knowledge / "it-help.csv").read_bytes() == data
    assert ":white_check_mark: *it-help*: 6 entries. Added 1, changed 1, removed 0, skipped 0." in card.shown
    assert "シャッターを開けて" in searched(slack, "カメラが映りません")
    settle(slack, bot)
    assert outcomes(bot) == [("upload it-help", "version 2, from it-help.csv; entries: 6, +1 ~1 -0")]


def test_cancel_changes_nothing_and_ends_it(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    card = upload(slack, "it-help.csv", NEWER)
    press(slack, card, "Cancel", "it-help.csv was set aside. Nothing has changed.")
    settle(slack, bot)
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == IT_HELP
    assert bot.services.database.is_shared or list((knowledge.parent / "data" / "uploads").iterdir()) == []
    assert outcomes(bot) == []


def test_a_mention_in_a_channel_is_answered_in_private(slack: LocalSlack, bot: Bot) -> None:
    sent = slack.upload("ichiro", "it-help", "it-help (1).csv", NEWER.encode(), comment="@kotae")
    slack.wait_until(lambda: slack.ephemerals("ichiro"), what="the hint")
    settle(slack, bot)
    [card] = direct(slack, "ichiro")
    [hint] = slack.ephemerals("ichiro")
    assert hint.shown == "*it-help (1).csv* を適用すると何が変わるかを DM でお送りしました。"
    assert "追加 *1* 件、変更 *1* 件、削除 *0* 件、そのまま 4 件" in card.shown
    assert slack.bot_messages("it-help") == slack.replies(sent) == []
    assert len(slack.calls_of("download")) == 1


def test_one_file_is_one_card_however_often_slack_tells_of_it(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.duplicate("event", times=None)
    slack.upload("olivia", "it-help", "it-help.csv", NEWER.encode(), comment="@kotae")
    slack.wait_until(lambda: direct(slack), what="a card")
    settle(slack, bot)
    for envelope in [each for each in slack.envelopes if each.kind == "events_api"]:
        redeliver(slack, envelope)
    settle(slack, bot)
    assert len(direct(slack)) == len(slack.ephemerals("olivia")) == len(slack.calls_of("download")) == 1


def test_a_mention_that_comes_as_a_message_only_counts(slack: LocalSlack, start: Start) -> None:
    object.__setattr__(slack.app, "events", slack.app.events - {"app_mention"})
    start()
    slack.upload("olivia", "it-help", "it-help.csv", NEWER.encode(), comment="@kotae")
    slack.wait_until(lambda: direct(slack), what="a card")
    asked = slack.upload("alice", "it-help", "x.csv", b"a,b\n", comment="@kotae How do I connect to the office Wi-Fi?")
    assert "Sample-Office" in slack.reply(asked).shown


def test_several_files_have_a_card_each_and_a_bad_one_stops_no_other(slack: LocalSlack, bot: Bot) -> None:
    def share() -> None:
        message = slack._user_actions._message(slack.person("olivia"), slack.channel(slack.person("olivia")), "", None)
        for name, data in (("it-help.csv", NEWER), ("broken.csv", ""), ("dev-faq.csv", DEV_FAQ + "CI?,Yes,,\n")):
            file = new_file(name, message.user, data.encode())
            slack.workspace.files[file.id] = file
            message.files.append(file)
        slack._backend.share_file(message)

    slack._do(share)
    slack.wait_until(lambda: len(direct(slack)) == 3, what="three answers")
    settle(slack, bot)
    first, bad, last = (each.shown for each in direct(slack))
    assert "for *it-help*" in first
    assert bad == "broken.csv: the file is empty; give it a header row first"
    assert "for *dev-faq*" in last


# -- Who may


@pytest.mark.usefixtures("guests")
def test_others_than_admins_are_refused_and_nothing_is_fetched(slack: LocalSlack, bot: Bot) -> None:
    for who in ("alice", "guest", "multi"):
        sent = slack.upload(who, slack.person(who), "it-help.csv", NEWER.encode())
        assert slack.reply(sent).shown in {
            ADMINS,
            "ファイルを受け付けられるのはワークスペースの管理者からだけです。このファイルは開いていません。",
        }, who
        slack.upload(who, "it-help", "it-help.csv", NEWER.encode(), comment="@kotae")
        slack.wait_until(lambda who=who: slack.ephemerals(who))  # type: ignore[misc]
        settle(slack, bot)
        assert len(slack.ephemerals(who)) == len(direct(slack, who)) == 1, who
        assert slack.calls_of("download") == slack.calls_of("files.info") == [], who


def test_a_member_who_asks_beside_a_file_is_answered_all_the_same(slack: LocalSlack, bot: Bot) -> None:
    slack.upload("alice", slack.person("alice"), "x.csv", b"a,b\n", comment="How do I connect to the office Wi-Fi?")
    slack.wait_until(lambda: len(direct(slack, "alice")) == 2)
    settle(slack, bot)
    refusal, answer = direct(slack, "alice")
    assert refusal.shown == ADMINS
    assert "Sample-Office" in answer.shown


def test_somebody_slack_can_not_vouch_for_is_refused(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("users.info", "fatal_error", times=None)
    slack.upload("olivia", slack.person("olivia"), "it-help.csv", NEWER.encode())
    slack.wait_until(lambda: direct(slack))
    settle(slack, bot)
    assert [each.shown[:34] for each in direct(slack)] == ["I couldn't check with Slack who yo"]
    assert slack.calls_of("download") == []


def test_who_is_no_admin_any_more_can_not_decide(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    first = start()
    card = upload(slack, "it-help.csv", NEWER)
    stop(slack, first)
    olivia = slack.person("olivia")
    olivia.is_admin = olivia.is_owner = False
    bot = start()
    slack.press("olivia", card, "Apply")
    slack.press("olivia", card, "Cancel")
    settle(slack, bot)
    assert [each.shown for each in slack.ephemerals("olivia")] == ["Only workspace admins can do that."] * 2
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == IT_HELP
    assert "Added *1*" in card.shown


def test_files_without_a_mention_and_other_files_are_left_alone(slack: LocalSlack, bot: Bot) -> None:
    slack.upload("olivia", "it-help", "it-help.csv", NEWER.encode(), comment="the new list")
    slack.upload("olivia", "it-help", "cat.png", b"\x89PNG", comment="@kotae How do I connect to the office Wi-Fi?")
    slack.wait_until(lambda: slack.bot_messages("it-help"))
    settle(slack, bot)
    [answer] = slack.bot_messages("it-help")
    assert "Sample-Office" in answer.shown
    assert slack.calls_of("download") == []
    assert direct(slack) == []


# -- Which knowledge base


def choices(card: Message) -> list[str]:
    [menu] = [each for block in card.blocks for each in block.get("elements", ()) if each["type"] == "static_select"]
    return [option["text"]["text"] for option in menu["options"]]


def test_an_unknown_name_asks_and_may_become_a_new_knowledge_base(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    card = upload(slack, "../..\\Hr Somu 2026.csv", SHARED)
    assert "Which knowledge base is" in card.shown
    assert choices(card) == ["_shared", "dev-faq", "it-help", "New: Hr-Somu-2026"]
    slack.press("olivia", card, "upload_choose", "New: Hr-Somu-2026")
    slack.wait_until(lambda: "as a new knowledge base, *Hr-Somu-2026*: 1 entry" in card.shown)
    press(slack, card, "Apply", "is in place for *Hr-Somu-2026*")
    assert (knowledge / "Hr-Somu-2026.csv").read_text(encoding="utf-8") == SHARED
    assert sorted(path.name for path in knowledge.glob("*.csv")) == [
        "Hr-Somu-2026.csv",
        "_shared.csv",
        "dev-faq.csv",
        "it-help.csv",
    ]
    assert "Hr-Somu-2026" in bot.services.registry.loaded


def test_a_new_knowledge_base_named_after_a_channel_serves_it(slack: LocalSlack, bot: Bot) -> None:
    card = upload(slack, "hr-somu.csv", "質問,回答\n有給は？,申請してください。\n", where="hr-somu", comment="@kotae")
    slack.press("olivia", card, "upload_choose", "New: hr-somu")
    slack.wait_until(lambda: "as a new knowledge base" in card.shown)
    press(slack, card, "Apply", "is in place")
    assert "申請してください" in searched(slack, "有給", "hr-somu")
    assert bot.services.channels.of(slack.channel("hr-somu").id).knowledge_bases == ("hr-somu", "_shared")


@pytest.mark.usefixtures("bot")
def test_in_a_channel_its_own_is_meant_and_another_can_be_chosen(slack: LocalSlack, knowledge: Path) -> None:
    card = upload(slack, "export.csv", NEWER, where="it-help", comment="@kotae")
    assert "*export.csv* for *it-help*" in card.shown
    slack.press("olivia", card, "upload_choose", "dev-faq")
    slack.wait_until(lambda: "*export.csv* for *dev-faq*" in card.shown)
    assert "🚨 *2 of 2 entries would be gone.* Is this really the file for *dev-faq*?" in card.shown
    slack.press("olivia", card, "upload_choose", "it-help")
    slack.wait_until(lambda: "*export.csv* for *it-help*" in card.shown)
    press(slack, card, "Apply", "is in place for *it-help*")
    assert (knowledge / "dev-faq.csv").read_text(encoding="utf-8") == DEV_FAQ


def test_a_file_that_kotae_toml_names_stays_where_it_is(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "files").mkdir()
    elsewhere = knowledge / "files" / "handbook-2026.csv"
    elsewhere.write_text(SHARED, encoding="utf-8")
    start(ConfigFile(knowledge_bases={"handbook": KnowledgeBaseSection(file=Path("files/handbook-2026.csv"))}))
    card = upload(slack, "Handbook.csv", "質問,回答\nオフィスの住所を教えてください,大阪です。\n")
    press(slack, card, "Apply", "is in place for *handbook*")
    assert "大阪" in elsewhere.read_text(encoding="utf-8")
    assert not (knowledge / "handbook.csv").exists()


def test_synonyms_are_checked_as_synonyms_and_used_at_once(slack: LocalSlack, bot: Bot, put: Put) -> None:
    put("_synonyms.csv", "original,normalized\nPC,パソコン\nWLAN,Wi-Fi\n")
    bad = upload(slack, "_synonyms.csv", "質問,回答\na,b\n")
    assert '_synonyms.csv: no column named "original"' in bad.shown
    card = upload(
        slack, "_synonyms.csv", "original,normalized\nPC,コンピューター\n二段階認証,two-factor authentication\nx,\n"
    )
    assert "*Added*\n• 二段階認証 → two-factor authentication" in card.shown
    assert "*Changed*\n• PC → コンピューター" in card.shown
    assert "*Removed*\n• WLAN → Wi-Fi" in card.shown
    assert "line 4: original and normalized must both be filled in" in card.shown
    press(slack, card, "Apply", "is in place for *_synonyms*")
    assert "authenticator app" in searched(slack, "二段階認証")
    assert len(bot.services.registry.synonyms) == 2


def test_synonyms_that_kotae_toml_names_stay_where_they_are(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "words.csv").write_text("original,normalized\nPC,パソコン\n", encoding="utf-8")
    bot = start(ConfigFile(synonyms=Path("words.csv")))
    for name, entry in (("_synonyms.csv", "WLAN,Wi-Fi"), ("words.csv", "LAN,network")):
        card = upload(slack, name, f"original,normalized\n{entry}\n")
        press(slack, card, "Apply", "is in place for *words*")
        assert entry in (knowledge / "words.csv").read_text(encoding="utf-8")
    assert not (knowledge / "_synonyms.csv").exists()
    settle(slack, bot)


# -- What the difference says


@pytest.mark.usefixtures("bot")
def test_rows_that_need_a_look_are_named_by_line(slack: LocalSlack) -> None:
    rows = [f"x{number},,,,,,\n" for number in range(12)]
    card = upload(slack, "it-help.csv", IT_HELP + "".join(rows))
    assert (
        ":warning: *Rows to look at*: 12, 12 of them left out\n• line 7: question and answer are both blank"
        in card.shown
    )
    assert "line 16:" in card.shown
    assert "line 17:" not in card.shown
    assert "… and 2 more" in card.shown


@pytest.mark.usefixtures("bot")
def test_long_differences_are_cut_and_nothing_is_live(slack: LocalSlack) -> None:
    rows = "".join(f"k{number},<!channel> *{'長い' * 80}* {number},答え,,,,\n" for number in range(40))
    card = upload(slack, "it-help.csv", IT_HELP + rows)
    assert "Added *40*" in card.shown
    assert "… and 30 more" in card.shown
    assert card.live_mentions == []


@pytest.mark.usefixtures("bot")
def test_a_file_that_would_empty_most_is_warned_of_loudly(slack: LocalSlack, knowledge: Path) -> None:
    card = upload(slack, "it-help.csv", "".join(IT_HELP.splitlines(keepends=True)[:3]))
    assert "🚨 *3 of 5 entries would be gone.*" in card.shown
    [apply] = [
        each for block in card.blocks for each in block.get("elements", ()) if each.get("action_id") == "upload_apply"
    ]
    assert apply["style"] == "danger"
    assert apply["confirm"]["text"]["text"] == "3 of 5 entries would be removed. Apply it all the same?"
    press(slack, card, "Apply", "is in place")
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8").count("\n") == 3


@pytest.mark.usefixtures("bot")
def test_the_very_same_file_needs_no_decision(slack: LocalSlack) -> None:
    card = upload(slack, "it-help.csv", IT_HELP)
    assert card.shown == "*it-help.csv* is what *it-help* is already. There is nothing to do."
    written = upload(slack, "it-help.csv", IT_HELP.encode("utf-16"))
    assert "The entries stay the same; only the way the file is written differs." in written.shown
    press(slack, written, "Apply", "is in place")


UNUSABLE = [
    (b"", "it-help.csv: the file is empty; give it a header row first"),
    (b"PK\x03\x04....", "it-help.csv: not a CSV but an Excel workbook (.xlsx)"),
    (b"x,y\n1,2\n", "it-help.csv: no column to search"),
    ("質問,回答\n".encode(), "it-help.csv: only a header"),
    (b"<html><body>x</body></html>", "it-help.csv: not a CSV but a web page"),
]


@pytest.mark.usefixtures("bot")
def test_what_can_be_no_knowledge_base_is_said_and_not_kept(slack: LocalSlack, knowledge: Path) -> None:
    for data, why in UNUSABLE:
        assert why in upload(slack, "it-help.csv", data).shown
        assert not (knowledge.parent / "data" / "uploads").exists(), why
        assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == IT_HELP, why


# -- Deciding


def test_what_changed_meanwhile_is_shown_anew_and_nothing_is_done(
    slack: LocalSlack, bot: Bot, knowledge: Path, put: Put
) -> None:
    card = upload(slack, "it-help.csv", NEWER)
    edited = IT_HELP + "scan,スキャンできません。,電源を確かめてください。,,,,\n"
    put("it-help.csv", edited)
    press(slack, card, "Apply", ":warning: *it-help* has changed meanwhile, so nothing was done.")
    assert "*Removed*\n• スキャンできません。" in card.shown
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == edited
    press(slack, card, "Apply", "is in place")
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == NEWER
    kept = bot.services.maintenance.versions.of(bot.services.registry.source("it-help"))
    assert [(each.number, each.origin, each.records) for each in kept] == [
        (3, "upload", 6),
        (2, "file", 6),
        (1, "file", 5),
    ]


def test_there_is_one_decision_however_often_it_is_pressed(slack: LocalSlack, bot: Bot) -> None:
    card = upload(slack, "it-help.csv", NEWER)
    for button in ("Apply", "Apply", "Cancel", "Apply"):
        slack.press("olivia", card, {"Apply": "upload_apply", "Cancel": "upload_cancel"}[button], wait=False)
    slack.wait_until(lambda: "is in place" in card.shown or "set aside" in card.shown)
    settle(slack, bot)
    assert len(outcomes(bot)) + ("set aside" in card.shown) == 1


@pytest.mark.sqlite("what waits is a file; in a database: test_shared_store")
def test_it_waits_through_a_restart_and_not_longer_than_a_day(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    first = start()
    kept, old = upload(slack, "it-help.csv", NEWER), upload(slack, "dev-faq.csv", DEV_FAQ + "CI?,Yes,,\n")
    stop(slack, first)
    uploads = knowledge.parent / "data" / "uploads"
    [stale] = [each for each in uploads.iterdir() if b"CI?" in (each / "file.csv").read_bytes()]
    yesterday = time.time() - 24 * 3600 - 60
    os.utime(stale, (yesterday, yesterday))
    bot = start()
    press(slack, kept, "Apply", "is in place")
    slack.press("olivia", old, "Apply")
    settle(slack, bot)
    assert slack.ephemerals("olivia")[-1].shown.startswith("That was decided already, or it is more than a day old.")
    assert list(uploads.iterdir()) == []
    assert (knowledge / "dev-faq.csv").read_text(encoding="utf-8") == DEV_FAQ


@pytest.mark.sqlite("versions are files; what a database refuses: test_shared_store")
def test_a_folder_that_can_not_be_written_is_said_and_the_file_waits(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    card = upload(slack, "it-help.csv", NEWER)
    versions = knowledge.parent / "data" / "versions"
    settle(slack, bot)
    moved = versions.rename(versions.with_name("moved"))
    versions.write_text("in the way")
    slack.press("olivia", card, "Apply")
    slack.wait_until(lambda: slack.ephemerals("olivia"))
    assert "can't be kept in" in slack.ephemerals("olivia")[-1].shown
    assert (knowledge / "it-help.csv").read_text(encoding="utf-8") == IT_HELP
    versions.unlink()
    moved.rename(versions)
    press(slack, card, "Apply", "is in place")


def test_a_file_that_fits_nowhere_is_asked_to_be_renamed(slack: LocalSlack, knowledge: Path, start: Start) -> None:
    for path in knowledge.glob("*.csv"):
        path.unlink()
    (knowledge / f"{'長' * 76}.csv").write_text(SHARED, encoding="utf-8")
    start()
    card = upload(slack, "con.csv", SHARED)
    assert "Rename the file after the knowledge base" in card.shown
    assert [each["type"] for block in card.blocks for each in block.get("elements", ())] == ["button"]
    press(slack, card, "Cancel", "was set aside")


# -- Columns that nobody knows

ROOMS = "部屋,備品\n会議室A,プロジェクター\n会議室B,ホワイトボードと大きな机\n"


def choose_column(slack: LocalSlack, card: Message, role: str, header: str, until: str) -> None:
    slack.press("olivia", card, f"upload_column_{role}", header)
    slack.wait_until(lambda: until in card.shown, 20, until)


def headers(knowledge: Path, name: str) -> str:
    return (knowledge / name).read_bytes().splitlines()[0].decode("utf-8")


def test_unknown_columns_are_chosen_in_the_card_and_then_known(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    card = upload(slack, "it-help.csv", ROOMS)
    assert '"部屋" is taken for the question and "備品" for the answer' in card.shown
    assert "Which column has the questions" in card.shown
    choose_column(slack, card, "question", "備品", "• プロジェクター")
    choose_column(slack, card, "answer", "部屋", "2 entries")
    settle(slack, bot)
    assert "is taken for" not in card.shown
    press(slack, card, "Apply", "it-help.csv is in place for *it-help*.")
    assert headers(knowledge, "it-help.csv") == "回答,質問"
    settle(slack, bot)
    record = bot.services.registry.loaded["it-help"].knowledge_base.records[0]
    assert (record.question, record.answer, record.guessed) == ("プロジェクター", "会議室A", False)


def test_a_guessed_file_is_shown_to_who_asks_and_its_columns_can_be_chosen_later(
    slack: LocalSlack, bot: Bot, knowledge: Path
) -> None:
    press(slack, upload(slack, "it-help.csv", ROOMS), "Apply", "it-help.csv is in place for *it-help*.")
    settle(slack, bot)
    assert "ホワイトボードと大きな机" in searched(slack, "会議室B")
    card = upload(slack, "it-help.csv", ROOMS)
    assert "Which column has the questions" in card.shown
    choose_column(slack, card, "question", "部屋", "Apply")
    press(slack, card, "Apply", "it-help.csv is in place for *it-help*.")
    assert headers(knowledge, "it-help.csv") == "質問,回答"


def test_only_the_missing_half_is_asked_for(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    data = '\ufeffquestion;"extra; words"\r\nWhere?;"Here; or there"\r\n'.encode()
    card = upload(slack, "it-help.csv", data)
    menus = [each["action_id"] for block in card.blocks for each in block.get("elements", ()) if "options" in each]
    assert menus == ["upload_column_answer"]
    choose_column(slack, card, "answer", "extra; words", "Apply")
    settle(slack, bot)
    press(slack, card, "Apply", "it-help.csv is in place for *it-help*.")
    assert (knowledge / "it-help.csv").read_bytes() == ('\ufeffquestion;answer\r\nWhere?;"Here; or there"\r\n'.encode())


def test_many_long_headers_are_offered_as_far_as_slack_takes_them(slack: LocalSlack, bot: Bot) -> None:
    header = ",".join(f"列{number}{'あ' * 50}" for number in range(150))
    card = upload(slack, "it-help.csv", f"{header}\n{','.join(['文章です'] * 150)}\n")
    menus = [each for block in card.blocks for each in block.get("elements", ()) if "options" in each]
    assert [len(menu["options"]) for menu in menus] == [28, 28]
    settle(slack, bot)
