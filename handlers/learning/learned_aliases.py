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
    if opinion := _opinion(services, question_id, user, (knowledge_base, record_id), agrees=True):
        AliasVotes(services.database).add(opinion)
        _add_if_confirmed(services, opinion)


def doubt(services: Services, question_id: int, user: str, knowledge_base: str, record_id: str) -> None:
    """Store a vote that a record does not answer the question; it counts against the other votes."""
    Misses(services.database).report(question_id, user, "")
    if opinion := _opinion(services, question_id, user, (knowledge_base, record_id), agrees=False):
        AliasVotes(services.database).add(opinion)


def _opinion(
    services: Services, question_id: int, user: str, target: tuple[str, str], *, agrees: bool
) -> AliasVote | None:
    """Return a vote; None unless it is a member's, on a record that was found for the question."""
    question = Questions(services.database).get(question_id)
    if question is None or services.access.person(user).standing is not Standing.MEMBER:
        return None
    if target not in [hit.target for hit in question.hits]:
        return None
    return AliasVote(user, question_id, question.text, *target, agrees)


def _add_if_confirmed(services: Services, opinion: AliasVote) -> None:
    record = services.registry.record(*opinion.target)
    support = support_of(services, opinion)
    if record and support.suffices(services.config.confirmations) and may_be_alias(record, opinion.phrasing):
        add_alias(services, opinion, record, support.voters, MYSELF)


def support_of(services: Services, opinion: AliasVote) -> Support:
    """Count the votes on a record for the same question since its alias was last undone."""
    keys = _near(services, opinion)
    latest = _latest(AliasVotes(services.database).about(keys))
    earlier = LearnedAliases(services.database).having(keys)
    undone = max((each.undone_at or 0.0 for each in earlier if each.target == opinion.target), default=0.0)
    others = any(each.undone_at is None and each.target != opinion.target for each in earlier)
    disputed = others or any(each.agrees and each.target != opinion.target for each in latest)
    since = [each for each in reversed(latest) if each.at > undone and each.target == opinion.target]
    voters = tuple(each.user for each in since if each.agrees)
    return Support(voters, len(since) - len(voters), disputed)


def _near(services: Services, opinion: AliasVote) -> list[str]:
    """Return the keys of the question and of nearly the same questions that people confirmed for the record.

    All of them were confirmed for one record, so grouping too many costs little.
    """
    recent = AliasVotes(services.database).recent()
    others = {each.key: each.phrasing for each in recent if each.target == opinion.target and each.key != opinion.key}
    near, *_ = services.registry.group([opinion.phrasing, *others.values()][:COMPARED])
    keys = [opinion.key, *others]
    return [keys[place] for place in near]


def _latest(opinions: Sequence[AliasVote]) -> list[AliasVote]:
    """Keep each person's latest vote, whichever reply it was on."""
    of: dict[str, AliasVote] = {}
    for opinion in opinions:
        of.setdefault(opinion.user, opinion)
    return list(of.values())


def may_be_alias(record: Record, phrasing: str) -> bool:
    """Return whether a question may become an alias: short enough, and not one of the record's texts already."""
    key = match_key(phrasing)
    known = {match_key(text) for text in (record.question, *record.aliases)}
    return bool(key) and max(len(key), len(phrasing)) <= LONGEST and key not in known


def add_alias(services: Services, opinion: AliasVote, record: Record, voters: Sequence[str], by: str) -> None:
    """Store an alias, search by it from now on, and log it; raises StoreError."""
    phrasing = StoredAlias(
        *opinion.target, record.question, opinion.key, " ".join(opinion.phrasing.split()), tuple(voters), by
    )
    if LearnedAliases(services.database).add(phrasing):
        apply_aliases(services)
        AuditLog(services.database).record(by, "", Translatable("audit.learn", **_told(phrasing)))


def apply_aliases(services: Services) -> None:
    """Search by all learned aliases that are not undone; nothing changes while they can't be read."""
    with services.locks("learned aliases"):  # of two threads, the one that read earlier must not write last
        aliases = LearnedAliases(services.database).aliases()
        if aliases is not None:
            services.maintenance.apply_aliases(aliases)


