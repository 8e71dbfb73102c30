"""What changed between two readings of a knowledge base."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexes.records.model import Record


@dataclass(frozen=True, slots=True)
class Difference:
    """Records by what happened to them, each in the order of the file it is in."""

    added: tuple[Record, ...] = ()
    changed: tuple[tuple[Record, Record], ...] = ()
    """Before and after."""
    removed: tuple[Record, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(self.added or self.changed or self.removed)


def difference(before: Sequence[Record], after: Sequence[Record]) -> Difference:
    """Compare by id; rows that only moved have not changed.

    The id of a row without one follows from its text. So what seems removed and added again under the same question,
    which no other row has, counts as changed.
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
    """Return the records by their question, where there is one and only one record has it."""
    listed = list(records)
    times = Counter(record.question for record in listed)
    return {record.question: record for record in listed if record.question and times[record.question] == 1}
