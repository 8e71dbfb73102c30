"""The menus in which an admin says which columns of a file are question and answer."""

from itertools import accumulate
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ActionsBlock, Block, Option, PlainTextObject, StaticSelectElement

from handlers.slack.blocks import section
from handlers.slack.mrkdwn import beginning, length
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.files.pending import Upload
    from indexes.storage.import_preview import ImportPreview

MOST = 100
"""Slack's most for a menu."""
TITLE = 75
"""Characters that Slack allows a choice."""
TITLES = 1500
"""Characters of a menu's choices together: a message may have 12,000, and the other menus need some."""


def column_menus(upload: "Upload", found: "ImportPreview", texts: Texts) -> list[Block]:
    """Return a menu for each role whose column isn't known by its name; none if all are known."""
    choices = _choices(found)
    if not found.open_roles or not choices or upload.version:
        return []
    menus = [_menu(role, found, choices, texts) for role in found.open_roles]
    return [
        section(texts("upload.columns")),
        ActionsBlock(block_id=f"upload_columns:{upload.id}", elements=menus),
    ]


def _menu(role: str, found: "ImportPreview", choices: list[Option], texts: Texts) -> StaticSelectElement:
    """Build the menu of one role; its value is the header's place."""
    header = found.columns.get(role, "")
    place = str(found.headers.index(header)) if header in found.headers else ""
    hint = PlainTextObject(text=texts("upload.question_column" if role == "question" else "upload.answer_column"))
    chosen = next((choice for choice in choices if choice.value == place), None)
    return StaticSelectElement(
        action_id=f"upload_column_{role}", placeholder=hint, options=choices, initial_option=chosen
    )


def _choices(found: "ImportPreview") -> list[Option]:
    titles = [beginning(" ".join(header.split()), TITLE) for header in found.headers[:MOST]]
    ends = accumulate(map(length, titles))
    return [
        Option(text=PlainTextObject(text=title, emoji=False), value=str(place))
        for place, (title, end) in enumerate(zip(titles, ends, strict=True))
        if end <= TITLES
    ]
