"""Which images Slack could not download: it fetches the address of every image block when that is posted.

This one fetches nothing; an address says whether it could be fetched. Image elements, in sections and context, are not
fetched by Slack either: they stay broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

NOWHERE = (".invalid", ".test", ".localhost", ".local", ".internal")
"""Names that no public server has (RFC 2606, RFC 6762)."""
SHOWN = (".png", ".jpg", ".jpeg", ".gif")


def unreachable(blocks: list[Any], where: str) -> Iterator[str]:
    """Yield the JSON pointer of every image block that Slack could not download."""
    for index, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("type") == "image" and not is_reachable(block.get("image_url")):
            yield f"{where}/{index}/image_url"


def is_reachable(address: object) -> bool:
    """Tell whether a public server could serve an image of a kind that Slack shows; true where there is no address."""
    if not isinstance(address, str):
        return True
    parts = urlsplit(address)
    ending = parts.path.rpartition("/")[2].casefold().rpartition(".")
    return _is_public(parts.hostname or "") and (not ending[1] or f".{ending[2]}" in SHOWN)


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.casefold().endswith(NOWHERE)
