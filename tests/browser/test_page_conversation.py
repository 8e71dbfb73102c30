"""Talking with the bot on the page."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from bot.playground import LocalSlack
from tests.browser.conftest import Visit, World, become, go, send, use
from tests.slack.conftest import IT_HELP

RESET = "再設定ページから新しいパスワードを設定してください。"
PRINT = "用紙と電源を確かめ、印刷待ちの一覧を空にしてください。"


def test_the_first_screen_offers_questions_in_both_languages_and_answers_the_one_pressed(visit: Visit) -> None:
    page = visit()
    expect(page.locator(".who")).to_contain_text("佐藤 花子")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    assert page.locator(".try[lang=ja]").count() == 3
    assert page.locator(".try[lang=en]").count() == 3
    page.locator(".try", has_text="パスワードを忘れました").click()
    expect(page.locator(".messages")).to_contain_text(RESET)


def test_an_english_browser_begins_in_english(visit: Visit) -> None:
    page = visit(locale="en-US")
    expect(page.locator(".who")).to_contain_text("Alice Brown")
    send(page, "How do I connect to the office Wi-Fi?")
    expect(page.locator(".messages")).to_contain_text("Choose the network Sample-Office")
    expect(page.get_by_role("button", name="Helpful", exact=False).first).to_be_visible()


def test_a_search_is_seen_by_the_asker_only_and_can_be_unfolded(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    go(page, "it-help")
    send(page, "/search VPNにつながりません")
    answer = page.locator(".message.ephemeral")
    expect(answer).to_contain_text("あなただけに表示されています")
    expect(answer).to_contain_text("ルーターを再起動してから")
    answer.get_by_role("button", name="表示").first.click()
    expect(answer.get_by_role("button", name="表示")).to_have_count(1)
    other = visit(locale="en-US")
    go(other, "it-help")
    expect(other.locator(".message")).to_have_count(0)
    assert slack.refusals == []


def test_a_mention_is_answered_in_the_thread(visit: Visit) -> None:
    page = visit()
    go(page, "it-help")
    send(page, "@Kotaeプリンターで印刷できません")
    page.locator(".thread-link").click()
    thread = page.locator("#thread")
    expect(thread).to_contain_text(PRINT)
    expect(thread.locator(".mention")).to_have_text("@Kotae")
    send(page, "@Kotae パスワードを忘れました", "#thread")
    expect(thread).to_contain_text(RESET)
    expect(page.locator("#main .thread-link")).to_contain_text("3 件の返信")
    thread.locator(".composer-text").press("Escape")
    expect(thread).to_be_hidden()


def test_auto_reply_answers_follows_the_edit_and_goes_with_the_question(visit: Visit) -> None:
    page = visit()
    become(page, "鈴木 一郎")
    go(page, "it-help")
    send(page, "/kb auto-reply on")
    expect(page.locator(".message.ephemeral")).to_be_visible()
    become(page, "佐藤 花子")
    send(page, "パスワードを忘れました。どうすれば再設定できますか？")
    page.locator(".thread-link").click()
    expect(page.locator("#thread")).to_contain_text(RESET)
    question = page.locator("#main .message").first
    use(question, "その他")
    page.get_by_role("menuitem", name="メッセージを編集").click()
    question.locator("textarea").fill("プリンターで印刷できません。")
    question.locator("textarea").press("Enter")
    expect(page.locator("#thread")).to_contain_text(PRINT)
    expect(question).to_contain_text("（編集済み）")
    use(question, "その他")
    page.get_by_role("menuitem", name="メッセージを削除").click()
    page.get_by_role("dialog").get_by_role("button", name="メッセージを削除").click()
    expect(page.locator("#main .message")).to_have_count(0)
    expect(page.locator("#thread")).not_to_contain_text(PRINT)


def test_reactions_are_put_and_taken_back(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    go(page, "random")
    send(page, "おつかれさまです")
    message = page.locator(".message", has_text="おつかれさまです")
    use(message, "リアクションを付ける")
    page.locator(".picker").get_by_role("button", name="tada").click()
    pill = message.locator(".reaction")
    expect(pill).to_have_attribute("aria-pressed", "true")
    slack.react("alice", slack.history("random")[-1], "tada")
    expect(pill).to_have_text("🎉2")
    pill.click()
    expect(pill).to_have_attribute("aria-pressed", "false")


def test_feedback_and_working_line(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    slack.faults.slow("chat.postMessage", seconds=1)
    send(page, "パスワードを忘れました")
    expect(page.locator("#main .working")).to_have_text("Kotae が調べています…")
    page.get_by_role("button", name="役に立った").first.click()
    expect(page.locator(".messages")).to_contain_text("ありがとう")
    expect(page.locator("#main .working")).to_have_text("")


def test_channels_without_the_bot_and_of_others(visit: Visit) -> None:
    page = visit()
    go(page, "random")
    page.get_by_role("button", name="Kotae を招待する").click()
    expect(page.locator(".foot-note")).to_have_count(0)
    become(page, "Gus Guest")
    expect(page.locator("#sidebar .place")).to_have_count(2)
    become(page, "高橋 玲奈")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    become(page, "Erika Extern")
    expect(page.locator("#sidebar .place", has_text="partner-it")).to_be_visible()
    expect(page.locator("#sidebar .place", has_text="it-help")).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_what_a_person_or_a_csv_wrote_is_text(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    go(page, "general")
    evil = "<img src=x onerror=alert(1)> <script>alert(2)</script> *b* javascript:alert(3)"
    send(page, evil)
    message = page.locator(".message .body").last
    expect(message).to_contain_text("<img src=x onerror=alert(1)> <script>alert(2)</script> b javascript:alert(3)")
    assert message.locator("img, script, a").count() == 0
    slack.say("alice", "general", "<javascript:alert(4)|press me> <https://example.com/?a=1&amp;b=2|fine>", raw=True)
    linked = page.locator(".message .body").last
    expect(linked.locator("a")).to_have_count(1)
    expect(linked.locator("a")).to_have_attribute("href", "https://example.com/?a=1&b=2")


def test_commands_that_fail_are_answered_as_slack_does(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    send(page, "/nothing here")
    expect(page.locator(".message.ephemeral")).to_contain_text("/nothing というコマンドはありません。")
    send(page, "パスワードを忘れました")
    use(page.locator(".message", has_text="パスワードを忘れました").first, "スレッドで返信")
    send(page, "/search VPN", "#thread")
    expect(page.locator("#thread .ephemeral")).to_contain_text("スレッド内ではコマンドを使えません")
    slack.faults.freeze()
    send(page, "/kb help")
    expect(page.locator("#main .ephemeral").last).to_contain_text("/kb は失敗しました。アプリが 3 秒以内に")
    slack.faults.thaw()


def test_the_page_comes_back_when_the_connection_was_lost(visit: Visit, world: World) -> None:
    page = visit()
    send(page, "パスワードを忘れました")
    expect(page.locator(".messages")).to_contain_text(RESET)
    page.reload()
    expect(page.locator(".messages")).to_contain_text(RESET)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", page.url)
    assert world[1].guard.token not in page.content()


def test_a_csv_that_is_edited_meanwhile_is_read_again_and_said(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    with (tmp_path / "knowledge" / "it-help.csv").open("a", encoding="utf-8") as file:
        file.write("desk,椅子が壊れました,総務が交換します。,,,,\n")
    expect(page.locator(".toast")).to_contain_text("it-help.csv: 追加 1 件")
    send(page, "椅子が壊れました")
    expect(page.locator(".messages")).to_contain_text("総務が交換します。")


def test_a_csv_that_breaks_is_said_above_the_channel_until_it_is_mended(visit: Visit, tmp_path: Path) -> None:
    page, file = visit(), tmp_path / "knowledge" / "it-help.csv"
    expect(page.locator(".standing")).to_be_empty()
    file.write_text("foo,bar\n1,2\n", encoding="utf-8")
    expect(page.locator(".standing .problem")).to_contain_text("直るまでは、前の内容で答えます。")
    page.reload()
    expect(page.locator(".standing .problem")).to_contain_text("直るまでは、前の内容で答えます。")
    file.write_text(IT_HELP, encoding="utf-8")
    expect(page.locator(".standing")).to_be_empty()


def test_the_page_follows_a_script(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    asked = slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi?")
    slack.show("alice", "it-help", thread_ts=asked.ts)
    expect(page.locator(".who")).to_contain_text("Alice Brown")
    expect(page.locator("#main .head h2")).to_have_text("# it-help")
    expect(page.locator("#thread")).to_contain_text("Choose the network Sample-Office")
    slack.show("alice", slack.person("alice"), tab="home")
    slack.visit("alice")
    expect(page.locator(".home input")).to_be_visible()
