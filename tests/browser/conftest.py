"""The page in a real browser: Debian's chromium without a window, driven by Playwright."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, expect

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from bot.playground.page import Page as OurPage
from bot.playground.trial import trial
from bot.settings import Environment, Settings
from tests.browser.chromium import NoBrowserError, chromium
from tests.encoders import hashing_manager
from tests.slack.conftest import DEV_FAQ, IT_HELP, SHARED

Visit = Callable[..., Page]
World = tuple[LocalSlack, OurPage, Bot]

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; where there is none the tests are skipped, but never where CI is set."""
    try:
        with chromium() as running:
            yield running
    except NoBrowserError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The trial as `kotae try` runs it, searching lexically; auto-reply needs no proof."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name, rows in (("it-help", IT_HELP), ("dev-faq", DEV_FAQ), ("_shared", SHARED)):
        (folder / f"{name}.csv").write_text(rows, encoding="utf-8")
    environment = Environment.model_validate({"data_dir": tmp_path / "data", "encoder_backend": "lexical"})
    manager = hashing_manager()
    with trial(Settings(environment, ConfigFile(promise=0.0), Path("kotae.toml")), folder, manager=manager) as running:
        yield running
    manager.close()


@pytest.fixture
def slack(world: World) -> LocalSlack:
    return world[0]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Visit]:
    """Open an address: ``open_page(address, locale="en-US", viewport={...})``; it must not complain in the console."""
    contexts = []
    complaints: list[str] = []

    def opening(address: str, *, locale: str = "ja-JP", width: int = 1280, height: int = 800) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda told: _note(complaints, told))
        page.on("pageerror", lambda error: complaints.append(_words(error)))
        page.goto(address)
        return page

    yield opening
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def visit(world: World, open_page: Visit) -> Visit:
    """Open the trial's page: ``visit()``, or ``visit(locale="en-US", width=390)``."""
    slack, page, _ = world

    def visiting(**options: object) -> Page:
        opened = open_page(page.address(slack), **options)
        expect(opened.locator("#main .head")).to_be_visible()
        return opened

    return visiting


def _note(complaints: list[str], told: ConsoleMessage) -> None:
    if told.type in ("error", "warning"):
        complaints.append(told.text)


def _words(error: Error) -> str:
    return f"{error.message} {error.stack}"


def go(page: Page, place: str) -> None:
    """Go to a channel, or to the direct messages ("Kotae")."""
    page.locator("#sidebar .place", has_text=place).click()
    expect(page.locator("#main .head h2")).to_contain_text(place)


def send(page: Page, text: str, where: str = "#main") -> None:
    """Type into the composer and press Enter."""
    box = page.locator(f"{where} .composer-text")
    box.fill(text)
    if page.locator(f"{where} .completion").is_visible():
        box.press("Escape")  # what is offered is not meant
    box.press("Enter")


def become(page: Page, name: str) -> None:
    """Be somebody else."""
    page.locator(".who").click()
    page.get_by_role("menuitemradio", name=name).click()
    expect(page.locator(".who")).to_contain_text(name)


def use(message: Locator, tool: str) -> None:
    """Use one of the tools of a message, by keyboard: they show where the focus is."""
    message.get_by_role("button", name=tool).focus()
    message.page.keyboard.press("Enter")
