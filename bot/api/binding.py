"""Where HTTP is open: API_BIND, and the socket that listens there."""

import errno
import logging
import socket

from bot.addresses import is_loopback, joined, split
from bot.settings import SettingsError

log = logging.getLogger(__name__)

BACKLOG = 128
"""Connections that wait to be accepted."""
WHY = {
    errno.EADDRINUSE: "another program listens there already; choose another port, or stop that program",
    errno.EACCES: "this user may not listen there; choose a port from 1024",
    errno.EADDRNOTAVAIL: "this machine has no such address; 127.0.0.1 is itself, 0.0.0.0 are all of its addresses",
}


class Binding:
    """An address to listen at; blank for none."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self.address = ""
        """HOST:PORT while it is open, with the port that the system chose if 0 was wanted; blank otherwise."""

    def __bool__(self) -> bool:
        """Tell whether HTTP is wanted at all."""
        return bool(self._wanted)

    @property
    def host(self) -> str:
        """The host that is wanted, without brackets."""
        return split(self._wanted)[0]

    def open(self) -> socket.socket:
        """Listen; raises SettingsError that says why not."""
        host, port = split(self._wanted)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            why = WHY.get(error.errno or 0, error.strerror or "it can't be used")
            raise SettingsError(f"API_BIND = {self._wanted}: {why}") from None
        self.address = joined(host, listening.getsockname()[1])
        if not is_loopback(host):
            log.warning(
                "API_BIND = %s is reachable from other machines, and Kotae speaks HTTP without TLS: put a proxy that"
                " does TLS before it, and let nobody else reach it",
                self._wanted,
            )
        return listening

    def close(self) -> None:
        """Say that nothing listens any more; whoever had the socket has closed it."""
        self.address = ""
