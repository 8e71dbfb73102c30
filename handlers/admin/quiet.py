"""`/kb quiet`: for a while, or until an admin ends it, the bot posts nothing that nobody asked for, anywhere."""

import math
import re
import time

from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import moment
from handlers.store.quiet import Quiet
from handlers.texts import Texts
from indexes.messages import Translatable

MINUTE, HOUR, DAY = 60, 3600, 86400
LONGEST_DAYS = 31
"""The longest time that may be given; what is to last longer has no time, and somebody ends it."""
OFF = "off"
_SPAN = re.compile(r"([0-9]{1,5}) ?(m|min|分間?|h|時間|d|日間?)")
_SECONDS = {"m": MINUTE, "分": MINUTE, "h": HOUR, "時": HOUR, "d": DAY, "日": DAY}
"""The units of a span by their first character."""


def command(services: Services, request: Request, argument: str) -> None:
    """`/kb quiet [1h]` and `/kb quiet off`."""
    wanted = argument.casefold()
    seconds = 0.0 if wanted == OFF else span(wanted)
    if seconds is None:
        usage = request.texts("quiet.usage", command=services.config.admin_command, most=LONGEST_DAYS)
        request.tell_privately(notice(usage))
        return
    quiet = services.messenger.quiet
    was_quiet = quiet.until() is not None
    if seconds or was_quiet:
        switch(quiet, seconds, request.user, request.channel)
    if was_quiet and not seconds:
        services.rescan()  # admins are asked now about what waited meanwhile
    request.tell_privately(notice(_said(services, request, was_quiet=was_quiet)))


def switch(quiet: Quiet, seconds: float, by: str, channel: str) -> float:
    """Be quiet for so long from now on, infinity for until it is ended, 0 to end it; return until when.

    Raises StoreError.
    """
    until = time.time() + seconds
    quiet.set(until, by, channel, _done(seconds))
    return until


def span(text: str) -> float | None:
    """Read a span of time such as 1h, 30m, 2d or 1時間 (in lower case) as seconds.

    Infinity if none is given, None if it can't be read or is too long.
    """
    if not text:
        return math.inf
    if (found := _SPAN.fullmatch(text)) is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2][0]]
    return float(seconds) if 0 < seconds <= LONGEST_DAYS * DAY else None


def state(until: float | None, command: str, texts: Texts) -> str:
    """Say until when it is quiet, and how that is ended; blank when it isn't."""
    if until is None:
        return ""
    if math.isinf(until):
        return texts("quiet.open", command=command)
    return texts("quiet.until", when=moment(until), command=command)


def _said(services: Services, request: Request, *, was_quiet: bool) -> str:
    command = services.config.admin_command
    now = state(services.messenger.quiet.until(), command, request.texts)
    return now or request.texts("quiet.ended" if was_quiet else "quiet.was_not")


def _done(seconds: float) -> Translatable:
    if not seconds:
        return Translatable("audit.quiet_ended")
    if math.isinf(seconds):
        return Translatable("audit.quiet_open")
    return Translatable("audit.quiet", span=_in_words(int(seconds)))


def _in_words(seconds: int) -> Translatable:
    """Return a span in the largest unit in which it is whole."""
    if seconds % DAY == 0:
        return Translatable("quiet.days", count=seconds // DAY)
    if seconds % HOUR == 0:
        return Translatable("quiet.hours", count=seconds // HOUR)
    return Translatable("quiet.minutes", count=seconds // MINUTE)
