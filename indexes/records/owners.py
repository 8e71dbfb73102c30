"""Whom the cell of a row's owner names: ids of Slack users, and mail addresses. Other names are for people to read."""

import re
from dataclasses import dataclass

_ID = r"[UW][A-Z0-9]{2,20}"
_MENTION = re.compile(
    rf"<@({_ID})(?:\|[^<>]{{0,100}})?>|(?<![A-Za-z0-9])([UW](?=[A-Z]{{0,20}}[0-9])[A-Z0-9]{{7,20}})(?![A-Za-z0-9])"
)
"""A mention, or an id alone; a word in capitals is none without a digit."""
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_EDGES = " \t,、;；/|()（）・"


@dataclass(frozen=True, slots=True)
class NamedOwners:
    """The ids of Slack users and the mail addresses, in lower case, that a cell names, in their order."""

    ids: tuple[str, ...]
    addresses: tuple[str, ...]


def named_owners(cell: str) -> NamedOwners:
    """Read a cell such as ``U012AB3CD``, ``<@U012AB3CD>, <@U034CD5EF>``, ``Desk (desk@example.com)``."""
    addresses = tuple(dict.fromkeys(found[0].casefold() for found in _MAIL.finditer(cell)))
    ids = tuple(dict.fromkeys(found[1] or found[2] for found in _MENTION.finditer(_MAIL.sub(" ", cell))))
    return NamedOwners(ids, addresses)


def without_ids(cell: str) -> str:
    """Return what people can read of a cell: without the ids."""
    return _MENTION.sub(" ", cell).strip(_EDGES) if _MENTION.search(cell) else cell
