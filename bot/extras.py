"""How a message says to install what an optional feature needs. Kotae itself is in no package index."""

from indexes.messages import Translatable


def install(extra: str) -> Translatable:
    """Return the command for an extra, in a clone and with a wheel."""
    return Translatable("install.extra", extra=extra)
