"""Play the scripts and take the pictures."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page
from rich.console import Console

from bot.playground import LocalSlack
from bot.playground.conversation import Conversation
from bot.playground.screen import Screen
from bot.playground.script import read_script
from bot.playground.trial import samples, trial
from bot.settings import ConfigFile, Environment, Settings
from indexes.encoder import models
from tests.browser.chromium import chromium

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs" / "pictures"
LANGUAGES = {"ja": "ja-JP", "en": "en-US"}
WIDE, MESSAGE, PHONE = (1280, 800), (960, 900), (390, 780)
COLOURS = 255
MARGIN = 24
STILL_MS = 400
"""How long the page may take to show what came."""


def main(wanted: Sequence[str]) -> None:
    """Take all pictures, or those whose names begin with one of these words."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for language, locale in LANGUAGES.items():
            with _world(locale, browser) as (conversation, page):
                for line in read_script(HERE / f"{language}.txt"):
                    if not line.startswith(":picture "):
                        conversation.take(line)
                        continue
                    name, *how = line.split()[1:]
                    if not wanted or name.startswith(tuple(wanted)):
                        _take(page, PICTURES / f"{name}.{language}.png", how)
    models.close()


@contextmanager
def _world(locale: str, browser: Browser) -> Iterator[tuple[Conversation, Page]]:
    """A fresh workspace, somebody who types in it, and the page that follows them."""
    with tempfile.TemporaryDirectory() as folder:
        knowledge = Path(shutil.copytree(samples(), Path(folder) / "knowledge"))
        environment = Environment.model_validate({"data_dir": Path(folder) / "data", "encoder_backend": "lexical"})
        with trial(Settings(environment, ConfigFile(), Path("kotae.toml")), knowledge) as (slack, site, _):
            context = browser.new_context(locale=locale, device_scale_factor=2)
            page = context.new_page()
            page.goto(site.address(slack))
            page.wait_for_selector("#main .head")
            yield _conversation(slack), page
            context.close()


def _conversation(slack: LocalSlack) -> Conversation:
    first = slack.person("hanako")
    screen = Screen(slack, Console(file=io.StringIO()), first, slack.channel(first))
    slack.listen(screen.arrived)
    return Conversation(slack, screen)


def _take(page: Page, file: Path, how: Sequence[str]) -> None:
    whole = how[:1] == ["page"]
    width, height = PHONE if "phone" in how else WIDE if whole else MESSAGE
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if "dark" in how else "light")
    page.wait_for_timeout(STILL_MS)
    if page.locator("#thread:visible").count():
        page.locator("#thread .head .tool").click()
    if "thread" in how:
        page.locator("#main .thread-link").last.click()
    if ("inspector" in how) != bool(page.locator("#inspector:visible").count()):
        page.locator("#top .tool:not(.menu-button)").first.click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(STILL_MS)
    if page.locator(".home").count() and not whole:
        below = page.locator(".home > :last-child").bounding_box() or {"y": 0, "height": height}
        page.set_viewport_size({"width": width, "height": round(below["y"] + below["height"]) + MARGIN})
    shot = page.screenshot(scale="css") if whole else _front(page).screenshot()
    with Image.open(io.BytesIO(shot)) as picture:
        picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(file, optimize=True)
    print(f"{file.relative_to(PICTURES.parents[1])}  {file.stat().st_size // 1024} KB")


def _front(page: Page) -> Locator:
    """What is in front: the modal, else the Home tab, else the latest message."""
    for selector in ("dialog", ".home", "#thread .message", "#main .message"):
        if page.locator(selector).last.is_visible():
            return page.locator(selector).last
    raise LookupError("there is nothing to take a picture of")


main(sys.argv[1:])
