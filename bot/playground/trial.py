"""`kotae try`: the unchanged bot, connected to the local workspace in the browser or in the terminal."""

from __future__ import annotations

import logging
import time
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import takewhile
from pathlib import Path
from queue import Empty, SimpleQueue

from bot import model_watch
from bot.app import Bot, build_app
from bot.lock import only_one
from bot.manifest import manifest
from bot.playground.copies import copied, start_afresh, tables
from bot.playground.explanation import explain_answer
from bot.playground.page import Page
from bot.playground.page.guard import Guard
from bot.playground.slack.notes import Note
from bot.playground.slack.sample_workspace import sample_workspace
from bot.playground.slack.server import LocalSlack
from bot.playground.slack.workspace import Workspace
from bot.playground.standing import Standing
from bot.playground.terminal import converse
from bot.playground.terminal.repl import QUESTIONS
from bot.playground.terminal.script import read_script
from bot.samples import FOLDER as SAMPLES
from bot.settings import Settings, SettingsError, has_display, language
from bot.signals import call_at_end
from bot.status import TRIAL, StatusRenewal
from bot.terminal import terminal_texts
from handlers.answers.suggestions import CANDIDATES, fits, varied
from handlers.token_buckets import NO_LIMIT
from indexes.encoder import ModelManager, models
from indexes.names import name_of
from indexes.records import Record
from indexes.registry import Registry
from indexes.reload_report import ReloadReport
from indexes.text import is_japanese

WAIT_FOR_CSV_SECONDS = 60.0
LOOK_SECONDS = 0.5
FIRST = "it-help"
"""The knowledge base whose questions come first, where there is one: the examples are asked in its channel."""
ASKED_FIRST = 3
"""How many questions of a knowledge base are suggested in each language."""


class Wish(Enum):
    """What ends a trial in the browser: a signal, or the button that begins another one."""

    END = "end"
    AFRESH = "afresh"


@dataclass(frozen=True)
class Showing:
    """Options of the trial: in the browser unless `terminal`; `script` is played first.

    `afresh` deletes what was tried before.
    """

    terminal: bool = False
    opens: bool = True
    port: int = 0
    script: Path | None = None
    afresh: bool = False


def run_trial(settings: Settings, knowledge: Path | None = None, showing: Showing | None = None) -> int:
    """Run the trial until it ends; return the exit code."""
    upcoming: Showing | None = showing or Showing()
    if settings.environment.log_level == "INFO":  # a conversation reads better without the log in between
        logging.getLogger().setLevel(logging.WARNING)
    guard, wishes = Guard(), SimpleQueue[Wish]()  # of all trials: a signal may come between two
    try:
        with _told_elsewhere(settings):
            while upcoming:
                upcoming = _try_once(settings, knowledge, upcoming, guard, wishes)
    finally:
        models.close()
    return 0


@contextmanager
def _told_elsewhere(settings: Settings) -> Iterator[None]:
    """Leave out of the log, unless more of it is wanted, why there is no model: page and terminal say it."""
    watch = logging.getLogger(model_watch.__name__)
    before = watch.level
    if settings.environment.log_level != "DEBUG":
        watch.setLevel(logging.ERROR)
    try:
        yield
    finally:
        watch.setLevel(before)


def _try_once(
    settings: Settings, knowledge: Path | None, showing: Showing, guard: Guard, wishes: SimpleQueue[Wish]
) -> Showing | None:
    """Run one trial until it ends; return how to show the next one, if it is to start afresh."""
    lines = read_script(showing.script) if showing.script else None
    started, upcoming = time.monotonic(), None
    with trial(settings, knowledge, port=showing.port, guard=guard, afresh=showing.afresh) as (slack, page, _):
        about = _about(page.knowledge, is_copy=page.is_copy)
        if showing.terminal:
            examples = [each for questions in page.questions.values() for each in questions]
            in_japanese = language() == "ja"
            examples.sort(key=lambda each: is_japanese(each) is not in_japanese)
            first = "hanako" if in_japanese else "alice"
            questions = examples or QUESTIONS
            converse(slack, lines=lines, about=about, questions=questions, first=first, texts=terminal_texts())
        elif _show(slack, page, started, wishes, opens=showing.opens, lines=lines, about=about):
            upcoming = replace(showing, opens=False, port=slack.port, script=None, afresh=True)
    return upcoming


@contextmanager
def trial(
    settings: Settings,
    knowledge: Path | None = None,
    *,
    manager: ModelManager = models,
    port: int = 0,
    guard: Guard | None = None,
    afresh: bool = False,
) -> Iterator[tuple[LocalSlack, Page, Bot]]:
    """Start a local workspace with its page and the bot, and wait until the knowledge bases are loaded.

    Without `knowledge` it works on a copy: of KNOWLEDGE_DIR, or of the samples where that holds nothing.
    """
    environment = settings.environment
    commands = (environment.search_command, environment.admin_command)
    data_dir = environment.data_dir / TRIAL
    with ExitStack() as opened:
        opened.enter_context(only_one(data_dir))
        if afresh:
            start_afresh(data_dir)
        folder = knowledge or copied(_source(settings), data_dir)
        page = Page(manifest(*commands)["features"], guard=guard, knowledge=folder, is_copy=knowledge is None)
        slack = opened.enter_context(_local_slack(_workspace(folder), commands, port, page))
        bot = build_app(
            settings.connected_to(
                slack.api_url,
                slack.bot_token,
                slack.app_token,
                knowledge_dir=folder,
                data_dir=data_dir,
            ),
            manager,
            tell=partial(_tell, slack),
            burst=NO_LIMIT,
        )
        opened.callback(bot.stop)
        bot.start()
        slack.wait_connected()
        bot.services.registry.wait_ready(WAIT_FOR_CSV_SECONDS)
        page.explain = partial(explain_answer, bot.services)
        page.questions = _questions(bot.services.registry)
        standing, status = Standing(slack, bot.services), StatusRenewal(data_dir, bot.services)
        standing.look()
        for thread in (standing, status):
            opened.callback(thread.close)
            thread.start()
        yield slack, page, bot


