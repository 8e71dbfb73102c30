"""The manifest of a snapshot: what it is made of, as JSON. Every bit of it is protected."""

import json
from typing import Any

from indexes.checked_json import render

FORMAT = 2
EARLIER = 1
"""The format until records and words were stored too; its files are protected by SHA-256, it itself by nothing."""


def parse(data: bytes) -> dict[str, Any]:
    """Return the content of a manifest of any format; raises ValueError if one of the current format is damaged.

    Raises KeyError or TypeError for other JSON.
    """
    content: dict[str, Any] = json.loads(data)
    if content["format"] == FORMAT and render(content) != data:
        raise ValueError("damaged")
    return content
