"""`kotae token`: lets programs ask over HTTP and MCP, each with a token of its own."""

import argparse
import sys
import time
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import OK, Command
from bot.terminal import told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings
    from handlers.store.tokens import Token

DAYS, MOST_DAYS = "90d", 3650
NEVER = "never"


def _create(options: Namespace, settings: "Settings") -> int:
    from bot.tokens import create

    plain, token = create(settings, options.name, options.knowledge_bases, options.expires)
    print(plain)
    if token:
        print(told(Translatable("tokens.made", scope=_scope(token), end=_end(token))), file=sys.stderr)
    return OK


def _list(_: Namespace, settings: "Settings") -> int:
    from bot.tokens import listed

    tokens = listed(settings)
    for token in tokens:
        made = time.strftime("%Y-%m-%d", time.gmtime(token.created))
        end = _end(token)
        print(told(Translatable("tokens.listed", name=token.name, scope=_scope(token), made=made, end=end)))
    if not tokens:
        print(told(Translatable("tokens.none")), file=sys.stderr)
    return OK


def _revoke(options: Namespace, settings: "Settings") -> int:
    from bot.tokens import revoke

    revoke(settings, options.name)
    print(told(Translatable("tokens.revoked", name=options.name)))
    return OK


def _scope(token: "Token") -> Translatable:
    if token.knowledge_bases is None:
        return Translatable("tokens.sees_all")
    return Translatable("tokens.sees", names=tuple(token.knowledge_bases))


def _end(token: "Token") -> Translatable:
    day = str(token.expires_on)
    if not token.expires_on:
        return Translatable("tokens.never")
    if token.has_expired(time.time()):
        return Translatable("tokens.expired", day=day)
    return Translatable("tokens.expires", day=day)


def _name(text: str) -> str:
    from handlers.store.tokens import NAME

    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} can't be a name: up to 24 letters, digits, dots, hyphens and underscores, such as website"
        )
    return text


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("names no knowledge base; write them like it-help,dev-faq")
    return names


def _days(text: str) -> int | None:
    if text == NEVER:
        return None
    number = text.removesuffix("d")
    is_number = number.isascii() and number.isdecimal() and text.endswith("d")
    if not is_number or not 0 < int(number[:9]) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as {DAYS}, at most {MOST_DAYS}d, or {NEVER}")
    return int(number)


def _name_argument(parser: ArgumentParser) -> None:
    parser.add_argument("name", type=_name, metavar="NAME")


def _create_arguments(parser: ArgumentParser) -> None:
    _name_argument(parser)
    parser.add_argument(
        "--knowledge-bases", type=_names, metavar="A,B", help="what it sees (default: every one, later ones too)"
    )
    parser.add_argument(
        "--expires", type=_days, default=DAYS, metavar="DAYS", help=f"such as 30d, or never (default: {DAYS})"
    )


ACTIONS = (
    Command(
        "create",
        _create,
        "Make a token and print it, once. The bot may be running.",
        "token create website --knowledge-bases it-help,dev-faq --expires 90d",
        _create_arguments,
    ),
    Command("list", _list, "List the tokens: what each sees, and until when.", "token list"),
    Command(
        "revoke", _revoke, "Refuse a token from now on. The bot may be running.", "token revoke website", _name_argument
    ),
)
COMMANDS = (
    Command("token", _list, "Manage the tokens of programs that ask over HTTP and MCP.", "token list", actions=ACTIONS),
)
