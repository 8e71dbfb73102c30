"""JSON of which every bit is protected: it has a digest of the rest, and is exactly what `render` makes of that."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

CHECKSUM = "checksum"


def render(content: Mapping[str, Any]) -> bytes:
    """Return the bytes to store; `content` has JSON types, and a checksum that is replaced, if any."""
    rest = {name: value for name, value in content.items() if name != CHECKSUM}
    digest = hashlib.sha256(json.dumps(rest).encode()).hexdigest()
    return json.dumps({CHECKSUM: digest, **rest}, indent=1).encode()
