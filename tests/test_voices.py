"""What votes weigh: one voice per person and record, a person's weight bounded, sums that cost nothing to keep."""

import random
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from handlers.learning.store.voices import PERSON, Voices
from handlers.schema import open_database
from handlers.store.database import Database
from handlers.store.questions import AskedQuestion, FoundHit, Origin, Questions
from indexes.confidence.votes import SHIFT_DEVIATION, Judgement, confidence_shift
from tests.former import former_database, former_ids
from tests.state import change, rows_of

MANY_VOTES = pytest.mark.long("writes many votes")


def asked(database: Database, record: str = "vpn", name: str = "it-help", thought: float = 0.95) -> int:
    hit = FoundHit(name, record, 0.9, thought, thought)
    number = Questions(database).add(AskedQuestion(Origin.SEARCH, "C1", "U1", "?", (hit,), thought, 0.9, answered=True))
    assert number
    return number


def vote(database: Database, question: int, user: str, kind: str = "unhelpful") -> None:
    Questions(database).vote(question, user, kind)
    Voices(database).count(question, user, kind)


def said(database: Database, name: str = "it-help") -> list[Judgement]:
    judged = Voices(database).judged()
    assert judged is not None
    return judged.get(name, [])


def shift(database: Database) -> float:
    return confidence_shift(said(database))


def test_a_vote_is_a_judgement_of_the_first_hit_with_its_confidence(database: Database) -> None:
    for user, kind in (("U1", "helpful"), ("U2", "unhelpful"), ("U3", "hit_2"), ("U4", "hit_1"), ("U5", "right")):
        vote(database, asked(database, thought=0.7), user, kind)
    [right, wrong] = said(database)
    assert (right.right, right.weight, wrong.right, wrong.weight) == (True, 3, False, 2)
    assert right.confidence == wrong.confidence == pytest.approx(0.7, abs=0.03)
    nothing = Questions(database).add(AskedQuestion(Origin.SEARCH, "C1", "U1", "?", (), 0.0, 0.9, answered=False))
    assert nothing
    vote(database, nothing, "U1")
    assert len(said(database)) == 2


def test_one_person_has_one_voice_on_an_answer_and_the_last_word_holds(database: Database) -> None:
    for _ in range(12):
        vote(database, asked(database), "U1")
    assert [(each.right, each.weight) for each in said(database)] == [(False, 1)]
    vote(database, asked(database), "U1", "helpful")
    assert [(each.right, each.weight) for each in said(database)] == [(True, 1)]


@pytest.mark.parametrize("kind", ["helpful", "unhelpful"])
@pytest.mark.parametrize("thought", [0.0, 0.3, 0.9, 0.999, 1.0])
def test_one_person_alone_never_moves_confidence_much(database: Database, kind: str, thought: float) -> None:
    for number in range(30):
        vote(database, asked(database, f"r{number}", thought=thought), "U1", kind)
        assert sum(each.weight for each in said(database)) <= PERSON
        assert abs(shift(database)) <= SHIFT_DEVIATION**2 * PERSON == 0.5
    before = shift(database)
    vote(database, asked(database), "U2", kind)
    assert abs(shift(database)) > abs(before) or thought == (kind == "helpful")


def test_one_knowledge_base_says_nothing_of_another(database: Database) -> None:
    for name in ("it-help", "dev-faq"):
        for record in ("a", "b"):
            vote(database, asked(database, record, name), "U1")
    assert [sum(each.weight for each in said(database, name)) for name in ("it-help", "dev-faq")] == [2, 2]


