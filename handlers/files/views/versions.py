"""Messages about versions and exports."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block

from handlers.slack.blocks import Message, button, entries, notice, section
from handlers.slack.mrkdwn import moment, one_line, person
from handlers.texts import Texts

if TYPE_CHECKING:
    from indexes.storage.export import Export
    from indexes.storage.versions import Version

NAME = 100


def versions(name: str, kept: Sequence["Version"], now: str, texts: Texts) -> Message:
    """List the versions, newest first; the one with the digest `now` is current, the others can be restored."""
    title = texts("versions.title", name=one_line(name, NAME))
    if not kept:
        return Message(title, [section(title), section(texts("versions.none"))])
    blocks: list[Block] = [section(title)]
    for version in kept:
        back = button(texts("button.restore"), "version_restore", f"{version.number}:{name}")
        blocks.append(section(_line(version, now, texts), None if version.digest == now else back))
    return Message(title, blocks)


def export(name: str, made: "Export", texts: Texts) -> Message:
    """Describe an exported file, and what in it differs from the original."""
    lines = [texts("export.here", name=name, rows=made.rows)]
    if made.left_out:
        lines.append(texts("export.left_out", count=made.left_out))
    if made.guarded:
        lines.append(texts("export.guarded", count=made.guarded))
    return notice("\n".join(lines))


def _line(version: "Version", now: str, texts: Texts) -> str:
    by = texts("versions.by.who", user=person(version.by, texts)) if version.by else ""
    origin = texts(f"versions.by.{version.origin}", by=by)
    current = texts("versions.current") if version.digest == now else ""
    return texts(
        "versions.one",
        number=version.number,
        at=moment(version.at),
        records=entries(version.records, texts),
        origin=origin,
        current=current,
    )
