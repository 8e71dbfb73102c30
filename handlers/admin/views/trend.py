"""A picture of the last days: how many questions were answered, how many missed."""

import io
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from handlers.admin.store.statistics import Tally

WIDTH, HEIGHT = 1200, 360
"""Pixels; Slack shows it at about half that width, so it is drawn for two pixels per point."""
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 28, 52
"""The room around the bars, for the scale and the dates."""
LABEL = 24
PAPER, INK, GRID = "#ffffff", "#454245", "#dddddd"
ANSWERED, MISSED = "#2a9d8f", "#e76f51"
"""Green and orange of different lightness: told apart by those who don't see their hues, and in print."""
DATES = 6
"""About so many days are labelled."""


def trend(days: Mapping[date, "Tally"]) -> bytes:
    """Draw a bar for each day, missed above answered, as a PNG without words: the block's title has them."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(LABEL)
    most = max(4, *(tally.answered + tally.missed for tally in days.values()))
    top = -(-most // 4) * 4
    unit, step, base = (HEIGHT - TOP - BOTTOM) / top, (WIDTH - LEFT - RIGHT) / len(days), HEIGHT - BOTTOM
    for count in range(0, top + 1, top // 4):
        draw.line((LEFT, base - unit * count, WIDTH - RIGHT, base - unit * count), fill=GRID, width=2)
        draw.text((LEFT - 12, base - unit * count), str(count), fill=INK, font=font, anchor="rm")
    for number, (day, tally) in enumerate(days.items()):
        left, right = LEFT + step * (number + 0.15), LEFT + step * (number + 0.85)
        answered, missed = base - unit * tally.answered, base - unit * (tally.answered + tally.missed)
        if tally.answered:
            draw.rectangle((left, answered, right, base), fill=ANSWERED)
        if tally.missed:
            draw.rectangle((left, missed, right, answered), fill=MISSED)
        if (len(days) - 1 - number) % -(-len(days) // DATES) == 0:
            draw.text(((left + right) / 2, base + 14), f"{day.month}/{day.day}", fill=INK, font=font, anchor="ma")
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()
