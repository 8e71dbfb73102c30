"""Stores that several replicas of the bot use at once, on a real PostgreSQL server."""
# ruff: noqa: E501 - a table has one line a row

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Table, func, select, text

from handlers.answers.store.publications import Publication, Publications, publications
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.learning.store.alias_votes import AliasVote, AliasVotes, confirmations
from handlers.learning.store.judged_replies import JudgedReplies, Proofs, rejudged
from handlers.learning.store.learned_aliases import LearnedAliases, StoredAlias
from handlers.learning.store.misses import Misses, closings, reports
from handlers.learning.store.voices import Voices, tallies, voices
from handlers.schema import open_database
from handlers.store.buckets import AT_ONCE, SharedBuckets, buckets
from handlers.store.channel_names import Binding, BindingState, ChannelNames, channel_names
from handlers.store.channel_settings import ChannelSettings, settings
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.installation import Installation, installation
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles, knowledge_files
from handlers.store.outbox import Post, Posts
from handlers.store.questions import AskedQuestion, FoundHit, Origin, PostedReply, Questions, replies, votes
from handlers.store.shown_pictures import ShownPictures
from handlers.token_buckets import Limit, Taken, TokenBuckets

HIT = FoundHit("it-help", "vpn", 0.9, 0.95, 0.9)
QUESTION = AskedQuestion(Origin.SEARCH, "C1", "U1", "VPNにつながらない", (HIT,), 0.95, 0.9, answered=True)
ALIAS = StoredAlias("it-help", "vpn", "VPN?", "vpn", "vpn!", ("U1",), "U2")
ROUNDS = 8
THREADS = 2
Result = TypeVar("Result")


@pytest.fixture
def replicas(postgresql: str) -> Iterator[list[Database]]:
    opened = [open_database(postgresql) for _ in range(3)]
    yield opened
    for each in opened:
        assert each.trouble is None
        each.close()


def at_once(replicas: list[Database], work: Callable[..., Result], *given: int) -> list[Result]:
    """Let each replica do the same with two threads, all of which begin together."""
    barrier = Barrier(len(replicas) * THREADS)

    def begin(database: Database) -> Result:
        barrier.wait(30)
        return work(database, *given)

    with ThreadPoolExecutor(len(replicas) * THREADS) as pool:
        return list(pool.map(begin, replicas * THREADS))


def rows_of(database: Database, table: Table) -> int:
    found = database.read("count", select(func.count()).select_from(table))
    assert found
    return int(found[0][0])


def publish(database: Database, number: int) -> bool:
    with Publications(database).only_once(number, "share", Publication("C1", "U1")) as first:
        return first


BINDING = Binding("it-help", "C1", BindingState.BOUND)
FILE = KnowledgeFile("it-help", Path("it-help.csv"), FileState.KEPT, "U1")

ONE_ROW: list[tuple[Table, Callable[[Database, int], object]]] = [
    (votes, lambda database, number: Questions(database).vote(number, "U1", "helpful")),
    (replies, lambda database, number: Questions(database).remember_reply("C1", f"{number}", PostedReply("2.0", number, Origin.MENTION))),
    (reports, lambda database, number: Misses(database).report(number, "U1", "")),
    (closings, lambda database, number: Misses(database).close(number, "answered", "U1")),
    (confirmations, lambda database, number: AliasVotes(database).add(AliasVote("U1", number, "?", "it-help", "vpn", agrees=True))),
    (rejudged, lambda database, number: JudgedReplies(database).keep_confidences({(number, "stamp"): 0.5})),
    (settings, lambda database, number: ChannelSettings(database).set(f"C{number % 9}", "threshold", "0.5", "U1")),
    (channel_names, lambda database, _: ChannelNames(database).remember([BINDING])),
    (channel_names, lambda database, _: ChannelNames(database).decide([BINDING])),
    (knowledge_files, lambda database, _: KnowledgeFiles(database).remember([FILE])),
    (knowledge_files, lambda database, _: KnowledgeFiles(database).decide(FILE)),
    (installation, lambda database, number: Installation(database).set(f"fact {number}", "1")),
    (publications, publish),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "work"), ONE_ROW, ids=[f"{at} {table.name}" for at, (table, _) in enumerate(ONE_ROW)]
)
def test_what_all_write_at_once_is_one_row(
    replicas: list[Database], table: Table, work: Callable[[Database, int], object]
) -> None:
    before = rows_of(replicas[0], table)
    written = set()
    for _ in range(ROUNDS):
        number = Questions(replicas[0]).add(QUESTION)
        assert number
        at_once(replicas, work, number)
        written.add(
            f"C{number % 9}" if table is settings else "same" if table in {channel_names, knowledge_files} else number
        )
    assert rows_of(replicas[0], table) - before == len(written)


