"""Play the scripts and take the pictures."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, Page
from rich.console import Console

from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from bot.playground.terminal.screen import Screen
from bot.playground.terminal.script import read_script
from bot.playground.terminal.session import Session
from bot.playground.trial import trial
from bot.samples import FOLDER as SAMPLES
from bot.settings import Environment, Settings
from indexes.encoder import models
from tests.browser.chromium import chromium
from tests.pictures.stage import Stage

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs" / "pictures"
LANGUAGES = {"ja": "ja-JP", "en": "en-US"}
WIDE, MESSAGE, PHONE = (1280, 800), (960, 2200), (390, 780)
COLOURS, MESSAGE_COLOURS = 255, 64
MARGIN = 24
SCALE = 1.5
CODE = shutil.ignore_patterns("*.py", "__pycache__")
LAST_TWO = (
    "body => [...body.querySelectorAll('.block')].slice(0, -2).forEach((block) => (block.style.display = 'none'))"
)
"""Leaves the last two blocks of a form that is too long to be seen whole."""
STILL_MS = 400
"""How long the page may take to show what came."""


def main(wanted: Sequence[str]) -> None:
    """Take all pictures; only in a language that is among the words, and those whose names begin with another one."""
    languages = [each for each in LANGUAGES if each in wanted] or list(LANGUAGES)
    names = tuple(each for each in wanted if each not in LANGUAGES)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for language in languages:
            with _world(language, browser) as (stage, page):
                for line in read_script(HERE / f"{language}.txt"):
                    if line.startswith(":type "):
                        page.locator("dialog input[role=combobox]").fill(line.removeprefix(":type "))
                        page.locator("dialog .offer").last.wait_for()
                        continue
                    if not line.startswith(":picture "):
                        stage.take(line)
                        page.locator("#top .who", has_text=stage.name).wait_for()
                        continue
                    name, *how = line.split()[1:]
                    if not names or name.startswith(names):
                        _take(page, PICTURES / f"{name}.{language}.png", how)
    models.close()


@contextmanager
def _world(language: str, browser: Browser) -> Iterator[tuple[Stage, Page]]:
    """A fresh workspace, somebody who acts in it, and the page that follows them."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # the page shows relative paths
        shutil.copytree(SAMPLES, "knowledge", ignore=CODE)
        shutil.copytree(HERE / "knowledge" / language, "knowledge", dirs_exist_ok=True)
        environment = Environment(encoder_backend="lexical")
        with trial(Settings(environment, ConfigFile(promise=0.0), Path("kotae.toml"))) as (slack, site, bot):
            context = browser.new_context(locale=LANGUAGES[language], device_scale_factor=SCALE)
            page = context.new_page()
            page.goto(site.address(slack))
            page.wait_for_selector("#main .head")
            yield Stage(_session(slack), bot, site.knowledge, HERE / "sent" / language), page
            context.close()


class _Strict(Session):
    """Raises where another conversation would say that something is not possible: a script asks only for what is."""

    def take(self, line: str) -> None:
        """Do what a line says."""
        self.screen.draw()
        self._do(line)


def _session(slack: LocalSlack) -> Session:
    first = slack.person("hanako")
    screen = Screen(slack, Console(file=io.StringIO()), first, slack.channel(first))
    slack.listen(screen.arrived)
    return _Strict(slack, screen)


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
    if "end" in how:
        page.locator("dialog .modal-body").last.evaluate(LAST_TWO)
    page.locator(".toast").evaluate_all("all => all.forEach((each) => each.remove())")
    page.mouse.move(0, 0)
    page.wait_for_timeout(STILL_MS)
    if page.locator(".home").count() and not whole:
        below = page.locator(".home > :last-child").bounding_box() or {"y": 0, "height": height}
        page.set_viewport_size({"width": width, "height": round(below["y"] + below["height"]) + MARGIN})
    shot = page.screenshot(scale="css") if whole else _front(page, back="before" in how).screenshot()
    with Image.open(io.BytesIO(shot)) as picture:
        shown = picture.convert("RGB") if whole else _without_empty_end(picture.convert("RGB"))
        colours = COLOURS if whole else MESSAGE_COLOURS
        shown.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file.relative_to(PICTURES.parents[1])}  {file.stat().st_size // 1024} KB")


def _front(page: Page, *, back: bool) -> Locator:
    """What is in front: the modal, else the Home tab, else the latest message, or the one before it."""
    for selector in ("dialog", ".home", "#thread .message", "#main .message"):
        if page.locator(selector).last.is_visible():
            return page.locator(selector).nth(-2 if back else -1)
    raise LookupError("there is nothing to take a picture of")


def _without_empty_end(picture: Image.Image) -> Image.Image:
    """Cut what is as empty as the lower right corner off at the end."""
    corner = picture.getpixel((picture.width - 1, picture.height - 1))
    empty = Image.new("RGB", picture.size, corner)
    box = ImageChops.difference(picture, empty).getbbox()
    return picture.crop((0, 0, picture.width, min(box[3] + MARGIN, picture.height))) if box else picture


main(sys.argv[1:])
