"""The weight of votes in confidence: one voice per person and record, a limit per person and knowledge base, and sums.

A vote changes a few rows here, however many votes there are. A person is stored by a pseudonym, a keyed hash of the
user id, so that their voice can still be replaced after the votes with the user ids were removed.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import log

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Insert,
    Integer,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from handlers.store.changes import announce
from handlers.store.database import Database, metadata
from handlers.store.installation import PSEUDONYMS, VOICES_COUNTED, Installation
from handlers.store.questions import FIRST_HIT_VOTES, FIRST_NAME, FIRST_RECORD, FIRST_THOUGHT, questions, votes
from indexes.confidence.confidence import probability
from indexes.confidence.votes import Judgement

TOPIC = "voices"
"""What replicas are told: the sums are others."""
VOICES = "voices"
"""Whoever changes voices does so alone: two first votes would otherwise both add the same sum."""
KEPT = 8
"""Voices of one person in one knowledge base that count, the newest."""
PERSON = 2
"""The most that all voices of one person in one knowledge base weigh together, in votes.

By `votes.confidence_shift` one person alone then never moves the log-odds by more than
SHIFT_DEVIATION ** 2 * 2 = 0.5: a confidence of .90 to .85 or .94.
"""
RECORD_LENGTH = 400
UNITS = 840
"""Parts of a vote, so that a person's weight divides among up to eight voices without remainder."""
STEPS = 4
"""Steps per unit of log-odds by which votes are grouped: a quarter is far finer than votes can tell apart."""
FURTHEST = 14 * STEPS
"""Confidences closer to 0 and 1 than a millionth count as that."""