def begin(database: Database, number: int) -> bool:
    """Begin a post, and return whether it is the first of its id."""
    post = Post(f"{number}", "C1", None, 1.0)
    return Posts(database).begin(post) is post


FIRST: list[Callable[[Database, int], object]] = [
    lambda database, number: Claims(database).take(f"event:{number}"),
    lambda database, number: Claims(database).take_forever(f"introduced:{number}"),
    lambda database, number: LearnedAliases(database).add(StoredAlias(**vars(ALIAS) | {"key": f"{number}"})),
    lambda database, number: Proofs(database).change(f"C{number}"[:32], "it-help", proved=True),
    begin,
    publish,
]


@pytest.mark.parametrize("work", FIRST)
def test_one_is_first(replicas: list[Database], work: Callable[[Database, int], object]) -> None:
    for _ in range(ROUNDS):
        number = Questions(replicas[0]).add(QUESTION)
        assert number
        assert sorted(map(bool, at_once(replicas, work, number))) == [False] * 5 + [True]


def test_one_admin_decides(replicas: list[Database]) -> None:
    for _ in range(ROUNDS):
        number = Proposals(replicas[0]).add(Proposal("U1", "it-help", {"question": "?"}))
        won = at_once(replicas, lambda database, proposal: Proposals(database).claim(proposal, "U2"), number)
        assert sorted(won) == [False] * 5 + [True]


def test_no_voice_is_lost_and_none_counts_twice(replicas: list[Database]) -> None:
    number = Questions(replicas[0]).add(QUESTION)
    assert number
    people = [f"U{person}" for person in range(24)]
    for database, user in zip(replicas * 8, people, strict=True):
        Questions(database).vote(number, user, "helpful", member=True)

    def count(database: Database) -> None:
        for user in people:
            Voices(database).count(number, user, "helpful")

    at_once(replicas, count)
    counted = replicas[0].read("read", select(tallies))
    assert rows_of(replicas[0], voices) == len(people)
    Voices(replicas[1]).recount(lambda _: True)
    assert replicas[0].read("read", select(tallies)) == counted


def test_no_picture_is_forgotten(replicas: list[Database]) -> None:
    def show(database: Database) -> None:
        for number in range(ROUNDS):
            place = f"{id(database)} {number}"
            ShownPictures.change(database, partial(ShownPictures.with_shown, place=place, file=f"F{place}"))

    at_once(replicas, show)
    assert len(ShownPictures.read(replicas[0]).shown) == len(replicas) * ROUNDS


def test_what_one_sets_the_others_read(replicas: list[Database]) -> None:
    first, second, _ = replicas
    assert ChannelSettings(second).of("C1") == {}
    ChannelSettings(first).set("C1", "threshold", "0.5", "U1")
    assert ChannelSettings(second).of("C1")["threshold"].value == "0.5"
    assert ChannelSettings(second).channels() == ["C1"]


def test_requests_that_were_counted_elsewhere_while_the_database_hung_are_not_counted_once_more(
    replicas: list[Database],
) -> None:
    limit, asked = Limit(burst=100, per_second=0.001), 4 * AT_ONCE
    shared = SharedBuckets(replicas[0], TokenBuckets(limit))
    with replicas[1].own_connection() as hanging, ThreadPoolExecutor(asked) as pool:
        hanging.execute(text("BEGIN"))
        hanging.execute(text("LOCK TABLE buckets IN EXCLUSIVE MODE"))
        assert list(pool.map(shared.take, ["U1"] * asked)) == [Taken.YES] * asked
        hanging.execute(text("ROLLBACK"))
    shared.take("U1")
    [(left,)] = replicas[2].read("look what is left", select(buckets.c.tokens)) or ()
    assert 100 - AT_ONCE - 1 <= left < 100
