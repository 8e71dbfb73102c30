"""Where a knowledge base is fetched from. Addresses and headers may let anybody in, so only the host is ever said."""

from dataclasses import dataclass, field
from hashlib import sha256
from string import ascii_lowercase, digits
from urllib.parse import quote, urljoin, urlsplit

HTTPS_PORT = 443
_KEPT = "%/:?#[]@!$&'()*+,;=~"
"""Characters of an address that have a meaning in it, or are escaped already."""
_OF_HOSTS = frozenset(ascii_lowercase + digits + "-_.:")


@dataclass(frozen=True)
class Place:
    """An https address, as one part of a fetch asks for it."""

    url: str = field(repr=False)
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Place":
        """Read an address; the ValueError for one that can't be used doesn't quote it."""
        try:
            parts = urlsplit(url.strip())
            host = (parts.hostname or "").encode("idna").decode("ascii")
            port = parts.port or HTTPS_PORT
        except ValueError:
            raise ValueError("is no address that can be read") from None
        if parts.scheme != "https":
            raise ValueError("must begin with https://")
        if not host or not _OF_HOSTS.issuperset(host):
            raise ValueError("names no host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user or password: put them into a header, see header_env")
        path = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
        return cls(f"https://{_named(host, port)}{path}", host, port)

    def leads_to(self, location: str) -> "Place":
        """Return where a redirect from here leads; raises ValueError, which may quote it."""
        return Place.of(urljoin(self.url, location))

    @property
    def named(self) -> str:
        """The host with its port, as the Host header has it."""
        return _named(self.host, self.port)


@dataclass(frozen=True)
class Remote:
    """A source. `header` is sent to its host alone; `edit_url` is where people edit it, blank if nobody said so."""

    place: Place
    header: tuple[str, str] | None = field(default=None, repr=False)
    edit_url: str = ""
    poll_seconds: float = 300.0

    @property
    def key(self) -> str:
        """A digest that tells two addresses apart."""
        return sha256(self.place.url.encode()).hexdigest()[:16]


def read_header(line: str) -> tuple[str, str]:
    """Read ``Name: value``; the ValueError for anything else doesn't quote it."""
    name, colon, value = line.strip().partition(":")
    if not colon or not name.isascii() or not name.replace("-", "").isalnum() or not value.strip().isprintable():
        raise ValueError("must be one header as `Name: value`, such as `Authorization: Bearer …`")
    if not value.isascii() or not value.strip():
        raise ValueError("must be one header as `Name: value`, in ASCII")
    return name, value.strip()


def _named(host: str, port: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port == HTTPS_PORT else f"{named}:{port}"
