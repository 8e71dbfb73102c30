"""Adding and editing entries in Slack: the form, what it warns of, what it writes, and what it keeps when it can't."""

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import Interaction, LocalSlack, Message, View
from handlers.learning.store.misses import Misses
from handlers.store.audit import AuditLog
from tests.audit import action, outcome
from tests.conftest import FOLDER
from tests.playground.helpers import client_of
from tests.slack.conftest import IT_HELP, Start, fill, settle

SCANNER = {"question": "How do I scan a document?", "answer": "Use the scanner on floor 2.\nChoose PDF."}
CP932 = (
    "番号,質問,回答,社内メモ\r\n"
    '001,経費の締め日は？,毎月末です。,"経理,確認済"\r\n'
    "002,有休の申請は？,画面からどうぞ。,\r\n"
)
NO_LINK = "Give an address that begins with https://, http:// or mailto:"
NO_BELL = "This file's encoding (utf-8) has no U+0007. Write it in another way."


def add(slack: LocalSlack, who: str, line: str = "", where: str = "it-help") -> View:
    """Open the form with the command."""
    asked = slack.command(who, where, f"/kb add {line}".strip())
    slack.wait_until(lambda: asked.views, what="the form")
    return asked.views[0]


def save(slack: LocalSlack, bot: Bot, who: str, view: View, values: dict[str, Any]) -> Interaction:
    """Submit the form, and wait until the bot has dealt with it."""
    sent = slack.submit(who, view, values)
    settle(slack, bot)
    return sent


def search(slack: LocalSlack, who: str, question: str, where: str = "it-help") -> str:
    return slack.reply(slack.command(who, where, f"/search {question}")).shown


def field(view: View, block: str) -> dict[str, Any]:
    return next(each for each in view.blocks if each["block_id"].partition(":")[0] == block)


def fields(view: View) -> list[str]:
    return [each["block_id"].partition(":")[0] for each in view.blocks if each["type"] == "input"]


def direct(slack: LocalSlack, who: str) -> list[str]:
    """What the bot wrote to somebody directly."""
    return [each.shown for each in slack.bot_messages(slack.person(who))]


# What the form asks for


@pytest.mark.usefixtures("lawful", "bot")
def test_a_question_typed_behind_the_command_stays_as_it_was_typed(slack: LocalSlack) -> None:
    assert field(add(slack, "hanako", "ﾌﾟﾘﾝﾀｰは どこ？"), "question")["element"]["initial_value"] == "ﾌﾟﾘﾝﾀｰは どこ？"


@pytest.mark.usefixtures("lawful", "bot")
def test_the_fields_are_the_columns_that_the_file_has(slack: LocalSlack) -> None:
    view = add(slack, "olivia", "How do I scan?")
    assert (view.title, fields(view)) == (
        "Add to knowledge base",
        ["knowledge_base", "question", "answer", "category", "url"],
    )
    assert field(view, "question")["element"]["initial_value"] == "How do I scan?"
    assert [option["text"]["text"] for option in field(view, "category")["element"]["options"]] == [
        "アカウント", "ネットワーク", "プリンター", "Network", "Account", "＋ New category",
    ]  # fmt: skip
    slack.press("olivia", view, "kb_entry_chosen", "_shared")
    slack.wait_until(lambda: fields(view) == ["knowledge_base", "question", "answer"], what="the other file's fields")
    assert view.state["question"]["kb_entry_typed"]["value"] == "How do I scan?"


@pytest.mark.usefixtures("lawful", "bot")
def test_in_japanese(slack: LocalSlack) -> None:
    view = add(slack, "ichiro")
    assert view.title == "ナレッジに追加"
    assert field(view, "answer")["label"]["text"] == "回答"


