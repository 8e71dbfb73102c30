"""Blocks, modals, files and the Home tab on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.playground import LocalSlack
from bot.playground.page import Page as OurPage
from tests.browser.conftest import Visit, become, go, send
from tests.browser.gallery import PIXEL, gallery
from tests.playground.helpers import JSON, client_of, hang_up
from tests.slack.conftest import IT_HELP


@pytest.fixture
def shown(open_page: Visit) -> Iterator[tuple[Page, list[JSON], LocalSlack]]:
    """The gallery app's page as Alice sees it, and what the app heard."""
    ours = OurPage()
    with LocalSlack(page=ours, ping_seconds=0.05) as slack:
        app, heard = gallery(client_of(slack))
        handler = SocketModeHandler(app, slack.app_token)
        handler.connect()  # type: ignore[no-untyped-call]
        slack.wait_connected()
        yield open_page(ours.address(slack), locale="en-US"), heard, slack
        hang_up(handler)


def test_every_block_is_drawn(shown: tuple[Page, list[JSON], LocalSlack]) -> None:
    page, _, slack = shown
    send(page, "/search")
    body = page.locator(".message .body")
    expect(body.locator("h3").first).to_have_text("A header 📚")
    first = body.locator(".block-section").first
    expect(first.locator("strong")).to_have_text("bold")
    expect(first.locator("em")).to_have_text("italic")
    expect(first.locator("s")).to_have_text("strike")
    expect(first.locator("code")).to_have_text("code")
    expect(first.locator("a")).to_have_attribute("href", "https://example.com")
    expect(first.locator("blockquote")).to_have_text("quoted")
    expect(first).to_contain_text("<b> 👀 @here")
    expect(body.locator(".fields > *")).to_have_count(4)
    expect(body.locator(".block-rich_text li")).to_have_text(["a", "b"])
    expect(body.locator(".block-rich_text a")).to_have_text("link")
    line = body.locator(".block-rich_text .line").first.bounding_box()
    one = body.locator(".block-rich_text li").first.bounding_box()
    assert line
    assert one
    assert line["height"] > 1.5 * one["height"]
    expect(body.locator(".block-markdown h4")).to_have_text("Heading")
    expect(body.locator(".block-markdown td")).to_have_text(["1", "2"])
    expect(body.locator(".block-table th")).to_have_text(["Name", "Rows"])
    expect(body.locator(".unknown")).to_have_count(0)
    assert slack.refusals == []


def test_pictures_of_the_workspace_are_loaded_and_what_is_not_drawn_is_said(
    shown: tuple[Page, list[JSON], LocalSlack],
) -> None:
    page, _, slack = shown
    message = slack.upload("alice", slack.person("alice"), "dot.png", PIXEL)
    expect(page.locator(".files img")).to_have_js_property("naturalWidth", 1)
    broken = slack.upload("alice", "general", "broken.png", b"no picture").files[0]
    blocks: list[JSON] = [
        {"type": "image", "alt_text": "a dot", "slack_file": {"id": message.files[0].id}},
        {"type": "image", "alt_text": "broken", "slack_file": {"id": broken.id}},
        {"type": "image", "alt_text": "of the web", "image_url": "https://example.com/x.png"},
    ]
    client_of(slack).chat_postMessage(channel=message.channel, text="pictures", blocks=blocks)
    drawn = page.locator(".message .picture")
    expect(drawn.nth(0).locator("img")).to_have_js_property("naturalWidth", 1)
    expect(drawn.nth(1)).to_have_text("🖼 broken")
    expect(drawn.nth(2)).to_have_text("🖼 of the web")
    slack._do(lambda: slack._backend.change(message, None, blocks=[{"type": "hologram"}, {"type": "divider"}]))
    expect(page.locator(".unknown")).to_have_text("Not rendered here: hologram")


def test_buttons_menus_and_confirmations_tell_the_app(shown: tuple[Page, list[JSON], LocalSlack]) -> None:
    page, heard, slack = shown
    send(page, "/search")
    page.get_by_role("button", name="Plain").click()
    page.get_by_role("button", name="Danger").click()
    page.get_by_role("dialog").get_by_role("button", name="No").click()
    page.get_by_role("button", name="Danger").click()
    expect(page.get_by_role("dialog")).to_contain_text("It can't be undone.")
    page.get_by_role("dialog").get_by_role("button", name="Do it").click()
    page.locator("[data-key='row/select']").select_option("blue")
    page.locator("[data-key='menu/overflow']").click()
    page.get_by_role("menuitem", name="Second").press("Enter")
    page.get_by_role("button", name="Bad").click()
    slack.wait_until(lambda: len(heard) == 5)
    told = [each.get("value") or each.get("selected_option", {}).get("value") for each in heard]
    assert [each["action_id"] for each in heard] == ["plain", "sure", "select", "overflow", "feedback"]
    assert told == ["1", None, "blue", "second", "bad"]


