"""Learned aliases: a question that people confirm for a record becomes an alias of it, if enough do or an admin."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from handlers.access import Standing
from handlers.audience import closed_to, ensure_open
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses
from handlers.learning.views import learned_aliases as view
from handlers.learning.views.learned_aliases import SHOWN, InForce, Waiting
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.store.audit import AuditLog
from handlers.store.questions import Questions
from indexes.messages import Translatable, Value
from indexes.records import Record
from indexes.retrieval.learned_aliases import LearnedAlias
from indexes.text import match_key

COMPARED = 50
"""Confirmed questions of a record, newest first, that are compared with the one just confirmed."""
WAITING = 5
"""Questions that are listed as waiting; the next ones follow once these are decided."""
LONGEST = 200
"""Characters of a question that may become an alias; nobody asks a longer one in the same words again."""
MYSELF = "kotae"
"""The user in the store and the audit log when the bot added an alias by itself."""


@dataclass(frozen=True)
class Support:
    """The votes on a record for a question; `disputed` if another record was confirmed for it too."""

    voters: tuple[str, ...]
    doubters: int
    disputed: bool

    def suffices(self, confirmations: int) -> bool:
        """Return whether there are enough votes: each vote against cancels one for it."""
        return not self.disputed and len(self.voters) - self.doubters >= confirmations


def confirm(services: Services, question_id: int, user: str, knowledge_base: str, record_id: str) -> None:
    """Store a vote that a record answers the question, and add the alias once there are enough.

    A person has one vote per reply: it replaces the earlier one.
    """
    Misses(services.database).withdraw(question_id, user)
    if vote := _vote_of(services, question_id, user, (knowledge_base, record_id), agrees=True):
        AliasVotes(services.database).add(vote)
        _add_if_confirmed(services, vote)


def doubt(services: Services, question_id: int, user: str, knowledge_base: str, record_id: str) -> None:
    """Store a vote that a record does not answer the question; it counts against the other votes."""
    Misses(services.database).report(question_id, user, "")
    if vote := _vote_of(services, question_id, user, (knowledge_base, record_id), agrees=False):
        AliasVotes(services.database).add(vote)


def _vote_of(
    services: Services, question_id: int, user: str, target: tuple[str, str], *, agrees: bool
) -> AliasVote | None:
    """Return a vote; None unless it is a member's, on a record that was found for the question."""
    question = Questions(services.database).get(question_id)
    if question is None or services.access.person(user).standing is not Standing.MEMBER:
        return None
    if target not in [hit.target for hit in question.hits]:
        return None
    return AliasVote(user, question_id, question.text, *target, agrees)


def _add_if_confirmed(services: Services, vote: AliasVote) -> None:
    record = services.registry.record(*vote.target)
    support = support_of(services, vote)
    if record and support.suffices(services.config.confirmations) and may_be_alias(record, vote.phrasing):
        add_alias(services, vote, record, support.voters, MYSELF)


def support_of(services: Services, vote: AliasVote) -> Support:
    """Count the votes on a record for the same question since its alias was last undone."""
    keys = _near(services, vote)
    latest = _latest(AliasVotes(services.database).about(keys))
    earlier = LearnedAliases(services.database).having(keys)
    undone = max((each.undone_at or 0.0 for each in earlier if each.target == vote.target), default=0.0)
    others = any(each.undone_at is None and each.target != vote.target for each in earlier)
    disputed = others or any(each.agrees and each.target != vote.target for each in latest)
    since = [each for each in reversed(latest) if each.at > undone and each.target == vote.target]
    voters = tuple(each.user for each in since if each.agrees)
    return Support(voters, len(since) - len(voters), disputed)


def _near(services: Services, vote: AliasVote) -> list[str]:
    """Return the keys of the question and of nearly the same questions that people confirmed for the record.

    All of them were confirmed for one record, so grouping too many costs little.
    """
    recent = AliasVotes(services.database).recent()
    others = {each.key: each.phrasing for each in recent if each.target == vote.target and each.key != vote.key}
    near, *_ = services.registry.group([vote.phrasing, *others.values()][:COMPARED])
    keys = [vote.key, *others]
    return [keys[place] for place in near]


def _latest(votes: Sequence[AliasVote]) -> list[AliasVote]:
    """Keep each person's latest vote, whichever reply it was on."""
    of: dict[str, AliasVote] = {}
    for vote in votes:
        of.setdefault(vote.user, vote)
    return list(of.values())


def may_be_alias(record: Record, phrasing: str) -> bool:
    """Return whether a question may become an alias: short enough, and not one of the record's texts already."""
    key = match_key(phrasing)
    known = {match_key(text) for text in (record.question, *record.aliases)}
    return bool(key) and max(len(key), len(phrasing)) <= LONGEST and key not in known


def add_alias(services: Services, vote: AliasVote, record: Record, voters: Sequence[str], by: str) -> None:
    """Store an alias, search by it from now on, and log it; raises StoreError."""
    alias = StoredAlias(*vote.target, record.question, vote.key, " ".join(vote.phrasing.split()), tuple(voters), by)
    if LearnedAliases(services.database).add(alias):
        apply_aliases(services)
        AuditLog(services.database).record(by, "", Translatable("audit.learn", **_told(alias)))


