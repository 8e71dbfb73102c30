"""How a message says to install what an optional feature needs. Kotae itself is in no package index."""


def install(extra: str) -> str:
    """Return the command for an extra, in a clone and with a wheel."""
    pinned = "pip install -c constraints.txt"
    return f"{pinned} -e '.[{extra}]', or with a wheel {pinned} './kotae-….whl[{extra}]'"
