"""What speaks for a proposed synonym: questions whose answer people confirmed, as far as a reader may read them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from handlers.audience import closed_to, may_read_question
from handlers.learning.store.alias_votes import AliasVote, AliasVotes
from handlers.services import Services
from handlers.store.questions import Questions
from handlers.synonyms.store.synonyms import ProposedSynonym, Synonyms
from indexes.synonym_mining.cases import KnownQuestion
from indexes.synonym_mining.mining import PEOPLE, Support

CONSIDERED = 2_000
"""Votes that synonyms are looked for in, newest first."""


@dataclass(frozen=True)
class Supported:
    """A proposal with the votes for it that its reader may read, newest first."""

    synonym: ProposedSynonym
    votes: Sequence[AliasVote]

    @property
    def people(self) -> int:
        """How many people confirmed these questions."""
        return len({vote.user for vote in self.votes})

    @property
    def questions(self) -> Sequence[AliasVote]:
        """One vote for each different question."""
        return list({vote.key: vote for vote in self.votes}.values())


@dataclass(frozen=True)
class Readable:
    """The proposals for one reader, and the number of those that only others may see."""

    proposals: Sequence[Supported]
    elsewhere: int


def support(services: Services) -> Support:
    """Return how much a proposal needs: at least as many people as a learned phrasing."""
    return Support(people=max(services.config.confirmations, PEOPLE))


def known_questions(services: Services) -> list[KnownQuestion]:
    """List the questions that more people confirmed for a record than not, once for each of those people."""
    votes: dict[tuple[str, tuple[str, str]], list[AliasVote]] = defaultdict(list)
    for vote in AliasVotes(services.database).newest(CONSIDERED):
        votes[vote.key, vote.target].append(vote)
    agreed = [each for each in votes.values() if 2 * sum(vote.agrees for vote in each) > len(each)]
    return [
        KnownQuestion(vote.id, vote.phrasing, vote.knowledge_base, vote.record, vote.user)
        for each in agreed
        for vote in each
        if vote.agrees
    ]


def readable(services: Services, reader: str) -> Readable:
    """Return the proposals that this admin may read enough questions for."""
    every = Synonyms(services.database).all()
    found = _supported(services, reader, every)
    return Readable(found, len(every) - len(found))


def supported(services: Services, reader: str, id_: str) -> Supported | None:
    """Return a proposal; None if it is none any more, or not for this admin."""
    synonym = Synonyms(services.database).find(id_)
    found = _supported(services, reader, [synonym] if synonym else [])
    return found[0] if found else None


def _supported(services: Services, reader: str, synonyms: Sequence[ProposedSynonym]) -> list[Supported]:
    """Return those of some proposals that this admin may read enough questions for."""
    votes = AliasVotes(services.database).among({vote for synonym in synonyms for vote in synonym.votes})
    places = Questions(services.database).places([vote.question for vote in votes])
    closed = closed_to(services, reader)
    open_ones = [
        vote
        for vote in votes
        if vote.question in places
        and may_read_question(services, reader, places[vote.question], vote.knowledge_base, closed)
    ]
    found = [Supported(each, [vote for vote in open_ones if vote.id in each.votes]) for each in synonyms]
    return [each for each in found if _suffices(services, each)]


def _suffices(services: Services, found: Supported) -> bool:
    needed = support(services)
    return found.people >= needed.people and len(found.questions) >= needed.questions
