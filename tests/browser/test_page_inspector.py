"""The inspector: traffic, explanations, and a Slack that misbehaves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from bot.playground import LocalSlack
from tests.browser.conftest import Visit, become, go, send, use

RESET = "再設定ページから新しいパスワードを設定してください。"


def inspect(page: Page, tab: str = "通信") -> None:
    if not page.locator("#inspector").is_visible():
        page.get_by_role("button", name="インスペクター").click()
    page.locator("#inspector").get_by_role("tab", name=tab).click()


def test_every_payload_and_call_is_shown_with_its_times(visit: Visit) -> None:
    page = visit()
    inspect(page)
    send(page, "/search パスワードを忘れました")
    asked = page.locator(".entry.in", has_text="/search パスワードを忘れました")
    expect(asked.locator("small")).to_have_text(re.compile(r"^ack \d+ ms · 回答 \d+ ms$"))
    answered = page.locator(".entry.out", has_text="response_url").first
    answered.locator("summary").click()
    expect(answered.locator("pre").first).to_contain_text(RESET)
    expect(page.locator(".entry.problem")).to_have_count(0)


def test_what_breaks_a_rule_of_slacks_stands_out(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    inspect(page)
    slack.faults.error("chat.postMessage", "invalid_blocks")
    slack._do(lambda: slack._backend.warn("a text of 5000 characters: Slack advises at most 4000"))
    send(page, "パスワードを忘れました")
    expect(page.locator(".entry.out.problem").first).to_contain_text("invalid_blocks")
    page.get_by_label("絞り込み").select_option("problems")
    expect(page.locator(".entry.warning")).to_contain_text("a text of 5000 characters")
    expect(page.locator(".entry:not(.problem)")).to_have_count(0)


def test_why_an_answer_was_given_is_explained(visit: Visit) -> None:
    page = visit()
    send(page, "パスワードを忘れました")
    answer = page.locator(".message", has_text=RESET)
    use(answer, "その他")
    page.get_by_role("menuitem", name="この回答になった理由").click()
    first = page.locator(".hit").first
    expect(first.locator("h3")).to_contain_text("パスワードを忘れました。どうすれば")
    expect(first.locator("meter").first).to_be_visible()
    expect(first.locator(".terms").first).to_contain_text("パスワ")
    expect(first.locator(".bars li").first).to_be_visible()
    expect(page.locator(".why li").first).to_contain_text("質問されたので")


@pytest.mark.parametrize(
    ("person", "menu", "choice", "said"),
    [
        ("佐藤 花子", "その他", "回答した・しなかった理由", "このチャンネルの自動回答はオフです。"),
        ("Olivia Owner", "More actions", "Why an answer, or none?", "Auto-reply is off here: "),
    ],
)
def test_why_there_was_no_answer_is_explained(
    visit: Visit, slack: LocalSlack, person: str, menu: str, choice: str, said: str
) -> None:
    page = visit()
    become(page, person)
    go(page, "it-help")
    slack.say("ichiro", "it-help", "Where can I park my bicycle?")
    use(page.locator(".message", has_text="bicycle"), menu)
    page.get_by_role("menuitem", name=choice).click()
    expect(page.locator(".why li").first).to_contain_text(said)
    expect(page.locator(".hit").first.locator("h3")).not_to_be_empty()


def test_an_event_delivered_twice_is_answered_once(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    inspect(page, "障害")
    page.get_by_role("button", name="次のイベントを二重に届ける").click()
    expect(page.locator(".toast")).to_be_visible()
    send(page, "パスワードを忘れました")
    expect(page.locator(".messages")).to_contain_text(RESET)
    slack.quiet()
    answers = [each for each in slack.bot_messages(slack.person("hanako")) if RESET in each.shown]
    assert len(answers) == 1


def test_the_bot_answers_through_429_and_a_new_connection(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    inspect(page, "障害")
    slack.faults.rate_limit("chat.postMessage", retry_after=1)
    send(page, "パスワードを忘れました")
    expect(page.locator(".messages")).to_contain_text(RESET)
    page.get_by_role("button", name="再接続を要求する").click()
    slack.wait_until(lambda: slack.connections_opened == 2)
    go(page, "it-help")
    send(page, "/search プリンターで印刷できません")
    expect(page.locator(".message.ephemeral")).to_contain_text("印刷待ちの一覧")
    inspect(page)
    expect(page.locator(".entry.problem")).to_contain_text("ratelimited")


def test_the_theme_is_kept_and_follows_the_system_until_it_is_chosen(visit: Visit) -> None:
    page = visit()
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    assert light != dark
    page.get_by_role("button", name="明るさを切り替える").click()
    assert page.evaluate(paper) == light
    page.reload()
    expect(page.locator("#main .head")).to_be_visible()
    assert page.evaluate(paper) == light
