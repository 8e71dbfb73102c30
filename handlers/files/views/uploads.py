"""Messages about an uploaded CSV: the preview, the choice of its knowledge base, and the result."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ConfirmObject,
    InteractiveElement,
    Option,
    PlainTextObject,
    StaticSelectElement,
)

from handlers.files.views.columns import column_menus
from handlers.slack.blocks import Message, button, context, entries, notice, section
from handlers.slack.mrkdwn import ELLIPSIS, escape, length, moment, one_line
from handlers.texts import Texts
from indexes.records.table import DELIMITERS

if TYPE_CHECKING:
    from handlers.files.pending import Upload
    from indexes.storage.import_preview import Change, ImportPreview
    from indexes.storage.versions import Version

LISTED = 10
"""Rows, and entries of each kind, that are shown."""
LINE = 150
NAME = 100
COLUMNS = 60
CHOICES = 3000
"""Characters of all choices together: what is left of the 12,000 that Slack allows a message."""
CHOICE = 75
"""Characters that Slack allows a choice; a longer name is left out of the menu."""
MOST = 99
"""Slack's most for a menu, less the new one."""


def proposal(
    upload: "Upload",
    found: "ImportPreview",
    version: "Version | None",
    choices: Sequence[Option],
    command: str,
    texts: Texts,
    *,
    stale: bool = False,
) -> Message:
    """Show what a file, or an earlier `version`, would change, and ask. `stale`: an earlier preview is out of date."""
    title = _title(upload, found, version, texts)
    if found.is_identical:
        said = identical(upload.file, found, texts)
        return Message(
            said.text, [*said.blocks, *column_menus(upload, found, texts), *_decision(upload, found, choices, texts)]
        )
    blocks: list[Block] = [section(title)]
    if stale:
        blocks.append(section(texts("upload.stale", name=one_line(found.source.name, NAME))))
    if found.removes_most or upload.is_fetched:
        blocks.append(section(_vanishing(found, texts)))
    if found.problems:
        blocks.append(section(_problems(found, texts)))
    blocks.append(section(_summary(found, texts)))
    for key, lines in (
        ("upload.added", found.added),
        ("upload.changed", [_change(change) for change in found.changed]),
        ("upload.removed", found.removed),
    ):
        if lines:
            blocks.append(section(_list(texts(key), lines, texts)))
    if found.current is not None:
        blocks.append(context(texts("upload.kept", command=command)))
    blocks += column_menus(upload, found, texts)
    return Message(title, [*blocks, *_decision(upload, found, choices, texts)])


def identical(file: str, found: "ImportPreview", texts: Texts) -> Message:
    """Say that there is nothing to do."""
    return notice(texts("upload.identical", file=one_line(file, NAME), name=one_line(found.source.name, NAME)))


def question(upload: "Upload", choices: Sequence[Option], texts: Texts) -> Message:
    """Ask which knowledge base a file is for."""
    asked = texts("upload.which" if choices else "upload.none", file=_file(upload, texts))
    return Message(asked, [section(asked), _row(upload, [*_menu(choices, texts), _cancel(upload, texts)])])


def options(names: Sequence[str], new: str, texts: Texts) -> list[Option]:
    """List the knowledge bases that a file may be for, and the `new` one that its name suggests, if any."""
    fresh = texts("upload.new", name=new)
    short = [name for name in names if length(name) <= CHOICE]
    ends = accumulate(map(length, short))
    known = [Option(text=_label(name), value=name) for name, end in zip(short, ends, strict=True) if end <= CHOICES]
    return [*known[:MOST], *([Option(text=_label(fresh), value=new)] if new and length(fresh) <= CHOICE else [])]


def applying(upload: "Upload", name: str, texts: Texts, prepared: str = "") -> Message:
    """Report that the file is being applied, and how far its texts are `prepared` for the search by meaning."""
    said = texts("upload.applying", file=_file(upload, texts), name=one_line(name, NAME))
    return notice("\n".join(filter(None, [said, prepared])))


def applied(upload: "Upload", name: str, report: Message, texts: Texts) -> Message:
    """Report that the file was applied, with the report of the reload."""
    said = texts("upload.applied", file=_file(upload, texts), name=one_line(name, NAME))
    return Message(said, [section(said), *report.blocks])


