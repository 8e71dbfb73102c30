"""PostgreSQL: how Kotae connects to a server, and how long it waits for it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL

CONNECT_SECONDS = 3
"""How long a new connection may take; the driver's least is two."""
STATEMENT_SECONDS = 15
"""How long one statement may run; those of the state take milliseconds."""
LOCK_SECONDS = 5
"""How long a statement waits for rows that another replica is writing."""
IDLE_SECONDS = 60
"""After so long without a statement the server ends a transaction, and with it what it locks."""
SILENCE_SECONDS = 10
"""After so long without a sign of life the other side counts as gone: a machine may vanish without a word."""


def connect_args(
    location: URL, *, statement_seconds: float = STATEMENT_SECONDS, lock_seconds: float = LOCK_SECONDS
) -> Mapping[str, Any]:
    """Return what the driver is told besides the address; what the address itself says, such as TLS, counts more.

    Both sides look for a sign of life. 0 seconds stand for no limit.
    """
    probes = {"keepalives_idle": SILENCE_SECONDS // 2, "keepalives_interval": 1, "keepalives_count": 5}
    limits = {
        "statement_timeout": round(statement_seconds * 1000),
        "lock_timeout": round(lock_seconds * 1000),
        "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
        "idle_session_timeout": 0,
        **{f"tcp_{name}": value for name, value in probes.items()},
    }
    chosen = location.query.get("options", "")
    ours = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "kotae",
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
        **probes,
    }
    said = " ".join([*(f"-c {name}={value}" for name, value in limits.items()), *_listed(chosen)])
    return {name: value for name, value in ours.items() if name not in location.query} | {"options": said}


def _listed(chosen: str | tuple[str, ...]) -> tuple[str, ...]:
    return (chosen,) if isinstance(chosen, str) else chosen
