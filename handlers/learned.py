"""Phrasings that people confirm become aliases of the record: after enough votes, or by an admin's click."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.access import Standing
from handlers.desk import Services
from handlers.journal import Opinion, Phrasing
from indexes.records import Record
from indexes.text import sameness

LONGEST = 200
"""Characters of a question that may become an alias; a longer one tells a story that nobody tells again."""
MYSELF = "kotae"
"""Who learns, in the journal and the audit log, when no admin clicked."""


@dataclass(frozen=True)
class Support:
    """Who confirmed a record for a question, how many doubt it, and whether another record is confirmed for it too."""

    voters: tuple[str, ...]
    doubters: int
    disputed: bool

    def suffices(self, confirmations: int) -> bool:
        """Tell whether nobody needs to be asked: each doubter silences one who confirmed."""
        return not self.disputed and len(self.voters) - self.doubters >= confirmations


def confirm(services: Services, question_id: int, user: str, knowledge_base: str, record_id: str) -> None:
    """Note that a record answers the question, and learn the phrasing once enough people have said so.

    A person has one opinion per reply: this takes the place of what they said before.
    """
    services.journal.misses.withdraw(question_id, user)
    if opinion := _opinion(services, question_id, user, (knowledge_base, record_id), agrees=True):
        services.journal.confirmations.add(opinion)
        _learn_if_due(services, opinion)


def doubt(services: Services, question_id: int, user: str, knowledge_base: str, record_id: str) -> None:
    """Note that a record does not answer the question, which weighs against those who say that it does."""
    services.journal.misses.report(question_id, user, "")
    if opinion := _opinion(services, question_id, user, (knowledge_base, record_id), agrees=False):
        services.journal.confirmations.add(opinion)


def _opinion(
    services: Services, question_id: int, user: str, target: tuple[str, str], *, agrees: bool
) -> Opinion | None:
    """Return what counts as an opinion: a member's, on a record that was found for the question."""
    noted = services.journal.noted(question_id)
    if noted is None or services.access.person(user).standing is not Standing.MEMBER:
        return None
    if target not in [hit.target for hit in noted.hits]:
        return None
    return Opinion(user, question_id, noted.text, *target, agrees)


def _learn_if_due(services: Services, opinion: Opinion) -> None:
    record = services.registry.record(*opinion.target)
    support = support_of(services, opinion)
    if record and support.suffices(services.confirmations) and may_learn(record, opinion.phrasing):
        learn(services, opinion, record, support.voters, MYSELF)


def support_of(services: Services, opinion: Opinion) -> Support:
    """Count who confirmed the same record for the same question, and who doubts it, since it was last undone."""
    latest = _latest(services.journal.confirmations.about(opinion.key))
    earlier = services.journal.learned.having(opinion.key)
    undone = max((each.undone_at or 0.0 for each in earlier if each.target == opinion.target), default=0.0)
    learned_otherwise = any(each.undone_at is None and each.target != opinion.target for each in earlier)
    disputed = learned_otherwise or any(each.agrees and each.target != opinion.target for each in latest)
    since = [each for each in reversed(latest) if each.at > undone and each.target == opinion.target]
    voters = tuple(each.user for each in since if each.agrees)
    return Support(voters, len(since) - len(voters), disputed)


def _latest(opinions: Sequence[Opinion]) -> list[Opinion]:
    """Keep each person's latest opinion, whichever reply it was on."""
    of: dict[str, Opinion] = {}
    for opinion in opinions:
        of.setdefault(opinion.user, opinion)
    return list(of.values())


def may_learn(record: Record, phrasing: str) -> bool:
    """Tell whether a phrasing says something new, as briefly as a question should."""
    key = sameness(phrasing)
    known = {sameness(text) for text in (record.question, *record.aliases)}
    return bool(key) and max(len(key), len(phrasing)) <= LONGEST and key not in known


def learn(services: Services, opinion: Opinion, record: Record, voters: Sequence[str], by: str) -> None:
    """Put a phrasing in force, now and from now on; raises JournalError."""
    phrasing = Phrasing(
        *opinion.target, record.question, opinion.key, " ".join(opinion.phrasing.split()), tuple(voters), by
    )
    if services.journal.learned.learn(phrasing):
        services.teach()
        services.journal.record(by, "", "learn", _told(phrasing))


def _told(phrasing: Phrasing) -> str:
    votes = f"; votes: {', '.join(phrasing.voters)}" if phrasing.voters else ""
    return f"{phrasing.knowledge_base} {phrasing.record}: {phrasing.phrasing}{votes}"