def offer(services: Services, request: Request, question_id: int) -> None:
    """Offer an admin who has just confirmed an answer to add the alias without waiting for more votes."""
    opinion = AliasVotes(services.database).by(question_id, request.user) if request.person.is_admin else None
    if opinion and opinion.agrees and (record := _learnable(services, opinion)):
        request.tell_privately(view.offer(opinion.phrasing, record.title, opinion.id, request.texts))


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
    opinion, first = map(int, request.pressed.split(":"))
    _accept(services, request, opinion)
    request.update_message(_page(services, request, first))


def undone(services: Services, request: Request) -> None:
    """Undo an alias; the votes so far don't bring it back."""
    id_, first = request.pressed.split(":")
    if known := LearnedAliases(services.database).find(id_):
        ensure_open(services, request.user, known.knowledge_base)
    if phrasing := LearnedAliases(services.database).undo(id_, request.user):
        apply_aliases(services)
        AuditLog(services.database).record(
            request.user, request.channel, Translatable("audit.unlearn", **_told(phrasing))
        )
    request.update_message(_page(services, request, int(first)))


def _accept(services: Services, request: Request, opinion_id: int) -> bool:
    """Add the alias of a vote; False if that vote was changed meanwhile."""
    opinion = AliasVotes(services.database).find(opinion_id)
    if opinion is None or not opinion.agrees:
        return False
    ensure_open(services, request.user, opinion.knowledge_base)
    if record := _learnable(services, opinion):
        add_alias(services, opinion, record, support_of(services, opinion).voters, request.user)
    return True


def _learnable(services: Services, opinion: AliasVote) -> Record | None:
    """Return the record that would get the alias; None if it has it already, or is gone."""
    record = services.registry.record(*opinion.target)
    known = any(
        each.undone_at is None and each.target == opinion.target
        for each in LearnedAliases(services.database).having([opinion.key])
    )
    return record if record and not known and may_be_alias(record, opinion.phrasing) else None


def _page(services: Services, request: Request, first: int) -> Message:
    closed = closed_to(services, request.user)
    total = LearnedAliases(services.database).count(closed)
    first = min(first, max(total - 1, 0) // SHOWN * SHOWN)
    in_force = [
        _in_force(services, phrasing) for phrasing in LearnedAliases(services.database).newest(SHOWN, first, closed)
    ]
    return view.page(in_force, first, total, [] if first else _waiting(services, closed), request.texts)


def _in_force(services: Services, phrasing: StoredAlias) -> InForce:
    alias = LearnedAlias(phrasing.record, phrasing.question, phrasing.phrasing)
    record = services.registry.aliased_record(phrasing.knowledge_base, alias)
    title = record.title if record else ""
    return InForce(
        phrasing.id, phrasing.phrasing, title, phrasing.knowledge_base, phrasing.voters, phrasing.by, phrasing.at
    )


def _waiting(services: Services, closed: Collection[str]) -> list[Waiting]:
    """Return questions that people confirmed but that are no aliases yet, newest first, without `closed` ones."""
    recent = [each for each in AliasVotes(services.database).recent() if each.knowledge_base not in closed]
    newest = {(opinion.key, opinion.target): opinion for opinion in reversed(recent)}
    waiting: list[Waiting] = []
    for opinion in reversed(newest.values()):
        record = _learnable(services, opinion)
        support = support_of(services, opinion) if record else None
        if record and support and support.voters:
            found = Waiting(
                opinion.id, opinion.phrasing, record.title, opinion.knowledge_base, support.voters, support.disputed
            )
            waiting.append(found)
        if len(waiting) == WAITING:
            break
    return waiting


def _told(phrasing: StoredAlias) -> dict[str, Value]:
    """Return the values of an alias for the audit log."""
    votes = Translatable("audit.votes", people=tuple(phrasing.voters)) if phrasing.voters else ""
    what: dict[str, Value] = {"name": phrasing.knowledge_base, "id": phrasing.record, "phrasing": phrasing.phrasing}
    return {**what, "votes": votes}
