"""`kotae manifest`, `kotae connect` and `kotae doctor`: the Slack app, and what it runs on."""

import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import FAILED, OK, Command, add_command_names, command_names, print_json
from bot.terminal import terminal_texts, told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings


def _manifest(options: Namespace, settings: "Settings") -> int:
    from bot.manifest import manifest, warnings

    search, admin = command_names(options, settings)
    print_json(manifest(search, admin, agent=options.agent))
    for warning in warnings(search, admin):
        print(told(Translatable("manifest.note", said=warning)), file=sys.stderr)
    return OK


def _connect(options: Namespace, settings: "Settings") -> int:
    from slack_sdk.errors import SlackClientError

    from bot.connect import Dialogue, Options, connect
    from bot.refusals import cause_of
    from handlers.slack.trouble import BREAKS

    wanted = Options(
        options.app,
        *command_names(options, settings),
        agent=options.agent,
        replace=options.replace,
        open_pages=not options.no_open,
    )
    try:
        with _without_attempts():
            dialogue = Dialogue(sys.stdin, lambda text: print(text, flush=True), terminal_texts())
            connect(settings, wanted, dialogue, Path(".env"))
    except SlackClientError as error:
        address = settings.environment.slack_api_url
        print(told(Translatable("connect.no_answer", address=address, why=str(error))), file=sys.stderr)
    except BREAKS as error:
        print(told(Translatable("connect.not_done", why=str(cause_of(error)))), file=sys.stderr)
    else:
        return OK
    return FAILED


@contextmanager
def _without_attempts() -> Iterator[None]:
    """Silence the SDK meanwhile, which logs each attempt to reach Slack: what is printed says what came of it."""
    sdk = logging.getLogger("slack_sdk")
    before = sdk.level
    sdk.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        sdk.setLevel(before)


def _doctor(_: Namespace, settings: "Settings") -> int:
    from bot.doctor import examine

    failed, texts = False, terminal_texts()
    with _without_attempts():
        for finding in examine(settings):
            print(finding.said(texts), flush=True)
            failed = failed or finding.is_failure
    return FAILED if failed else OK


def _connect_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--app", default="", metavar="ID", help="an app that exists, such as A0123456789: ask for its tokens only"
    )
    add_command_names(parser)
    parser.add_argument("--replace", action="store_true", help="even though .env has tokens")
    parser.add_argument("--no-open", action="store_true", help="only print the pages' addresses")


COMMANDS = (
    Command(
        "manifest",
        _manifest,
        "Print the Slack app manifest to paste.",
        "manifest --search-command /kb-search",
        add_command_names,
    ),
    Command(
        "connect",
        _connect,
        "Create the Slack app, ask for its tokens without showing them, try them and write them to .env. That needs an"
        " app configuration token, which is asked for, or taken from SLACK_CONFIG_TOKEN, and never stored. When the"
        " input is a pipe, each line of it is an answer.",
        "connect",
        _connect_arguments,
    ),
    Command("doctor", _doctor, "Check tokens, scopes, channels, CSVs, model, disk and database.", "doctor"),
)
