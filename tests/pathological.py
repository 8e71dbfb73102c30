"""Texts that make a careless text function slow, and how it is told that one is: by CPU time at growing lengths."""

import math
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from types import FrameType

LENGTHS = (30, 500, 2_000, 8_000)
"""The short ones first: what is cubic, or worse, shows there already and would not come back from the long ones."""
FAST_SECONDS = 0.02
"""Less than this is not worth a measurement; a quadratic expression takes 40 ms and more at the longest length."""
WORST_RATIO = 9.0
"""Of the times at four times the length: linear is 4, with a sort 4.6, quadratic 16."""
ENDLESS_SECONDS = 1.0

UNITS = {
    "spaces": " ",
    "full-width spaces": "\u3000",
    "tabs": "\t",
    "newlines": "\n",
    "blank lines": " \n",
    "full-width blank lines": "\u3000\n",
    "carriage returns": "\r",
    "less-than": "<",
    "greater-than": ">",
    "ampersands": "&",
    "open references": "<@",
    "references with labels": "<a|",
    "bars": "|",
    "table rules": "|--",
    "rules": "-",
    "rules with spaces": "-- ",
    "spaced bars": "| ",
    "asterisks": "*",
    "bold words": "*a",
    "bold ends": "a*",
    "strong": "**a",
    "strong open": "** ",
    "underscores": "_",
    "code": "`",
    "fences": "```",
    "fenced lines": "```\n",
    "brackets": "[",
    "links": "[](",
    "link labels": "[a](http://",
    "open labels": "[a](",
    "double quotes": '"',
    "single quotes": "'",
    "quoted cells": '"",',
    "digits": "1",
    "numbers": "1. ",
    "points": ".",
    "letters": "a",
    "letters and joints": "a-",
    "sentences": "a. ",
    "codes": "err-40 ",
    "capitals": "U0",
    "addresses": "http://",
    "colons": ":",
    "emoji codes": ":a",
    "emoji digits": ":1",
    "commas": ",",
    "hiragana": "あ",
    "katakana": "ア",
    "two katakana": "アイ",
    "half-width katakana": "ｶﾞ",
    "kanji": "再設定",
    "full stops": "。",
    "quotation ends": "。」",
    "combining": "\u0301",
    "combining below and above": "\u0323\u0301",
    "Hangul": "\u1100\u1161",
    "emoji": "😀",
    "emoji joined": "👩\u200d",
    "entities": "&amp;",
    "open entities": "&#",
    "breaks": "<br>",
    "open breaks": "<br ",
    "items": "<li ",
    "items closed": "<li>",
    "bullets": "- ",
    "bullet lines": "- a\n",
    "nested bullets": "  - a\n",
    "bullet signs": "・",
    "headings": "# ",
    "tables": "a|b\n-|-\n",
    "tabbed": "a\tb\n",
    "question words": "how ",
    "zero width": "\u200b",
    "dates": "2026-01-",
    "mixed": "<b>*_`[a](http://x)｜ア1.\u3000\n",
}
HEADS = {
    "after spaces": " " * 20,
    "in a list": "- a\n",
    "in a table": "|a|\n",
    "in a fence": "```\n",
    "in a link": "[a](https://a",
    "in a reference": "<",
    "in bold": "*a",
    "in an entity": "&#",
}
TAILS = {"before a letter": "x", "before a stop": "\x01"}


@cache
def texts(length: int, *, varied: bool) -> dict[str, str]:
    """Return texts about `length` characters long, by what they are; `varied` with every beginning and end, too."""
    plain = {name: (unit * (length // len(unit) + 1))[:length] for name, unit in UNITS.items()}
    tailed = {f"{name} {where}": text + tail for name, text in plain.items() for where, tail in TAILS.items()}
    headed = {f"{name} {where}": head + text for name, text in plain.items() for where, head in HEADS.items()}
    return plain | tailed | headed if varied else plain


def slow(run: Callable[[str], object], *, varied: bool = False) -> str:
    """Say for which text, and how, the time grows beyond what is linear; blank when it does not for any.

    What is fast at the longest length even if it is cubic isn't run there; with `varied` texts, for expressions, not at
    the length before either: from some length on a function may do something else, an expression does not.
    """
    before: dict[str, tuple[str, float]] = {}
    with _time_limit():
        for previous, length in pairwise((0, *LENGTHS)):
            negligible = FAST_SECONDS * (previous / LENGTHS[-1]) ** 3 if varied or length == LENGTHS[-1] else 0.0
            for name, text in texts(length, varied=varied).items():
                shorter, took_before = before.get(name, ("", math.inf))
                if took_before < negligible:
                    continue
                took = _once(run, text)
                if took >= FAST_SECONDS and (said := _judged(run, shorter, text, took)):
                    return f"{name}: {said}"
                before[name] = (text, took)
    return ""


def _judged(run: Callable[[str], object], short: str, long: str, took: float) -> str:
    """Say how the longer text takes too much longer, if it does so again."""
    if took == math.inf:
        return f"more than {ENDLESS_SECONDS:.0f} s at {len(long):,} characters"
    before = _median(run, short) if short else math.inf
    if took > WORST_RATIO * before:
        took = _median(run, long)
    if took < FAST_SECONDS or took <= WORST_RATIO * before:  # less was a moment's delay, not the text's
        return ""
    return f"{before * 1000:.1f} ms at {len(short):,} characters, {took * 1000:.1f} ms at {len(long):,}"


def _median(run: Callable[[str], object], text: str) -> float:
    return statistics.median(_once(run, text) for _ in range(3))


def _once(run: Callable[[str], object], text: str) -> float:
    """Return the CPU seconds of one call, infinity when the time limit ends it; expressions let a signal through."""
    signal.setitimer(signal.ITIMER_VIRTUAL, ENDLESS_SECONDS)
    started = time.thread_time()
    try:
        run(text)
    except _EndlessError:
        return math.inf
    return time.thread_time() - started


@contextmanager
def _time_limit() -> Iterator[None]:
    """Let a timer end a call that takes ENDLESS_SECONDS, see `_once`."""
    handler = signal.signal(signal.SIGVTALRM, _give_up)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)


class _EndlessError(Exception):
    """The time is up."""


def _give_up(_: int, __: FrameType | None) -> None:
    raise _EndlessError
