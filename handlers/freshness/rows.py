"""Due rows as views show them."""

from collections.abc import Sequence

from handlers.freshness.due import Due
from handlers.freshness.views.reviews import Row
from handlers.services import Services
from indexes.records.editing import is_edited_here
from indexes.records.owners import named_owners


def shown_rows(services: Services, rows: Sequence[Due], *, owners: bool = False) -> list[Row]:
    """Return rows for a view; with `owners`, the names of those who are named by id."""
    return [
        Row(
            each.knowledge_base,
            each.record,
            each.deadline,
            _names(services, each) if owners else (),
            is_edited_here(services.registry.source(each.knowledge_base)),
            services.registry.source(each.knowledge_base).edited_at,
        )
        for each in rows
    ]


def _names(services: Services, each: Due) -> list[str]:
    people = (services.access.person(user) for user in named_owners(each.record.owner).ids)
    return [person.name for person in people if person.name]
