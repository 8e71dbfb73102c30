"""The read-eval-print loop of the terminal: reads lines, and shows what the bot does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from bot.playground.slack.entities import Person
from bot.playground.slack.server import LocalSlack
from bot.playground.terminal.listings import search_command, standing
from bot.playground.terminal.mrkdwn import clean
from bot.playground.terminal.screen import Screen
from bot.playground.terminal.session import PATIENCE, Session
from bot.playground.terminal.waiting import QUIET
from bot.texts import ENGLISH
from handlers.texts import Texts

QUESTIONS = ("パスワードを忘れました", "VPN does not connect", "プリンターが動かない")
STARTING = 60.0
WHAT = "A small Slack on this machine: no Slack account needed, no data leaves it."
WHAT_JA = "このマシンの中だけの Slack 風の環境です。アカウント不要、データは外に出ません。"
HELP = ":help lists everything / 使い方    :quit or Ctrl-D ends / 終了"
HELP_JA = ":help 使い方    :quit または Ctrl-D 終了"
CONNECT = 'Connect your own Slack / 実際の Slack につなぐ: README, "Connect to Slack"'
CONNECT_JA = "実際の Slack につなぐ: README の「Slack につなぐ」"


def converse(
    slack: LocalSlack,
    *,
    console: Console | None = None,
    lines: Iterable[str] | None = None,
    ready: Callable[[], bool] = lambda: True,
    questions: Sequence[str] = QUESTIONS,
    about: Sequence[str] = (),
    patience: float = PATIENCE,
    first: str = "hanako",
    texts: Texts = ENGLISH,
) -> None:
    """Talk with the app connected to `slack` until `:quit` or the end of the input.

    Input comes from `lines`, else from a prompt when stdin is a terminal, else from stdin line by line. The
    effect of a line is drawn before the next one is read; a question's answer is awaited for at most `patience`
    seconds. The first line waits until `ready` returns True, up to a minute. `questions` are three examples: for direct
    messages, the command, and a channel; `about` are more lines of the first screen, and `first` is who one is then.
    In a terminal that isn't Japanese, the first screen is in both languages: its locale may just not be set.
    """
    console = console or Console()
    person = _first_person(slack, first)
    screen = Screen(slack, console, person, slack.channel(person), texts)
    session = Session(slack, screen, patience)
    stop_listening = slack.listen(screen.arrived)
    try:
        _welcome(session, questions, about)
        _await_readiness(screen, ready)
        screen.arrived("standing", slack.standing)
        screen.draw()
        prompting = lines is None and sys.stdin.isatty()
        for line in _typed(session) if prompting else _read(session, lines):
            session.take(line)
            if session.ended:
                return
        session.waiter.settle(QUIET)
    except KeyboardInterrupt:
        console.print()
    finally:
        stop_listening()


def _first_person(slack: LocalSlack, first: str) -> Person:
    people = slack.people
    return people.get(first) or next(each for each in people.values() if not (each.is_bot or each.deleted))


# -- Input -------------------------------------------------------------------------------------------------


def _read(session: Session, lines: Iterable[str] | None) -> Iterator[str]:
    """Read lines that are not typed at the prompt, and print them behind it."""
    for line in sys.stdin if lines is None else lines:
        if text := clean(line).strip():
            session.screen.line(Text.assemble((session.prompt, "bold"), text))
            yield text


def _typed(session: Session) -> Iterator[str]:
    """Prompt for lines until Ctrl-D."""
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives input() editing and history; Windows has its own
    while True:
        try:
            yield _ask(session)
        except EOFError:
            session.screen.console.print()
            return


def _ask(session: Session) -> str:
    """Read one line; messages that arrive meanwhile are drawn above it."""
    done = threading.Event()
    late = threading.Thread(target=_draw_late, args=(session, done), name="late-arrivals", daemon=True)
    late.start()
    try:
        return input(session.prompt)
    finally:
        done.set()
        late.join()


def _draw_late(session: Session, done: threading.Event) -> None:
    while not done.wait(0.1):
        if session.screen.pending:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            session.screen.draw()
            sys.stdout.write(session.prompt + _being_typed())
            sys.stdout.flush()


def _being_typed() -> str:
    readline = sys.modules.get("readline")
    return str(readline.get_line_buffer()) if readline else ""


# -- The first screen --------------------------------------------------------------------------------------


def _welcome(session: Session, questions: Sequence[str], about: Sequence[str]) -> None:
    screen = session.screen
    bot, me = screen.bot_name, clean(screen.person.real_name)
    screen.table(Rule(Text(screen.texts("terminal.title", bot=bot), style="bold"), align="left", style="dim"))
    for line in _greeting(screen, bot, me):
        screen.line(Text(line))
    ways = ("{}", f"{search_command(session.slack)} {{}}", f":in {session.sample_place()}\n  @{bot} {{}}")
    for way, question in zip(ways, questions, strict=False):
        screen.line(Text(f"  {way.format(question)}", style="bold cyan"))
    screen.line(Text())
    is_japanese = screen.texts.language == "ja"
    screen.line(Text(HELP_JA if is_japanese else HELP))
    for line in about:
        screen.hint(line)
    screen.hint(CONNECT_JA if is_japanese else CONNECT)
    screen.line(Text())


def _greeting(screen: Screen, bot: str, me: str) -> tuple[str, ...]:
    """Say what this is and who one is."""
    what, who = WHAT_JA, f"{me} さんから {bot} へのダイレクトメッセージです。質問をどうぞ。"
    if screen.texts.language == "ja":
        return (what, "", who, "", "お試しください")
    standing_of = standing(screen.person, screen.workspace, screen.texts)
    english = f"You are {me} ({standing_of}), in direct messages with {bot}: just ask."
    return (WHAT, what, "", english, who, "", "Try / お試しください")


def _await_readiness(screen: Screen, ready: Callable[[], bool]) -> None:
    if ready():
        return
    screen.hint(screen.texts("terminal.reading", bot=screen.bot_name))
    end = time.monotonic() + STARTING
    while not ready() and time.monotonic() < end:
        time.sleep(0.05)
