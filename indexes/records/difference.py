"""Comparing two versions of a knowledge base."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexes.records.model import Record


@dataclass(frozen=True, slots=True)
class Difference:
    """The records that were added, changed and removed, each in file order."""

    added: tuple[Record, ...] = ()
    changed: tuple[tuple[Record, Record], ...] = ()
    """Pairs of the record before and after."""
    removed: tuple[Record, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(self.added or self.changed or self.removed)


def difference(before: Sequence[Record], after: Sequence[Record]) -> Difference:
    """Compare records by id; rows that only moved are unchanged.

    The id of a row without one is derived from its text. A record that is removed and added with the same question,
    which no other row has, therefore counts as changed.
    """
    old, new = ({record.id: record for record in records} for records in (before, after))
    gone = _by_question(record for id_, record in old.items() if id_ not in new)
    come = _by_question(record for id_, record in new.items() if id_ not in old)
    renewed = {come[question].id: gone[question] for question in come.keys() & gone.keys()}
    kept = {**{id_: old[id_] for id_ in new.keys() & old.keys()}, **renewed}
    replaced = {record.id for record in renewed.values()}
    return Difference(
        added=tuple(record for record in new.values() if record.id not in kept),
        changed=tuple(
            (kept[id_], record)
            for id_, record in new.items()
            if id_ in kept and kept[id_].as_dict() != record.as_dict()
        ),
        removed=tuple(record for id_, record in old.items() if id_ not in new and id_ not in replaced),
    )


def _by_question(records: Iterable[Record]) -> Mapping[str, Record]:
    """Return the records by question, without blank questions and those of several records."""
    listed = list(records)
    times = Counter(record.question for record in listed)
    return {record.question: record for record in listed if record.question and times[record.question] == 1}
