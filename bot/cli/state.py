"""`kotae status`, `kotae quiet` and `kotae forget`: the running bot and what it keeps."""

import argparse
import math
import re
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import FAILED, OK, Command
from bot.terminal import terminal_texts, told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings


def _status(options: Namespace, settings: "Settings") -> int:
    from bot.status import TRIAL, format_status, read_status

    if options.probe:
        from bot import probe

        known = read_status(settings.environment.data_dir, probe.HANGING_SECONDS)
        found = {"live": probe.live, "ready": probe.ready}[options.probe](known)
        print(found.line)
        return OK if found.is_good else FAILED
    data_dir = settings.environment.data_dir
    status, trial = read_status(data_dir), read_status(data_dir / TRIAL)
    if status:
        print(format_status(status, texts=terminal_texts()))
    if trial:
        print(format_status(trial, is_trial=True, texts=terminal_texts()))
    if not (status or trial):
        print(told(Translatable("status.nobody", folder=str(data_dir))), file=sys.stderr)
    return OK if status or trial else FAILED


def _status_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--probe",
        choices=("live", "ready"),
        help="one line, and exit 0 or 1: whether the process runs (live), or also has Slack, the database and the"
        " knowledge bases (ready)",
    )


def _quiet(options: Namespace, settings: "Settings") -> int:
    from bot.quiet import be_quiet

    print(told(be_quiet(settings, options.time)))
    return OK


def _quiet_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "time",
        type=_span,
        nargs="?",
        default=math.inf,
        metavar="TIME",
        help="how long, such as 30m, 1h or 2d (default: until it is ended), or off to end it",
    )


def _span(text: str) -> float:
    from handlers.admin.quiet import LONGEST_DAYS, OFF, span

    wanted = text.strip().lower()
    seconds = 0.0 if wanted == OFF else span(wanted)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 30m, 1h or 2d, of {LONGEST_DAYS} days at most")
    return seconds


def _forget(options: Namespace, settings: "Settings") -> int:
    from bot.forget import forget, still_named

    places, texts = list(forget(settings, options.user)), terminal_texts()
    for place in places:
        print(texts.say(place.message), file=sys.stderr if place.failure else sys.stdout)
    for where in still_named(settings, options.user):
        print(texts.say(Translatable("forget.named", where=where)), file=sys.stderr)
    print(texts("forget.untouched"), file=sys.stderr)
    return FAILED if any(place.failure for place in places) else OK


def _forget_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("user", type=_user, metavar="USER", help="a Slack user id; in a profile: … > Copy member ID")


def _user(text: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no Slack user id such as U012AB3CD")
    return text


COMMANDS = (
    Command("status", _status, "Show the state of the running bot.", "status --probe ready", _status_arguments),
    Command(
        "quiet",
        _quiet,
        "Have the running bot post nothing that nobody asked for, for a time or until it is ended.",
        "quiet 1h",
        _quiet_arguments,
    ),
    Command("forget", _forget, "Remove a person from all stored data.", "forget U012AB3CD", _forget_arguments),
)