def apply_aliases(services: Services) -> None:
    """Search by all learned aliases that are not undone; nothing changes while they can't be read."""
    with services.locks("learned aliases"):  # of two threads, the one that read earlier must not write last
        aliases = LearnedAliases(services.database).aliases()
        if aliases is not None:
            services.maintenance.apply_aliases(aliases)


def offer(services: Services, request: Request, question_id: int) -> None:
    """Offer an admin who has just confirmed an answer to add the alias without waiting for more votes."""
    vote = AliasVotes(services.database).by(question_id, request.user) if request.person.is_admin else None
    if vote and vote.agrees and (record := _learnable(services, vote)):
        request.tell_privately(view.offer(vote.phrasing, record.title, vote.id, request.texts))


def accepted(services: Services, request: Request) -> None:
    """Add the alias that an admin was offered."""
    still_stands = _accept(services, request, int(request.pressed))
    said = (
        request.texts("learned.done", command=services.config.admin_command)
        if still_stands
        else request.texts("answer.gone")
    )
    request.update_message(notice(said))


def listed(services: Services, request: Request, _: str) -> None:
    """`/kb learned`: list learned aliases, and questions that wait for more votes or an admin."""
    request.tell_privately(_page(services, request, 0))


def turned(services: Services, request: Request) -> None:
    """Show another page."""
    request.update_message(_page(services, request, int(request.pressed)))


def accepted_waiting(services: Services, request: Request) -> None:
    """Add an alias that waits in the list."""
    vote_id, first = map(int, request.pressed.split(":"))
    _accept(services, request, vote_id)
    request.update_message(_page(services, request, first))


def undone(services: Services, request: Request) -> None:
    """Undo an alias; the votes so far don't bring it back."""
    id_, first = request.pressed.split(":")
    if known := LearnedAliases(services.database).find(id_):
        ensure_open(services, request.user, known.knowledge_base)
    if alias := LearnedAliases(services.database).undo(id_, request.user):
        apply_aliases(services)
        AuditLog(services.database).record(request.user, request.channel, Translatable("audit.unlearn", **_told(alias)))
    request.update_message(_page(services, request, int(first)))


def _accept(services: Services, request: Request, vote_id: int) -> bool:
    """Add the alias of a vote; False if that vote was changed meanwhile."""
    vote = AliasVotes(services.database).find(vote_id)
    if vote is None or not vote.agrees:
        return False
    ensure_open(services, request.user, vote.knowledge_base)
    if record := _learnable(services, vote):
        add_alias(services, vote, record, support_of(services, vote).voters, request.user)
    return True


def _learnable(services: Services, vote: AliasVote) -> Record | None:
    """Return the record that would get the alias; None if it has it already, or is gone."""
    record = services.registry.record(*vote.target)
    known = any(
        each.undone_at is None and each.target == vote.target
        for each in LearnedAliases(services.database).having([vote.key])
    )
    return record if record and not known and may_be_alias(record, vote.phrasing) else None


def _page(services: Services, request: Request, first: int) -> Message:
    closed = closed_to(services, request.user)
    total = LearnedAliases(services.database).count(closed)
    first = min(first, max(total - 1, 0) // SHOWN * SHOWN)
    in_force = [_in_force(services, alias) for alias in LearnedAliases(services.database).newest(SHOWN, first, closed)]
    return view.page(in_force, first, total, [] if first else _waiting(services, closed), request.texts)


def _in_force(services: Services, alias: StoredAlias) -> InForce:
    searched = LearnedAlias(alias.record, alias.question, alias.phrasing)
    record = services.registry.aliased_record(alias.knowledge_base, searched)
    title = record.title if record else ""
    return InForce(alias.id, alias.phrasing, title, alias.knowledge_base, alias.voters, alias.by, alias.at)


def _waiting(services: Services, closed: Collection[str]) -> list[Waiting]:
    """Return questions that people confirmed but that are no aliases yet, newest first, without `closed` ones."""
    recent = [each for each in AliasVotes(services.database).recent() if each.knowledge_base not in closed]
    newest: dict[tuple[str, tuple[str, str]], AliasVote] = {}
    for vote in recent:
        newest.setdefault((vote.key, vote.target), vote)
    waiting: list[Waiting] = []
    for vote in newest.values():
        record = _learnable(services, vote)
        support = support_of(services, vote) if record else None
        if record and support and support.voters:
            found = Waiting(vote.id, vote.phrasing, record.title, vote.knowledge_base, support.voters, support.disputed)
            waiting.append(found)
        if len(waiting) == WAITING:
            break
    return waiting


def _told(alias: StoredAlias) -> dict[str, Value]:
    """Return the values of an alias for the audit log."""
    votes = Translatable("audit.votes", people=tuple(alias.voters)) if alias.voters else ""
    what: dict[str, Value] = {"name": alias.knowledge_base, "id": alias.record, "phrasing": alias.phrasing}
    return {**what, "votes": votes}
