"""The manifest of a snapshot: what it is made of, as JSON. Every bit of it is protected.

A manifest of the current format is exactly what `render` makes of its content, and has the content's digest.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FORMAT = 2
EARLIER = 1
"""The format until records and words were stored too; its files are protected by SHA-256, it itself by nothing."""


def render(content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a manifest; `content` has JSON types and no checksum."""
    rest = {name: value for name, value in content.items() if name != "checksum"}
    digest = hashlib.sha256(json.dumps(rest).encode()).hexdigest()
    return json.dumps({"checksum": digest, **rest}, indent=1).encode()


def parse(data: bytes) -> dict[str, Any]:
    """Return the content of a manifest of any format; raises ValueError if one of the current format is damaged.

    Raises KeyError or TypeError for other JSON.
    """
    content: dict[str, Any] = json.loads(data)
    if content["format"] == FORMAT and render(content) != data:
        raise ValueError("damaged")
    return content
