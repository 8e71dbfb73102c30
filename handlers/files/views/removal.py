"""Questions to admins: before a knowledge base is removed, and about files that are gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.slack.blocks import Message, actions, button, entries, notice, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts

REMOVE, KEEP, CANCEL = "kb_remove", "kb_keep", "kb_remove_cancel"
NAME = 100
NAMES = 1000
CHANNELS = 20
_GONE, _ASKED = "gone", "asked"


@dataclass(frozen=True)
class Shown:
    """A knowledge base as admins may know of it: no content. `channels` are ids; none where it is shared by all."""

    name: str
    file: str
    records: int
    channels: Sequence[str]


def asked(shown: Shown, command: str, texts: Texts) -> Message:
    """Ask an admin to confirm that a knowledge base is to be removed."""
    question = texts("removal.ask", **_values(shown, texts), command=command)
    remove = button(texts("button.remove"), REMOVE, f"{_ASKED}:{shown.name}")
    cancel = button(texts("button.cancel"), CANCEL, f"{_ASKED}:{shown.name}")
    return Message(question, [section(question), actions(remove, cancel)])


def gone(shown: Shown, texts: Texts) -> Message:
    """Ask whether a knowledge base whose file is gone is to be kept or removed."""
    question = texts("removal.gone", **_values(shown, texts))
    keep = button(texts("button.keep"), KEEP, f"{_GONE}:{shown.name}")
    remove = button(texts("button.remove"), REMOVE, f"{_GONE}:{shown.name}")
    return Message(question, [section(question), actions(keep, remove)])


def fault(names: Sequence[str], command: str, texts: Texts) -> Message:
    """Report that so many files are gone that it must be a fault."""
    return notice(texts("removal.fault", count=len(names), names=one_line(", ".join(names), NAMES), command=command))


def pressed(value: str) -> tuple[str, bool]:
    """Read a button's value: the knowledge base, and whether the question was about a file that is gone."""
    kind, _, name = value.partition(":")
    return name, kind == _GONE


def _values(shown: Shown, texts: Texts) -> dict[str, str]:
    channels = ", ".join(f"<#{id_}>" for id_ in shown.channels[:CHANNELS])
    return {
        "name": one_line(shown.name, NAME),
        "file": one_line(shown.file, NAME),
        "records": entries(shown.records, texts),
        "where": texts("removal.where", channels=channels) if channels else "",
    }
