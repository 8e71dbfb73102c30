"""A row's pictures as blocks."""

import re
from collections.abc import Sequence

from slack_sdk.models.blocks import Block, ImageBlock, ImageElement

from handlers.slack.blocks import context, section
from handlers.slack.mrkdwn import beginning, length, link, one_line, safe_address
from indexes.records import Record
from indexes.records.pictures import Picture, hindrance, pictures

MOST = 3
"""Pictures shown with one answer; those in its text are links there, too."""
ALT = 2000
"""Characters of what is read out instead of a picture."""
LABEL = 100
"""Characters of a link to a picture."""
TEXT = 2900
"""Characters of one text in small print, which takes 3,000."""
_ADDRESS = re.compile(r"://|\bwww\.")
"""A label that looks like another address would mislead."""


def shown(record: Record | None) -> tuple[Picture, ...]:
    """Return the pictures to show with a row; blank ones say the row's question."""
    found = pictures(record)[:MOST] if record else ()
    return tuple(picture if picture.shows else Picture(picture.address, record.title) for picture in found if record)


def blocks(found: Sequence[Picture]) -> list[Block]:
    """Show pictures: as images, or as links where it is known that Slack can't fetch them."""
    return [_image(picture) or as_link(picture.address, picture.shows) for picture in found]


def in_modal(found: Sequence[Picture]) -> list[Block]:
    """Show pictures small, beside their links.

    Slack fetches no image at the side of a text before it takes the view. A modal that is refused can't be tried again:
    its trigger is used up.
    """
    return [_beside(picture) for picture in found]


def _beside(picture: Picture) -> Block:
    image = _image(picture)
    element = ImageElement(image_url=image.image_url, alt_text=image.alt_text) if image else None
    return section(_linked(picture.address, picture.shows), element)


def as_link(address: str, label: str) -> Block:
    """Link to a picture in small print."""
    return context(_linked(address, label))


def _linked(address: str, label: str) -> str:
    """Return a link to a picture; an address that is too long to be a link is left out."""
    label = " ".join(label.split())
    linked = link(address, address if _ADDRESS.search(label) else beginning(label, LABEL))
    return f":frame_with_picture: {linked if length(linked) <= TEXT else one_line(label, LABEL)}"


def _image(picture: Picture) -> ImageBlock | None:
    address = safe_address(picture.address)
    if hindrance(address):
        return None
    alt = beginning(" ".join(picture.shows.split()), ALT)
    return ImageBlock(image_url=address, alt_text=alt)
