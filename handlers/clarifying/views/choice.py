"""The question back: a button for each row that the asker may mean, and "none of these"."""

from collections.abc import Iterator

from slack_sdk.models.blocks import Block, ButtonElement, PlainTextObject

from handlers.result import ButtonValue, Entry, Result
from handlers.slack.blocks import actions, button, section
from handlers.slack.mrkdwn import beginning, one_line
from handlers.texts import Texts

LABEL = 75
"""Characters that Slack takes on a button, and as what a screen reader says of it."""
SEPARATOR = " · "


def blocks(result: Result, shown: frozenset[int], texts: Texts) -> list[Block]:
    """Ask which row is meant; after a press, offer the ones that are not shown."""
    choices = list(_choices(result, shown))
    none = button(texts("button.none"), "vote_none", f"{ButtonValue(result.question_id or 0, shown)}:none")
    said = texts("which.others" if shown else "which.ask")
    return [section(said), actions(*choices, none)] if choices else [actions(none)]


def summary(result: Result, texts: Texts) -> str:
    """Return the question back as a notification says it."""
    named = [one_line(entry.label, LABEL) for _, entry in _open(result, frozenset())]
    return f"{texts('which.ask')} {SEPARATOR.join(named)}"


def _choices(result: Result, shown: frozenset[int]) -> Iterator[ButtonElement]:
    for rank, entry in _open(result, shown):
        value = f"{ButtonValue(result.question_id or 0, frozenset({rank}))}:{rank}"
        label = PlainTextObject(text=_cut(entry.label), emoji=False)
        title = _cut(f"{entry.label}: {entry.record.title}" if entry.record else entry.label)
        yield ButtonElement(text=label, action_id=f"this_one_{rank}", value=value, accessibility_label=title)


def _open(result: Result, shown: frozenset[int]) -> Iterator[tuple[int, Entry]]:
    """Yield the rows that can still be chosen, with their ranks; not those that are gone or that may not be seen."""
    for rank, entry in enumerate(result.entries, start=1):
        if entry.label and entry.record is not None and rank not in shown:
            yield rank, entry


def _cut(text: str) -> str:
    return beginning(" ".join(text.split()), LABEL)