def _local_slack(workspace: Workspace, commands: tuple[str, str], port: int, page: Page) -> LocalSlack:
    """Register the bot with a local Slack; raises SettingsError for commands that none takes."""
    try:
        return LocalSlack(workspace, commands=commands, port=port, page=page)
    except ValueError as error:
        raise SettingsError(f"SEARCH_COMMAND and ADMIN_COMMAND: {error}; choose another, such as /kb-search") from None


def _tell(slack: LocalSlack, path: Path, reports: Sequence[ReloadReport]) -> None:
    """Tell the outcome of a changed file; what is wrong with one is told by `Standing`, for as long as it is so."""
    if any(report.error for report in reports):
        return
    added, changed, removed = (sum(counts) for counts in zip(*map(_counts, reports), strict=True))
    if not (added or changed or removed):
        slack.note(Note(f"{path.name}: read again", f"{path.name}: 読み直しました"))
        return
    english = f"{path.name}: {added} added, {changed} changed, {removed} removed"
    slack.note(Note(english, f"{path.name}: 追加 {added} 件、変更 {changed} 件、削除 {removed} 件"))


def _counts(report: ReloadReport) -> tuple[int, int, int]:
    return report.added, report.changed, report.removed


def _source(settings: Settings) -> Path:
    """Return the folder that a trial copies: KNOWLEDGE_DIR, or the samples where it has no knowledge base."""
    folder = settings.environment.knowledge_dir
    return folder if tables(folder).keys() - {settings.synonyms.name} else SAMPLES


def _about(folder: Path, *, is_copy: bool) -> tuple[str, ...]:
    """Say what a trial changes; in both languages where the terminal isn't Japanese."""
    english, japanese = f"It edits the files in {folder}.", f"{folder} のファイルを直接編集します。"
    if is_copy:
        english = f"It works on a copy in {folder}; your files stay as they are. A new copy: kotae try --afresh"
        japanese = f"{folder} にあるコピーを使います。元のファイルは変わりません。最初からやり直す: kotae try --afresh"
    return (japanese,) if language() == "ja" else (english, japanese)


def _workspace(folder: Path) -> Workspace:
    """Create the sample workspace, with a channel for every CSV without one; the state knows its ids the next time."""
    workspace = sample_workspace(lasting=True)
    there = {channel.name for channel in workspace.channels.values()}
    staff = [workspace.person(key) for key in ("hanako", "alice", "ichiro", "olivia", "bot")]
    for name in sorted(map(name_of, tables(folder).values())):
        if name not in there and not name.startswith("_"):
            workspace.add_channel(name, staff)
    return workspace


def _questions(registry: Registry) -> Mapping[str, tuple[str, ...]]:
    """Return suggested questions by knowledge base: those of its rows, some in each language."""
    return {
        name: _asked_first(name, loaded.index.records[:CANDIDATES])
        for name, loaded in sorted(registry.loaded.items(), key=lambda each: each[0] != FIRST)
        if not name.startswith("_")
    }


def _asked_first(name: str, records: Sequence[Record]) -> tuple[str, ...]:
    """Choose questions of different categories."""
    asked = [record.question for _, record in varied(name, records) if fits(record)]
    japanese, others = [each for each in asked if is_japanese(each)], [each for each in asked if not is_japanese(each)]
    return (*japanese[:ASKED_FIRST], *others[:ASKED_FIRST])


# -- The page ----------------------------------------------------------------------------------------------


def _show(
    slack: LocalSlack,
    page: Page,
    started: float,
    wishes: SimpleQueue[Wish],
    *,
    opens: bool,
    lines: list[str] | None,
    about: Sequence[str],
) -> bool:
    """Print the page's URL, open it, and serve it until a signal; return whether to start afresh."""
    call_at_end(partial(wishes.put, Wish.END))
    page.start_afresh = partial(wishes.put, Wish.AFRESH)
    address = page.address(slack)
    print(*_at(address, time.monotonic() - started), *about, sep="\n", flush=True)
    if opens and has_display():
        webbrowser.open(address)
    if lines is not None:
        converse(slack, lines=takewhile(lambda _: wishes.empty(), lines), texts=terminal_texts())
    return _next(wishes) is Wish.AFRESH


def _at(address: str, seconds: float) -> tuple[str, ...]:
    """Say where the page is; in both languages where the terminal isn't Japanese."""
    if language() == "ja":
        return (
            f"ローカルワークスペース: {address}",
            f"{seconds:.1f} 秒で準備できました。Ctrl-C で終了します。",
            "ブラウザーなしで使う: kotae try --terminal",
        )
    return (
        f"Local workspace / ローカルワークスペース: {address}",
        f"Ready after {seconds:.1f} s. Ctrl-C ends it. / Ctrl-C で終了します。",
        "No browser? / ブラウザーなしで使う: kotae try --terminal",
    )


def _next(wishes: SimpleQueue[Wish]) -> Wish:
    """Wait for a wish, in short pauses: during a single long one, Windows takes no notice of Ctrl-C."""
    while True:
        with suppress(Empty):
            return wishes.get(timeout=LOOK_SECONDS)