@pytest.mark.usefixtures("lawful")
def test_a_new_category_is_written_where_it_is_asked_for(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    slack.press("olivia", view, "kb_entry_typed", SCANNER["question"])
    slack.press("olivia", view, "＋ New category")
    slack.wait_until(lambda: "new_category" in fields(view), what="a field for it")
    assert view.state["question"]["kb_entry_typed"]["value"] == SCANNER["question"]
    save(slack, bot, "olivia", view, {"answer": "Upstairs.", "new_category": "Scanner"})
    assert ",How do I scan a document?,Upstairs.,Scanner,," in (knowledge / "it-help.csv").read_text("utf-8")


# Adding


@pytest.mark.usefixtures("lawful")
def test_an_entry_is_searchable_when_the_form_says_so(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    values = {**SCANNER, "Category": "プリンター", "url": "https://scan.example.com/"}
    sent = save(slack, bot, "olivia", view, values)
    assert sent.errors == {}
    assert view.shown.startswith(":white_check_mark: Saved in *it-help*. It can be searched now.")
    assert "Use the scanner on floor 2." in search(slack, "alice", "scan a document")
    written = (knowledge / "it-help.csv").read_text("utf-8")
    assert written.startswith(IT_HELP)
    id_, rest = written.removeprefix(IT_HELP).split(",", 1)
    assert len(id_) == 8
    question, answer, category, link, updated, note = rest.split(",")
    assert (question, category, link, note) == (SCANNER["question"], "プリンター", "https://scan.example.com/", "\n")
    assert answer == f'"{SCANNER["answer"]}"'
    assert len(updated) == len("2026-04-08")
    source = bot.services.registry.loaded["it-help"].source
    kept = bot.services.maintenance.versions.of(source)
    assert [(each.origin, each.by, each.records) for each in kept] == [
        ("edit", slack.person("olivia").id, 6),
        ("file", "", 5),
    ]
    [entry] = AuditLog(bot.services.database).newest()
    assert (entry.user, action(entry)) == (slack.person("olivia").id, "add it-help")
    assert outcome(entry) == f"{id_}: {SCANNER['question']}"


@pytest.mark.usefixtures("lawful")
def test_a_file_from_excel_in_japan_stays_what_it_is(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    (knowledge / "hr-somu.csv").write_bytes(CP932.encode("cp932"))
    bot = start()
    view = add(slack, "ichiro", where="hr-somu")
    wrong = save(slack, bot, "ichiro", view, {"question": "交通費は？🎉", "answer": "画面から。"})
    assert wrong.errors == {
        "question": "このファイルの文字コード（cp932）では「🎉」を保存できません。別の書き方にしてください。"
    }
    save(slack, bot, "ichiro", view, {"question": "交通費は？", "answer": "画面から、\n月末までに。"})
    assert view.shown.startswith(":white_check_mark: *hr-somu* に追加しました。もう検索できます。")
    added = '003,交通費は？,"画面から、\n月末までに。",\r\n'
    assert (knowledge / "hr-somu.csv").read_bytes() == (CP932 + added).encode("cp932")
    assert "月末までに" in search(slack, "hanako", "交通費", "hr-somu")


WRONG: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"question": " ", "answer": "\n"}, {"question": "Write a question or an answer."}),
    (
        {**SCANNER, "url": "javascript:alert(1)"},
        {"url": NO_LINK},
    ),
    ({**SCANNER, "url": "see the wiki"}, {"url": NO_LINK}),
    ({**SCANNER, "answer": "a\x07b"}, {"answer": NO_BELL}),
    ({"question": "x" * 1001, "answer": "y"}, {"question": "Must be less than 1001 characters."}),
    ({"question": "", "answer": "y"}, {"question": "Please complete this required field."}),
]


