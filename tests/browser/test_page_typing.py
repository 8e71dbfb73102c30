"""Typing on the page: Japanese composition, completion, keys."""

from __future__ import annotations

from playwright.sync_api import expect

from bot.playground import LocalSlack
from tests.browser.conftest import Visit, go, send


def test_enter_that_ends_a_composition_sends_nothing(visit: Visit, slack: LocalSlack) -> None:
    def said() -> list[str]:
        hanako = slack.person("hanako")
        return [each.text for each in slack.history(hanako) if each.user == hanako.id]

    page = visit()
    box = page.locator("#main .composer-text")
    box.focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "ぷりんたー", "selectionStart": 5, "selectionEnd": 5})
    keyboard.send(
        "Input.dispatchKeyEvent", {"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    )
    page.wait_for_timeout(100)
    assert said() == []
    keyboard.send("Input.insertText", {"text": "プリンターで印刷できません"})
    expect(box).to_have_value("プリンターで印刷できません")
    assert said() == []
    box.press("Enter")
    expect(page.locator(".messages")).to_contain_text("印刷待ちの一覧を空にしてください。")
    assert said() == ["プリンターで印刷できません"]


def test_commands_people_and_channels_are_completed_by_keyboard(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    go(page, "it-help")
    box = page.locator("#main .composer-text")
    box.press_sequentially("/se")
    expect(page.get_by_role("option")).to_contain_text("/search")
    box.press("Enter")
    expect(box).to_have_value("/search ")
    box.fill("")
    box.press_sequentially("@")
    expect(page.get_by_role("option").first).to_contain_text("Kotae")
    box.press_sequentially("ali")
    expect(page.get_by_role("option")).to_have_count(1)
    box.press("Tab")
    box.press_sequentially("in #gen")
    box.press("Tab")
    expect(box).to_have_value("@alice in #general ")
    box.press("Enter")
    expect(page.locator(".message .mention")).to_have_text(["@Alice Brown", "#general"])
    alice, general = slack.person("alice").id, slack.channel("general").id
    assert slack.history("it-help")[-1].text == f"<@{alice}> in <#{general}|general>"


def test_shift_enter_makes_a_line_and_the_caret_survives_what_arrives(visit: Visit, slack: LocalSlack) -> None:
    page = visit()
    go(page, "general")
    box = page.locator("#main .composer-text")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    slack.say("alice", "general", "meanwhile")
    expect(page.locator(".messages")).to_contain_text("meanwhile")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("two")
    assert slack.history("general")[-1].text == "one\ntwo"


def test_on_a_phone_channels_unfold_and_threads_cover_the_page(visit: Visit) -> None:
    page = visit(width=390)
    expect(page.locator(".welcome h3")).to_be_in_viewport()
    expect(page.locator("#sidebar")).not_to_be_in_viewport()
    page.locator(".menu-button").click()
    go(page, "it-help")
    expect(page.locator("#sidebar")).not_to_be_in_viewport()
    send(page, "@Kotae プリンターで印刷できません")
    page.locator(".thread-link").click()
    expect(page.locator("#thread")).to_contain_text("印刷待ちの一覧")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_question_is_completed_while_it_is_typed_and_answered_in_the_form(visit: Visit) -> None:
    page = visit(locale="en-US")
    page.get_by_role("button", name="Shortcuts").first.click()
    page.get_by_role("menuitem", name="Ask Kotae").click()
    box = page.locator("dialog").get_by_role("combobox")
    box.press_sequentially("office wi")
    offers = page.locator("dialog").get_by_role("option")
    expect(offers.first).to_contain_text("How do I connect to the office Wi-Fi?")
    expect(offers.last).to_have_text("Search for “office wi”")
    expect(offers.last).to_be_in_viewport()
    box.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_contain_text("Choose the network Sample-Office")
    expect(offers).to_have_count(0)
    page.locator("dialog").get_by_role("button", name="Helpful", exact=False).first.click()
    expect(page.locator("dialog")).to_contain_text("Choose the network Sample-Office")
    page.locator("dialog").get_by_role("button", name="Ask something else").click()
    expect(box).to_have_value("")