def test_a_modal_takes_every_input_and_shows_what_is_wrong(
    shown: tuple[Page, list[JSON], LocalSlack], tmp_path: Path
) -> None:
    page, heard, slack = shown
    csv = tmp_path / "rows.csv"
    csv.write_text("question,answer\nQ,A\n")
    send(page, "/kb")
    form = page.get_by_role("dialog", name="One of everything")
    expect(form.locator("[data-key='title/title']")).to_be_focused()
    page.get_by_role("button", name="Save").click()
    expect(form.locator(".wrong")).to_have_count(3)
    form.get_by_label("Title").fill("bad")
    form.get_by_label("Colour").select_option("Blue")
    form.get_by_label("Later").check()
    form.get_by_label("Sugar").check()
    form.locator("[data-key='sizes/sizes']").click()
    form.get_by_label("M", exact=True).check()
    form.locator("[data-key='city/city']").fill("os")
    form.get_by_role("option", name="Oslo").click()
    form.get_by_label("Who").select_option("Olivia Owner")
    form.get_by_label("Where").select_option("#it-help")
    form.get_by_label("Day").fill("2026-11-23")
    form.get_by_label("Count").fill("3")
    form.locator("input[type=file]").set_input_files(csv)
    expect(form.locator(".chosen-files")).to_have_text("rows.csv")
    page.get_by_role("button", name="Save").click()
    expect(form.locator("#error-title")).to_have_text("Not that one")
    expect(form.get_by_label("Title")).to_have_value("bad")
    form.get_by_label("Title").fill("good")
    form.get_by_label("Title").press("Enter")
    expect(form).to_have_count(0)
    values = heard[0]
    assert values["title"]["value"] == "good"
    assert values["colour"]["selected_option"]["value"] == "blue"
    assert values["when"]["selected_option"]["value"] == "later"
    assert [each["value"] for each in values["extras"]["selected_options"]] == ["sugar"]
    assert [each["value"] for each in values["sizes"]["selected_options"]] == ["m"]
    assert values["city"]["selected_option"]["value"] == "oslo"
    assert values["who"]["selected_user"] == slack.person("olivia").id
    assert values["where"]["selected_conversation"] == slack.channel("it-help").id
    assert values["day"]["selected_date"] == "2026-11-23"
    assert values["count"]["value"] == "3"
    file = client_of(slack).files_info(file=values["file"]["files"][0]["id"])["file"]
    assert (file["name"], file["size"]) == ("rows.csv", csv.stat().st_size)


def test_escape_closes_a_modal(shown: tuple[Page, list[JSON], LocalSlack]) -> None:
    page, heard, slack = shown
    send(page, "/kb")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert slack.views("alice") == []
    assert heard == []


def test_an_admin_adds_an_answer_that_is_found_at_once(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    become(page, "鈴木 一郎")
    go(page, "it-help")
    send(page, "/kb add")
    form = page.get_by_role("dialog", name="ナレッジに追加")
    expect(form.get_by_label("質問")).to_be_focused()
    page.keyboard.type("椅子が壊れました")
    form.get_by_label("回答").fill("総務が交換します。")
    page.get_by_role("button", name="保存").click()
    expect(form).to_contain_text("✅ it-help に追加しました。")
    form.get_by_role("button", name="閉じる").last.click()
    expect(form).to_have_count(0)
    assert "椅子が壊れました,総務が交換します。" in (tmp_path / "knowledge" / "it-help.csv").read_text(encoding="utf-8")
    send(page, "/search 椅子が壊れた")
    expect(page.locator(".message.ephemeral").last).to_contain_text("総務が交換します。")


def test_a_csv_is_uploaded_and_applied(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    become(page, "鈴木 一郎")
    go(page, "Kotae")
    csv = tmp_path / "it-help.csv"
    csv.write_text(IT_HELP + "desk,椅子が壊れました,総務が交換します。,,,,\n", encoding="utf-8")
    page.locator("#main input[type=file]").set_input_files(csv)
    page.get_by_role("button", name="送信").click()
    page.get_by_role("button", name="適用").click()
    expect(page.locator(".messages")).to_contain_text(re.compile("✅ it-help: 6件（追加 1"))
    assert (tmp_path / "knowledge" / "it-help.csv").read_bytes() == csv.read_bytes()


def test_the_home_tab_answers(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="ホーム").click()
    box = page.locator(".home input.text-input")
    box.fill("VPNにつながりません")
    box.press("Enter")
    expect(page.locator(".home")).to_contain_text("ルーターを再起動してから")
    page.locator(".home").get_by_role("button", name="表示").first.click()
    expect(page.locator(".home").get_by_role("button", name="表示")).to_have_count(1)
    page.get_by_role("tab", name="メッセージ").click()
    expect(page.locator(".home")).to_have_count(0)


def test_files_are_shared_and_downloaded(visit: Visit, slack: LocalSlack, tmp_path: Path) -> None:
    page = visit()
    become(page, "鈴木 一郎")
    go(page, "Kotae")
    csv = tmp_path / "新しい.csv"
    csv.write_text("質問,回答\nQ,A\n", encoding="utf-8")
    page.locator("#main input[type=file]").set_input_files(csv)
    page.get_by_role("button", name="送信").click()
    card = page.locator(".file")
    expect(card).to_contain_text("新しい.csv")
    shared = [file for each in slack.history(slack.person("ichiro")) for file in each.files]
    assert [file.data for file in shared] == [csv.read_bytes()]
    with page.expect_download() as download:
        card.click()
    assert Path(download.value.path()).read_bytes() == csv.read_bytes()