@pytest.mark.usefixtures("lawful")
def test_what_is_wrong_is_said_at_its_field(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    for values, errors in WRONG:
        view = add(slack, "olivia")
        assert save(slack, bot, "olivia", view, values).errors == errors
        assert (knowledge / "it-help.csv").read_text("utf-8") == IT_HELP
        assert slack.views("olivia")[-1] is view


@pytest.mark.usefixtures("lawful")
def test_a_mail_address_is_a_link(slack: LocalSlack, bot: Bot) -> None:
    view = add(slack, "olivia")
    assert save(slack, bot, "olivia", view, {**SCANNER, "url": "mailto:it@example.com"}).errors == {}
    assert ":white_check_mark:" in view.shown


@pytest.mark.usefixtures("lawful")
def test_the_same_again_is_refused_and_the_text_kept(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    first, second = add(slack, "olivia"), add(slack, "ichiro")
    save(slack, bot, "olivia", first, SCANNER)
    save(slack, bot, "ichiro", second, SCANNER)
    assert "it-help.csv: この行は使われません（7行目と質問も回答も同じです）" in second.shown
    assert second.state["answer"]["answer"]["value"] == SCANNER["answer"]
    assert (knowledge / "it-help.csv").read_text("utf-8").count(SCANNER["question"]) == 1
    save(slack, bot, "ichiro", second, {"answer": "Ask Hanako."})
    assert ":white_check_mark:" in second.shown


# While typing


@pytest.mark.usefixtures("lawful")
def test_near_duplicates_are_shown_while_typing(slack: LocalSlack, bot: Bot) -> None:
    view = add(slack, "olivia")
    slack.press("olivia", view, "kb_entry_typed", "connect to the office Wi-Fi")
    slack.wait_until(lambda: "There is something like it already" in view.shown, what="the warning")
    assert "*How do I connect to the office Wi-Fi?* Choose the network Sample-Office" in view.shown
    assert view.state["question"]["kb_entry_typed"]["value"] == "connect to the office Wi-Fi"
    slack.press("olivia", view, "kb_entry_typed", "zebra crossing")
    slack.wait_until(lambda: "There is something like it already" not in view.shown, what="no warning")
    settle(slack, bot)


BEGUN = [
    ("How do I connect to the o", "How do I connect to the office Wi-Fi?"),
    ("How do I conect to th", "How do I connect to the office Wi-Fi?"),
    ("ぱすわーどを", "パスワードを忘れました。"),
    ("pasuwa-dow", "パスワードを忘れました。"),
]


@pytest.mark.usefixtures("lawful")
def test_half_a_question_is_enough_to_see_that_it_is_there_already(slack: LocalSlack, bot: Bot) -> None:
    for typed, title in BEGUN:
        assert title in warned(slack, typed), typed
        settle(slack, bot)


def warned(slack: LocalSlack, typed: str) -> str:
    """What the form says once it warns of something like what is typed."""
    view = add(slack, "olivia")
    slack.press("olivia", view, "kb_entry_typed", typed)
    slack.wait_until(lambda: "There is something like it already" in view.shown, what="the warning")
    return view.shown


def test_what_many_questions_begin_with_warns_of_none(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    with (knowledge / "it-help.csv").open("a", encoding="utf-8") as file:
        file.writelines(
            f"x{number},How do I use the {thing}?,Ask.,,,,\n" for number, thing in enumerate(("fax", "scanner"))
        )
    bot = start()
    view = add(slack, "olivia")
    slack.press("olivia", view, "kb_entry_typed", "How do I")
    settle(slack, bot)
    assert "two-factor" not in view.shown
    slack.press("olivia", view, "kb_entry_typed", "How do I use th")
    slack.wait_until(lambda: "How do I use the fax?" in view.shown, what="the warning")


def test_what_is_typed_late_does_not_undo_what_was_sent(slack: LocalSlack, bot: Bot) -> None:
    """Slack's notice of typing may arrive when the form has been sent already."""
    view = add(slack, "olivia")
    typed = slack.press("olivia", view, "kb_entry_typed", "connect to the office Wi-Fi", wait=False)
    settle(slack, bot)
    save(slack, bot, "olivia", view, SCANNER)
    assert typed.envelope
    late = {**typed.payload, "trigger_id": "another"}
    late["actions"] = [{**late["actions"][0], "action_ts": "9999999999.000001"}]
    again = slack._do(lambda: slack._backend.hub.deliver("interactive", late))
    slack.wait_until(lambda: again.outcome != "waiting", what="the ack")
    settle(slack, bot)
    assert view.shown.startswith(":white_check_mark: Saved")
    assert [call.error for call in slack.calls if call.error] in ([], ["hash_conflict"])


# When the file is not what it was


@pytest.mark.sqlite(FOLDER)
@pytest.mark.usefixtures("lawful")
def test_a_file_changed_meanwhile_is_refused_with_the_difference(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    path = knowledge / "it-help.csv"
    by_hand = IT_HELP.replace("vpn,", "vpn2,").replace("用紙と電源", "電源と用紙") + "fax,Fax?,Gone.,,,,\n"
    path.write_text(by_hand, encoding="utf-8")
    save(slack, bot, "olivia", view, SCANNER)
    assert path.read_text("utf-8") == by_hand
    shown = view.shown
    assert "The file has changed meanwhile" in shown
    for line in ("added: Fax?", "changed: VPNにつながりません。", "changed: プリンターで印刷できません。"):
        assert line in shown
    assert view.state["question"]["kb_entry_typed"]["value"] == SCANNER["question"]
    save(slack, bot, "olivia", view, {})
    assert ":white_check_mark: Saved" in view.shown
    assert path.read_text("utf-8").startswith(by_hand)
    assert "Gone." in search(slack, "alice", "Fax?")


@pytest.mark.sqlite("the lock on the file is itself a file; that of a database: test_exclusive, test_shared_knowledge")
@pytest.mark.usefixtures("lawful")
def test_a_file_that_can_not_be_written_loses_nothing(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    blocked = knowledge / ".it-help.csv.lock"
    blocked.mkdir()
    save(slack, bot, "olivia", view, SCANNER)
    assert "it-help.csv: can't be written" in view.shown
    assert view.state["answer"]["answer"]["value"] == SCANNER["answer"]
    blocked.rmdir()
    save(slack, bot, "olivia", view, {})
    assert ":white_check_mark: Saved" in view.shown


@pytest.mark.sqlite("the lock on the file is itself a file; that of a database: test_exclusive, test_shared_knowledge")
@pytest.mark.usefixtures("lawful")
def test_whoever_closes_the_form_too_early_hears_all_the_same(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    with bot.services.locks("knowledge base", "it-help"):
        slack.submit("olivia", view, SCANNER)
        assert view.shown == ":hourglass_flowing_sand: Saving …"
        slack.close_view("olivia", view)
    settle(slack, bot)
    assert direct(slack, "olivia")[-1].startswith(":white_check_mark: Saved in *it-help*.")
    view = add(slack, "olivia")
    (knowledge / ".it-help.csv.lock").mkdir()
    with bot.services.locks("knowledge base", "it-help"):
        slack.submit("olivia", view, {"question": "Lost?", "answer": "Never."})
        slack.close_view("olivia", view)
    settle(slack, bot)
    assert "can't be written" in direct(slack, "olivia")[-1]
    assert "Lost?\nNever." in direct(slack, "olivia")[-1]


# From a message


@pytest.mark.usefixtures("lawful")
def test_an_answer_in_a_thread_is_saved_with_its_question(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.say("alice", "it-help", "Where can I *scan* a document? :thinking_face:")
    answer = slack.say("hanako", "it-help", "Floor 2 & https://scan.example.com/a:\n`scan --pdf`", thread_ts=asked.ts)
    view = saved_from(slack, answer)
    assert view.state["question"]["kb_entry_typed"]["value"] == "Where can I *scan* a document?"
    assert view.state["answer"]["answer"]["value"] == "Floor 2 & https://scan.example.com/a:\n`scan --pdf`"
    save(slack, bot, "olivia", view, {})
    assert "Floor 2" in search(slack, "alice", "scan a document")


@pytest.mark.usefixtures("lawful", "bot")
def test_a_first_message_is_the_question_and_a_lone_one_the_answer(slack: LocalSlack) -> None:
    first, lone = (slack.say("alice", "it-help", text) for text in ("Where do I scan?", "The fax is gone."))
    slack.say("hanako", "it-help", "Floor 2", thread_ts=first.ts)
    assert typed(saved_from(slack, first)) == {"question": "Where do I scan?", "answer": None}
    assert typed(saved_from(slack, lone)) == {"question": None, "answer": "The fax is gone."}


def saved_from(slack: LocalSlack, message: Message) -> View:
    used = slack.shortcut("olivia", "save_to_kb", message)
    slack.wait_until(lambda: used.views, what="the form")
    return used.views[0]


def typed(view: View) -> dict[str, str | None]:
    return {name: next(iter(view.state[name].values())).get("value") for name in ("question", "answer")}


# From a question


@pytest.mark.usefixtures("lawful")
def test_an_answered_question_is_no_miss_any_more(slack: LocalSlack, bot: Bot) -> None:
    search(slack, "alice", "where do zebras with a <title> & AT&amp;T stay")
    [miss] = Misses(bot.services.database).open(0, 10)
    post_button(slack, "olivia", "kb_add_answer", str(miss.id))
    view = pressed_view(slack, "olivia", "kb_add_answer")
    assert view.state["question"]["kb_entry_typed"]["value"] == "where do zebras with a <title> & AT&amp;T stay"
    save(slack, bot, "olivia", view, {"answer": "In the zoo."})
    assert Misses(bot.services.database).open(0, 10) == []
    assert "In the zoo." in search(slack, "hanako", "zebras")


def post_button(slack: LocalSlack, who: str, action: str, value: str) -> None:
    """Have the bot post a button where this person sees it."""
    button = {"type": "button", "action_id": action, "value": value, "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    client_of(slack).chat_postMessage(channel=slack.person(who).id, text="go", blocks=blocks)


def pressed_view(slack: LocalSlack, who: str, action: str) -> View:
    used = slack.press(who, slack.bot_messages(slack.person(who))[-1], action)
    slack.wait_until(lambda: used.views, what="the form")
    return used.views[0]


# Editing


@pytest.mark.usefixtures("lawful")
def test_only_the_cells_that_changed_are_written(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    post_button(slack, "olivia", "kb_edit_record", "it-help\npw")
    view = pressed_view(slack, "olivia", "kb_edit_record")
    assert (view.title, fields(view)) == ("Edit entry", ["question", "answer", "category", "url"])
    save(slack, bot, "olivia", view, {"answer": "総務に電話してください。", "Category": "Account"})
    assert view.shown.startswith(":white_check_mark: Changed in *it-help*.")
    before, after = IT_HELP.splitlines(), (knowledge / "it-help.csv").read_text("utf-8").splitlines()
    assert [old for old, new in zip(before, after, strict=True) if old != new] == [before[1]]
    cells, old = after[1].split(","), before[1].split(",")
    assert [place for place in range(7) if cells[place] != old[place]] == [2, 3, 5]
    assert "総務に電話してください。" in search(slack, "alice", "パスワードを忘れました")
    assert action(AuditLog(bot.services.database).newest()[0]) == "edit it-help"


@pytest.mark.usefixtures("lawful")
def test_two_who_edit_the_same_cell_do_not_undo_each_other(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    views = {}
    for who in ("olivia", "ichiro"):
        post_button(slack, who, "kb_edit_record", "it-help\nwifi")
        views[who] = pressed_view(slack, who, "kb_edit_record")
    save(slack, bot, "olivia", views["olivia"], {"answer": "By Olivia."})
    save(slack, bot, "ichiro", views["ichiro"], {"answer": "By Ichiro.", "url": "https://wifi.example.com"})
    assert (
        "ほかの人がこの項目を変更しました。現在の内容: How do I connect to the office Wi-Fi? By Olivia."
        in views["ichiro"].shown
    )
    assert views["ichiro"].state["answer"]["answer"]["value"] == "By Ichiro."
    assert "By Olivia." in (knowledge / "it-help.csv").read_text("utf-8")
    save(slack, bot, "ichiro", views["ichiro"], {})
    assert "By Ichiro.,Network,https://wifi.example.com," in (knowledge / "it-help.csv").read_text("utf-8")


@pytest.mark.usefixtures("lawful")
def test_what_somebody_else_changed_is_not_written_back(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    """The form still holds the old answer; only the category was touched in it."""
    views = {}
    for who in ("olivia", "ichiro"):
        post_button(slack, who, "kb_edit_record", "it-help\nwifi")
        views[who] = pressed_view(slack, who, "kb_edit_record")
    save(slack, bot, "olivia", views["olivia"], {"answer": "By Olivia."})
    save(slack, bot, "ichiro", views["ichiro"], {"カテゴリ": "Account"})
    assert "Wi-Fi?,By Olivia.,Account,," in (knowledge / "it-help.csv").read_text("utf-8")


@pytest.mark.usefixtures("lawful")
def test_a_text_too_long_for_the_form_is_left_alone(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    long = "长".replace("长", "長い") * 2000
    (knowledge / "hr-somu.csv").write_text(f"質問,回答\n規程は？,{long}\n", encoding="utf-8")
    bot = start()
    [record] = bot.services.registry.loaded["hr-somu"].index.records
    post_button(slack, "ichiro", "kb_edit_record", f"hr-somu\n{record.id}")
    view = pressed_view(slack, "ichiro", "kb_edit_record")
    assert fields(view) == ["question"]
    assert "回答: 長すぎてここでは編集できません。" in view.shown
    save(slack, bot, "ichiro", view, {"question": "就業規則は？"})
    assert (knowledge / "hr-somu.csv").read_text("utf-8") == f"質問,回答\n就業規則は？,{long}\n"


# Who may


@pytest.mark.usefixtures("guests", "lawful")
@pytest.mark.parametrize("who", ["guest", "multi", "external"])
def test_guests_and_other_organisations_can_not_add(slack: LocalSlack, bot: Bot, who: str) -> None:
    where = "partner-it" if who == "external" else "it-help"
    asked = slack.command(who, where, "/kb add")
    assert slack.reply(asked).shown in {
        "Only full members of this workspace can do that.",
        "この操作はワークスペースの正式なメンバーだけが行えます。",
    }
    message = slack.say(who, where, "text")
    slack.shortcut(who, "save_to_kb", message)
    settle(slack, bot)
    assert slack.views(who) == []


@pytest.mark.usefixtures("lawful")
def test_members_can_not_edit(slack: LocalSlack, bot: Bot) -> None:
    post_button(slack, "alice", "kb_edit_record", "it-help\npw")
    pressed = slack.press("alice", slack.bot_messages(slack.person("alice"))[-1], "kb_edit_record")
    settle(slack, bot)
    assert slack.views("alice") == []
    assert slack.reply(pressed).shown == "Only workspace admins can do that."


@pytest.mark.usefixtures("lawful")
def test_a_knowledge_base_of_a_channel_one_is_not_in_is_out_of_reach(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    (knowledge / "keiri.csv").write_text("質問,回答\n監査はいつ？,来週です。\n", encoding="utf-8")
    slack.invite_bot("keiri")
    bot = start()
    assert "keiri" in str(add(slack, "olivia", where="general").blocks)
    view = add(slack, "alice", where="general")
    assert "keiri" not in str(view.blocks)
    [record] = bot.services.registry.loaded["keiri"].index.records
    slack.remove("olivia", "keiri")
    post_button(slack, "olivia", "kb_edit_record", f"keiri\n{record.id}")
    bot.services.access._remembered.clear()
    pressed = slack.press("olivia", slack.bot_messages(slack.person("olivia"))[-1], "kb_edit_record")
    assert "has been changed or removed since" in slack.reply(pressed).shown


@pytest.mark.usefixtures("lawful")
def test_whoever_leaves_the_channel_can_not_save_any_more(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    slack.remove("olivia", "it-help")
    bot.services.access._remembered.clear()
    save(slack, bot, "olivia", view, SCANNER)
    assert (knowledge / "it-help.csv").read_text("utf-8") == IT_HELP
    assert "There is no knowledge base here" in view.shown
    assert SCANNER["answer"] in view.shown


@pytest.mark.usefixtures("lawful")
def test_without_a_knowledge_base_nothing_opens(slack: LocalSlack, start: Start, knowledge: Path) -> None:
    for path in knowledge.iterdir():
        path.unlink()
    start(ConfigFile(channels={"general": ChannelSection()}))
    asked = slack.command("olivia", "general", "/kb add")
    assert slack.reply(asked).shown == "There is no knowledge base here that you could add to."


# When too much is going on


def test_a_form_refused_by_a_full_queue_stays_as_it_was_typed(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    view = add(slack, "olivia")
    settle(slack, bot)
    gate = Event()

    def occupied() -> None:
        gate.wait(60)

    fill(bot, occupied)
    sent = slack.submit("olivia", view, SCANNER)
    gate.set()
    assert list(sent.errors) == ["knowledge_base"]
    assert view.state["answer"]["answer"]["value"] == SCANNER["answer"]
    settle(slack, bot)
    save(slack, bot, "olivia", view, {})
    assert SCANNER["question"] in (knowledge / "it-help.csv").read_text("utf-8")