voices = Table(
    "voices",
    metadata,
    Column("knowledge_base", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("person", String(32), primary_key=True),
    Column("step", Integer, nullable=False),
    Column("right", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
tallies = Table(
    "tallies",
    metadata,
    Column("knowledge_base", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("right", Integer, nullable=False),
    Column("wrong", Integer, nullable=False),
)


@dataclass(frozen=True)
class Voice:
    """Somebody's last vote on a record as the first hit, which had the log-odds `step` / STEPS."""

    knowledge_base: str
    record: str
    person: str
    step: int
    right: bool
    at: float


TallyKey = tuple[str, int, bool]
"""Knowledge base, step, and whether it is about right answers; counted in units."""


class Voices:
    """Stores voices and their sums. Nothing here raises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._installation = Installation(database)

    def count(self, question_id: int, user: str, vote: str) -> None:
        """Count a member's vote on an answer instead of their earlier one on the same record."""
        wanted = select(FIRST_NAME, FIRST_RECORD, FIRST_THOUGHT).where(questions.c.id == question_id)
        found = self._database.read("look up what was voted on", wanted)
        person = self.pseudonym(user)
        if found and person and found[0].name is not None:
            name, record, thought = found[0]
            voice = Voice(name, _short(record), person, _step(thought or 0.0), vote in FIRST_HIT_VOTES, time.time())
            self._database.change("learn from votes", partial(_hear, voice=voice), alone=VOICES)

    def judged(self) -> dict[str, list[Judgement]] | None:
        """Return the judgements for `update_confidence`, by knowledge base; None if the database fails.

        Votes on answers with nearly the same confidence are one judgement with the sum of their weights.
        """
        rows = self._database.read("look up votes", select(tallies))
        if rows is None:
            return None
        said: dict[str, list[Judgement]] = {}
        for name, step, right, wrong in rows:
            confidence = probability(step / STEPS)
            both = ((True, right), (False, wrong))
            said.setdefault(name, []).extend(
                Judgement(confidence, kind, units / UNITS) for kind, units in both if units
            )
        return said

    def is_counted(self) -> bool:
        """Return whether votes from before there were voices have been counted."""
        return self._installation.get(VOICES_COUNTED) is not None

    def recount(self, is_member: Callable[[str], bool]) -> None:
        """Recompute voices and sums from the stored votes of members."""
        known: dict[str, bool] = {}
        secret = self._installation.get(PSEUDONYMS)
        wanted = select(votes.c.user).distinct()
        if secret is None:
            return
        while True:  # until nobody has voted for the first time meanwhile
            voters = [user for (user,) in self._database.read("look up voters", wanted) or ()]
            known |= {user: is_member(user) for user in voters if user not in known}
            heard = {user: pseudonym(user, secret) for user in known if known[user]}
            count = partial(_recount, known=frozenset(known), heard=heard)
            done = self._database.change("count votes", count, alone=VOICES)
            if done is None:
                return
            if done:
                self._installation.set(VOICES_COUNTED, str(time.time()))
                return

    def pseudonym(self, user: str) -> str | None:
        """Return a person's pseudonym; None while the database can't be read."""
        secret = self._installation.get(PSEUDONYMS)
        return pseudonym(user, secret) if secret else None


def pseudonym(user: str, secret: str) -> str:
    """Return a person's pseudonym; the secret is the installation's own."""
    return hashlib.blake2b(user.encode(), key=secret.encode(), digest_size=16).hexdigest()


def forget(connection: Connection, person: str) -> int:
    """Delete all voices of a person, also from the sums; return how many there were."""
    names = connection.execute(select(voices.c.knowledge_base).where(voices.c.person == person).distinct()).scalars()
    return sum(_put(connection, name, person, lambda before: before[:0]) for name in names.all())


def _hear(connection: Connection, voice: Voice) -> None:
    def heard(before: list[Voice]) -> list[Voice]:
        others = [each for each in before if each.record != voice.record]
        return sorted([voice, *others], key=lambda each: -each.at)[:KEPT]

    _put(connection, voice.knowledge_base, voice.person, heard)
    announce(connection, TOPIC)


def _put(connection: Connection, name: str, person: str, change: Callable[[list[Voice]], list[Voice]]) -> int:
    """Change a person's voices in a knowledge base, and the sums with them; return how many there were.

    They are deleted first: that takes the lock under which they are read.
    """
    mine = delete(voices).where(voices.c.knowledge_base == name, voices.c.person == person).returning(voices)
    before = [Voice(*row) for row in connection.execute(mine)]
    after = change(before)
    if after:
        connection.execute(insert(voices), [asdict(each) for each in after])
    difference = _sums([after])
    difference.subtract(_sums([before]))
    for tally, units in difference.items():
        if units:
            _add(connection, tally, units)
    return len(before)


def _add(connection: Connection, tally: TallyKey, units: int) -> None:
    name, step, right = tally
    this = (tallies.c.knowledge_base == name, tallies.c.step == step)
    column = tallies.c.right if right else tallies.c.wrong
    if not connection.execute(update(tallies).where(*this).values({column: column + units})).rowcount:
        connection.execute(_row(name, step, {right: units}))
    connection.execute(delete(tallies).where(*this, tallies.c.right == 0, tallies.c.wrong == 0))


def _sums(people: Iterable[list[Voice]]) -> Counter[TallyKey]:
    """Add voices up in units; each list is one person's in one knowledge base."""
    sums: Counter[TallyKey] = Counter()
    for each in people:
        weight = min(UNITS, PERSON * UNITS // max(len(each), 1))
        for voice in each:
            sums[voice.knowledge_base, voice.step, voice.right] += weight
    return sums


def _recount(connection: Connection, known: Collection[str], heard: Mapping[str, str]) -> bool:
    """Count the votes of those who are `heard`, by their pseudonyms; False when somebody voted who is not `known`."""
    connection.execute(delete(tallies))
    voters = connection.execute(select(votes.c.user).distinct()).scalars()
    if not set(voters) <= set(known):
        connection.rollback()
        return False
    connection.execute(delete(voices))
    wanted = select(FIRST_NAME, FIRST_RECORD, FIRST_THOUGHT, votes.c.user, votes.c.vote, votes.c.at)
    said: dict[tuple[str, str], dict[str, Voice]] = {}
    for name, record, thought, user, vote, at in connection.execute(
        wanted.join(questions, votes.c.question == questions.c.id).order_by(votes.c.at)
    ):
        if name is not None and user in heard:
            voice = Voice(name, _short(record), heard[user], _step(thought or 0.0), vote in FIRST_HIT_VOTES, at)
            said.setdefault((name, user), {})[voice.record] = voice
    people = [sorted(each.values(), key=lambda voice: -voice.at)[:KEPT] for each in said.values()]
    if people:
        connection.execute(insert(voices), [asdict(voice) for each in people for voice in each])
    sums = _sums(people)
    for name, step in {(name, step) for name, step, _ in sums}:
        connection.execute(_row(name, step, {right: sums[name, step, right] for right in (True, False)}))
    announce(connection, TOPIC)
    return True


def _row(name: str, step: int, units: Mapping[bool, int]) -> Insert:
    right, wrong = units.get(True, 0), units.get(False, 0)
    return insert(tallies).values(knowledge_base=name, step=step, right=right, wrong=wrong)


def _short(record: str) -> str:
    """Return a record's id as it is stored: it may be as long as a cell, and PostgreSQL's keys have 2,700 bytes."""
    return record if len(record) <= RECORD_LENGTH else hashlib.blake2b(record.encode(), digest_size=32).hexdigest()


def _step(confidence: float) -> int:
    """Return the log-odds of a confidence in steps."""
    within = min(max(confidence, 1e-9), 1 - 1e-9)
    return max(min(round(STEPS * log(within / (1 - within))), FURTHEST), -FURTHEST)
