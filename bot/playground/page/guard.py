"""Access to the page: only for the browser tab that has the token, since the page can act as anybody.

Three checks, one for each attack: the Host header (DNS rebinding to 127.0.0.1), the Origin (a page of another site in
the same browser), the token (other programs and users of this machine).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

from aiohttp import web

TOKEN_HEADER = "X-Kotae-Token"  # noqa: S105
NAMES = ("127.0.0.1", "localhost")


class Guard:
    """Checks requests for the page. Every run has its own token."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)

    def check_host(self, request: web.Request) -> None:
        """Refuse a Host other than this machine."""
        if request.host.lower() not in _hosts(request):
            raise web.HTTPForbidden(text="This page is served to 127.0.0.1 and localhost only.")

    def check(self, request: web.Request) -> None:
        """Refuse requests that the page didn't send, or that lack the token."""
        self.check_host(request)
        self.check_origin(request)
        if not self.accepts(request.headers.get(TOKEN_HEADER, "")):
            raise web.HTTPForbidden(text="The token is missing or of an earlier run: open the address shown at start.")

    def check_origin(self, request: web.Request) -> None:
        """Refuse requests from pages of other sites; browsers always send the Origin."""
        origin = request.headers.get("Origin")
        asked_by = request.headers.get("Sec-Fetch-Site", "same-origin")
        if asked_by != "same-origin" or origin not in (None, f"http://{request.host}"):
            raise web.HTTPForbidden(text="This request comes from another site.")

    def accepts(self, token: object) -> bool:
        """Tell whether this is the token of this run."""
        return isinstance(token, str) and hmac.compare_digest(token.encode(), self.token.encode())


def _hosts(request: web.Request) -> tuple[str, ...]:
    sockname = request.transport.get_extra_info("sockname") if request.transport else None
    port = sockname[1] if sockname else 0
    return tuple(f"{name}:{port}" for name in NAMES)


def headers(request: web.Request) -> Mapping[str, str]:
    """Headers of every response: only this server's own files may load or run, and no site may frame the page."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": f"'self' ws://{request.host}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
