"""What a reload changed and what it cost."""

from dataclasses import dataclass

from indexes.loaded import BuildResult, LoadedKnowledgeBase
from indexes.messages import Translatable
from indexes.records import Problem
from indexes.records.stored import changed_records


@dataclass(frozen=True)
class ReloadReport:
    """The result of one reload, for the admin who asked; if `error` is set, nothing changed."""

    name: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    records: int = 0
    problems: tuple[Problem, ...] = ()
    encoded: int = 0
    reused: int = 0
    seconds: float = 0.0
    warnings: tuple[Translatable, ...] = ()
    error: Translatable | None = None


@dataclass(frozen=True)
class EncodingCounts:
    """How many texts were encoded, and for how many a stored vector was reused."""

    encoded: int = 0
    reused: int = 0

    def __add__(self, other: "EncodingCounts") -> "EncodingCounts":
        return EncodingCounts(self.encoded + other.encoded, self.reused + other.reused)


def reload_report(
    before: LoadedKnowledgeBase | None, built: BuildResult, warnings: tuple[Translatable, ...]
) -> ReloadReport:
    """Compare a knowledge base with the one it replaces; `before` is None if it is new."""
    records = built.loaded.knowledge_base.records
    was, now = changed_records(before.knowledge_base.records if before else (), records)
    old, new = {record.id: record for record in was}, {record.id: record for record in now}
    return ReloadReport(
        built.loaded.source.name,
        added=len(new.keys() - old.keys()),
        changed=sum(new[id_].as_dict() != old[id_].as_dict() for id_ in new.keys() & old.keys()),
        removed=len(old.keys() - new.keys()),
        records=len(records),
        problems=built.loaded.knowledge_base.problems,
        encoded=built.encoded,
        reused=built.reused,
        warnings=(*warnings, *filter(None, (built.trouble, built.unencoded))),
    )