def _title(upload: "Upload", found: "ImportPreview", version: "Version | None", texts: Texts) -> str:
    values = {"file": _file(upload, texts), "name": one_line(found.source.name, NAME)}
    if version:
        return texts("upload.version", at=moment(version.at), records=entries(found.entries, texts), **values)
    written = f"{escape(found.encoding)}, {texts(f'delimiter.{DELIMITERS[found.delimiter]}')}"
    if found.sheet:
        written = texts("upload.sheet", sheet=one_line(found.sheet.replace("*", "＊"), NAME))
    if upload.is_fetched:
        where = one_line(found.source.edited_at, NAME)
        return texts("upload.fetched", records=entries(found.entries, texts), written=written, where=where, **values)
    key = "upload.title_new" if found.current is None else "upload.title"
    return texts(key, records=entries(found.entries, texts), written=written, **values)


def _file(upload: "Upload", texts: Texts) -> str:
    if upload.version:
        return texts("upload.version_name", number=upload.version)
    return one_line(upload.file.replace("*", "＊"), NAME)


def _vanishing(found: "ImportPreview", texts: Texts) -> str:
    name = one_line(found.source.name, NAME)
    return texts("upload.vanish", removed=len(found.removed), before=found.before, name=name)


def _problems(found: "ImportPreview", texts: Texts) -> str:
    skipped = sum(problem.skipped for problem in found.problems)
    title = texts("upload.problems", count=len(found.problems), skipped=skipped)
    lines = [texts("kb.problem", line=problem.line, message=texts.say(problem.message)) for problem in found.problems]
    return _list(title, lines, texts)


def _summary(found: "ImportPreview", texts: Texts) -> str:
    added, changed, removed = len(found.added), len(found.changed), len(found.removed)
    if not added + changed + removed:
        return texts("upload.same_entries")
    same = found.entries - added - changed
    return texts("upload.summary", added=added, changed=changed, removed=removed, same=same)


def _change(change: "Change") -> str:
    columns = ", ".join(change.columns)
    return f"{change.title}  ({_clipped(columns, COLUMNS)})" if columns else change.title


def _list(title: str, lines: Sequence[str], texts: Texts) -> str:
    shown = [f"• {one_line(line, LINE)}" for line in lines[:LISTED]]
    more = [texts("kb.more_problems", count=len(lines) - LISTED)] if len(lines) > LISTED else []
    return "\n".join([title, *shown, *more])


def _decision(upload: "Upload", found: "ImportPreview", choices: Sequence[Option], texts: Texts) -> list[Block]:
    menu = [] if upload.is_certain else _menu(choices, texts)
    if found.is_identical:
        return [_row(upload, [*menu, _cancel(upload, texts)])] if menu else []
    apply = button(texts("button.apply"), "upload_apply", f"{upload.id}:{found.digest}")
    apply.style = "danger" if found.removes_most or upload.is_fetched else "primary"
    if found.removes_most:
        apply.confirm = ConfirmObject(
            title=PlainTextObject(text=texts("upload.sure")),
            text=PlainTextObject(text=texts("upload.sure_text", removed=len(found.removed), before=found.before)),
            confirm=PlainTextObject(text=texts("button.apply")),
            deny=PlainTextObject(text=texts("button.cancel")),
        )
    return [_row(upload, [apply, _cancel(upload, texts), *menu])]


def _row(upload: "Upload", elements: Sequence[InteractiveElement]) -> ActionsBlock:
    return ActionsBlock(block_id=f"upload:{upload.id}", elements=list(elements))


def _menu(choices: Sequence[Option], texts: Texts) -> list[StaticSelectElement]:
    """Build the menu of knowledge bases; Slack takes none without choices."""
    hint = PlainTextObject(text=texts("upload.choose"))
    menu = StaticSelectElement(action_id="upload_choose", placeholder=hint, options=list(choices))
    return [menu] if choices else []


def _cancel(upload: "Upload", texts: Texts) -> InteractiveElement:
    return button(texts("button.cancel"), "upload_cancel", upload.id)


def _label(name: str) -> PlainTextObject:
    return PlainTextObject(text=name, emoji=False)


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS
