"""The page says what a trial changes, and begins it afresh."""

import csv
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.samples import FOLDER as SAMPLES
from tests.browser.conftest import Visit
from tests.playground.test_trial import end, start

SAID = {
    "en-US": ("Works on a copy in", "Start afresh"),
    "ja-JP": ("にあるコピーを使っています。元のファイルは変わりません。", "最初からやり直す"),
}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    running = start("--no-open", data=tmp_path / "data")
    yield running
    if running.poll() is None:
        end(running)


@pytest.mark.parametrize("locale", SAID)
def test_a_trial_on_a_copy_is_begun_afresh_by_a_button(
    process: subprocess.Popen[str], browser: Browser, tmp_path: Path, locale: str
) -> None:
    assert process.stdout
    address = process.stdout.readline().rpartition(" ")[2].strip()
    copy = tmp_path / "data" / "try" / "copy" / "samples" / "it-help.csv"
    with copy.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(["TRIED", "試した行", "消えるはずです", "", "", "", "", ""])
    says, button = SAID[locale]
    context = browser.new_context(locale=locale)
    page: Page = context.new_page()
    page.goto(address)
    expect(page.locator("#sidebar .tried")).to_contain_text(says)
    expect(page.locator("#sidebar .tried")).to_contain_text(str(copy.parent))
    page.get_by_role("button", name=button).click()
    with page.expect_navigation():
        page.locator("dialog .danger").click()
    expect(page.locator("#sidebar .socket")).to_have_attribute("data-connected", "true")
    assert copy.read_bytes() == (SAMPLES / "it-help.csv").read_bytes()
    assert page.url == address.partition("#")[0]
    context.close()
    end(process)


def test_a_folder_that_is_edited_is_named(visit: Visit, tmp_path: Path) -> None:
    page = visit(locale="en-US")
    expect(page.locator("#sidebar .tried")).to_have_text(f"Edits the files in {tmp_path / 'knowledge'}.")