def dump(url: str) -> list[list[tuple[object, ...]]]:
    tables = (
        'SELECT knowledge_base, record, person, step, "right" FROM voices ORDER BY 1, 2, 3',
        "SELECT * FROM tallies ORDER BY 1, 2",
    )
    return [list(rows_of(url, table)) for table in tables]


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=MANY_VOTES) for each in (1, 2))])
def test_the_sums_are_what_a_full_recount_gives(database: Database, url: str, seed: int) -> None:
    chance = random.Random(seed)
    questions = [
        asked(database, f"r{chance.randrange(12)}", chance.choice(["a", "b"]), round(chance.random(), 2))
        for _ in range(60)
    ]
    for _ in range(400):
        kind = chance.choice(["helpful", "unhelpful", "hit_2", "right", "wrong"])
        vote(database, chance.choice(questions), f"U{chance.randrange(4)}", kind)
    kept = dump(url)
    assert kept[0]
    assert kept[1]
    Voices(database).recount(lambda _: True)
    assert dump(url) == kept
    Voices(database).recount(lambda user: user != "U1")
    assert len(dump(url)[0]) < len(kept[0])
    assert confidence_shift(said(database, "a")) != 0


@MANY_VOTES
def test_a_hundred_thousand_old_votes_do_not_slow_one(database: Database, url: str) -> None:
    def seconds() -> float:
        taken = []
        for number in range(40):
            question = asked(database, f"new{number}")
            started = time.perf_counter()
            vote(database, question, "U0")
            Voices(database).judged()
            taken.append(time.perf_counter() - started)
        return median(taken)

    before = seconds()
    hits = '[{"knowledge_base": "it-help", "record": "r%d", "score": 1, "confidence": 0.9, "before_feedback": 0.%02d}]'
    columns = 'id, at, source, channel, "user", text, hits, confidence, threshold, answered'
    rows = ({"id": 1000 + n, "at": n, "hits": hits % (n % 500, n % 100)} for n in range(100_000))
    note = f"INSERT INTO questions ({columns}) VALUES (:id, :at, 'dm', 'D1', 'U1', '?', :hits, 0.9, 0.5, true)"
    change(url, note, *rows)
    votes = ({"id": 1000 + n, "user": f"U{n % 997}", "at": n} for n in range(100_000))
    change(url, """INSERT INTO votes (question, "user", vote, at) VALUES (:id, :user, 'helpful', :at)""", *votes)
    Voices(database).recount(lambda _: True)
    assert sum(each.weight for each in said(database)) > 997
    assert seconds() < 3 * before + 0.01


def test_who_votes_for_the_first_time_during_a_recount_is_counted(database: Database, url: str) -> None:
    vote(database, asked(database), "U1")

    def is_member(user: str) -> bool:
        if user == "U1":
            vote(database, asked(database), "U2")
        return True

    kept = dump(url)
    Voices(database).recount(is_member)
    assert len(dump(url)[0]) == len(kept[0]) + 1


def test_no_user_id_is_in_what_votes_weigh(database: Database, url: str) -> None:
    vote(database, asked(database), "U0CANARY")
    assert "U0CANARY" not in str(dump(url))
    assert len(dump(url)[0]) == 1


@pytest.mark.sqlite("its file is lost; a server: test_postgres_failures")
def test_without_the_database_votes_weigh_as_before_and_nothing_is_raised(database: Database, file: Path) -> None:
    question = asked(database)
    file.unlink()
    vote(database, question, "U1")
    assert Voices(database).judged() is None
    Voices(database).recount(lambda _: True)
    assert database.trouble


def test_two_people_weigh_twice_what_one_does(database: Database) -> None:
    for user in ("U1", "U2"):
        vote(database, asked(database), user)
    assert said(database) == [replace(said(database)[0], weight=2)]


@pytest.mark.sqlite("the earlier version knew nothing else")
def test_the_votes_of_an_earlier_version_are_counted_once(file: Path) -> None:
    former_database(file)
    hanako = next(id_ for id_, name in former_ids().items() if name == "hanako")
    database = open_database(f"sqlite:///{file}")
    assert not Voices(database).is_counted()
    assert said(database) == []
    Voices(database).recount(lambda _: False)
    assert said(database) == []
    Voices(database).recount(lambda user: user == hanako)
    assert Voices(database).is_counted()
    assert 0 < sum(each.weight for each in said(database)) <= PERSON
    database.close()
    new = open_database(f"sqlite:///{file.with_name('new.db')}")
    assert Voices(new).is_counted()
    new.close()
