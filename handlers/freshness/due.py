"""Which rows are due for a check, and whose they are."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from handlers.audience import closed_to
from handlers.freshness.store.reviews import ReviewRefusals, row_key
from handlers.owners import is_owner, owners_of
from handlers.services import Services
from indexes.records import Record
from indexes.records.stored import take


@dataclass(frozen=True)
class Due:
    """A row that is due."""

    knowledge_base: str
    record: Record
    deadline: date

    @property
    def key(self) -> str:
        """The key under which it is stored whose it isn't."""
        return row_key(self.knowledge_base, self.record.id)


class DueRows:
    """The due rows of the knowledge bases as they are loaded now, the longest overdue first; read when they are wanted.

    Those of `closed` knowledge bases are left out.
    """

    def __init__(self, services: Services, today: date, closed: Collection[str] = ()) -> None:
        self._loaded = {name: base for name, base in services.registry.loaded.items() if name not in closed}
        self._places = sorted(
            (deadline, name, row) for name, base in self._loaded.items() for row, deadline in base.due(today)
        )

    def __len__(self) -> int:
        return len(self._places)

    def read(self, first: int = 0, count: int | None = None) -> list[Due]:
        """Read so many of them, by default all."""
        places = self._places[first:] if count is None else self._places[first : first + count]
        records: dict[tuple[str, int], Record] = {}
        for name in {name for _, name, _ in places}:
            rows = [row for _, other, row in places if other == name]
            taken = take(self._loaded[name].knowledge_base.records, rows)
            records |= {(name, row): record for row, record in zip(rows, taken, strict=True)}
        return [Due(name, records[name, row], deadline) for deadline, name, row in places]


def due_of(services: Services, user: str, today: date) -> list[Due]:
    """List the due rows that a person is asked about as their owner."""
    refused = ReviewRefusals(services.database).all()
    rows = DueRows(services, today, closed_to(services, user)).read()
    return [each for each in rows if (each.key, user) not in refused and is_owner(services, user, each.record.owner)]


@dataclass(frozen=True)
class Assignment:
    """Whom to ask about which rows; `unowned` are those without anybody."""

    of: Mapping[str, Sequence[Due]]
    unowned: Sequence[Due]


def assign(services: Services, rows: Sequence[Due]) -> Assignment:
    """Find out whom to ask about each row: owners who are there, may see it, and have not said that it isn't theirs.

    Raises SlackApiError or OSError while Slack can't say who somebody is.
    """
    refused = ReviewRefusals(services.database).all()
    whose = cache(lambda cell: owners_of(services, cell))
    closed = cache(lambda user: closed_to(services, user))

    def asked(each: Due) -> Iterator[str]:
        for user in whose(each.record.owner):
            if each.knowledge_base not in closed(user) and (each.key, user) not in refused:
                yield user

    of: dict[str, list[Due]] = {}
    unowned: list[Due] = []
    for each in rows:
        users = list(asked(each))
        for user in users:
            of.setdefault(user, []).append(each)
        if not users:
            unowned.append(each)
    return Assignment(of, unowned)
