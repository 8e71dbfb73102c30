"""Synonyms that are proposed from questions whose answer is known: which, which not, and how they are written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from indexes.records import Record
from indexes.records.editing import FOLDER
from indexes.retrieval.lexical import LexicalIndex
from indexes.retrieval.synonyms import Synonyms, read_synonyms
from indexes.retrieval.synonyms_editing import add_synonyms
from indexes.synonym_mining.association import is_sure, likelihood_ratio
from indexes.synonym_mining.cases import KnownQuestion
from indexes.synonym_mining.knowledge import ROWS, Knowledge
from indexes.synonym_mining.mining import Proposal, Support, mine
from indexes.synonym_mining.terms import Text
from indexes.text import normalize
from tests.sets.words.__main__ import measure

ROWS_EN = (
    ("broken", "The screen of my notebook is cracked."),
    ("carry", "May I carry a notebook out of the office?"),
    ("swap", "When is a notebook exchanged?"),
    ("dark", "The screen in the meeting room is dark."),
    ("dim", "The screen of the monitor flickers."),
    ("key", "May I carry keys out of the office?"),
    ("bulb", "Who exchanges bulbs?"),
    ("desk", "Who exchanges desks?"),
    ("room", "How are meeting rooms reserved?"),
    ("vpn", "The VPN does not connect."),
)
RECORDS = tuple(Record(id_, question, f"See page {n}.") for n, (id_, question) in enumerate(ROWS_EN, start=10))
ASKED = (
    ("laptop screen broken", "broken", "U1"),
    ("carry my laptops", "carry", "U2"),
    ("Laptop exchanged when", "swap", "U1"),
)
SETS = Path(__file__).parent / "sets"


def knowledge(records: Sequence[Record] = RECORDS, synonyms: Synonyms | None = None) -> dict[str, Knowledge]:
    return {"faq": Knowledge(records, LexicalIndex(records, synonyms or Synonyms()))}


def questions(asked: Sequence[tuple[str, str, str]] = ASKED) -> list[KnownQuestion]:
    return [KnownQuestion(n, text, "faq", record, person) for n, (text, record, person) in enumerate(asked)]


def proposed(
    asked: Sequence[tuple[str, str, str]] = ASKED,
    records: Sequence[Record] = RECORDS,
    synonyms: Synonyms | None = None,
    support: Support | None = None,
) -> list[Proposal]:
    synonyms = synonyms or Synonyms()
    return mine(knowledge(records, synonyms), questions(asked), synonyms, support)


def pairs(found: Sequence[Proposal]) -> list[tuple[tuple[str, ...], str]]:
    return [(each.said, each.known) for each in found]


def test_a_word_is_proposed_in_all_its_forms_with_its_questions() -> None:
    (found,) = proposed()
    assert found.said == ("laptop", "laptops")
    assert found.known == "notebook"
    assert found.questions == (0, 1, 2)
    assert found.improved >= 1


def test_the_pair_makes_the_right_row_the_first() -> None:
    (found,) = proposed()
    synonyms = Synonyms([(form, found.known) for form in found.said])
    index = LexicalIndex(RECORDS, synonyms)
    for text, right, _ in ASKED:
        asked = index.query(synonyms.apply(normalize(text)))
        rows = asked.best(1)
        assert [RECORDS[row].id for row in rows] == [right]


def test_fewer_people_questions_or_answers_propose_nothing() -> None:
    assert proposed([(text, record, "U1") for text, record, _ in ASKED]) == []
    assert proposed(ASKED[:2]) == []
    assert proposed([(f"{text} laptop {n}", "broken", f"U{n}") for n, text in enumerate(("old", "new", "my"))]) == []
    assert proposed(support=Support(people=3)) == []


def test_repeating_a_question_adds_nothing() -> None:
    again = [(text.upper(), record, f"U{n}") for n in range(9) for text, record, _ in ASKED[:2]]
    assert proposed(again) == []


def test_a_word_that_any_row_has_is_no_candidate() -> None:
    said = replace(RECORDS[-1], answer="Restart the laptop.")
    assert proposed(records=[*RECORDS[:-1], said]) == []
    other = {**knowledge(), "other": Knowledge([said], LexicalIndex([said], Synonyms()))}
    assert mine(other, questions(), Synonyms()) == []


def test_a_pair_that_harms_a_known_question_is_not_proposed() -> None:
    """The row about carrying keys is the first for an office without a notebook, and the second with one."""
    assert pairs(proposed([*ASKED, ("laptop at the office", "carry", "U3")])) == [(("laptop", "laptops"), "notebook")]
    assert proposed([*ASKED, ("laptop at the office", "key", "U3")]) == []


def test_a_pair_in_use_is_not_proposed_again_and_none_is_chained() -> None:
    in_use = Synonyms([("laptop", "notebook"), ("laptops", "notebook")])
    assert proposed(synonyms=in_use) == []
    assert proposed(synonyms=Synonyms([("portable", "laptop"), ("x", "laptops")])) == []


def test_questions_of_rows_that_are_gone_are_left_out() -> None:
    assert proposed([*ASKED, ("laptop laptop", "gone", "U3")]) == proposed()
    assert mine({}, questions(), Synonyms()) == []


def test_in_a_large_knowledge_base_every_row_counts() -> None:
    count = 2 * ROWS + 1
    many = [Record(f"n{n}", f"Carry form {n}", f"Shelf {n}.") for n in range(count)]
    assert pairs(proposed(records=[*RECORDS, *many])) == [(("laptop", "laptops"), "notebook")]
    odd = replace(many[1], answer="It tells of a laptop.")
    assert proposed(records=[*RECORDS, many[0], odd, *many[2:]]) == []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("how do i get the wi-fi password?", {"wi-fi", "password", "wi-fi password"}),
        ("the card's number won't work", {"number"}),
        ("ノーパソの画面が割れたんですけど", {"ノーパソ", "画面"}),
        ("スマートフォンを今日なくしました", {"スマートフォン"}),
        ("2026", set()),
        ("", set()),
    ],
)
def test_terms_are_whole_words_and_noun_phrases(text: str, terms: set[str]) -> None:
    assert set(Text(normalize(text)).terms) == terms


def test_the_ratio_is_dunnings() -> None:
    assert likelihood_ratio(10, 0, 0, 10) == pytest.approx(27.7259, abs=1e-4)
    assert likelihood_ratio(1, 9, 9, 81) == 0.0
    assert likelihood_ratio(0, 5, 5, 90) == 0.0
    assert is_sure(3.85, 1)
    assert not is_sure(3.85, 2)


def test_most_proposals_are_right_on_sets_that_nothing_was_tuned_to() -> None:
    found = [
        measure(name, SETS / name / "kb.csv", SETS / name / "queries.jsonl", Support())
        for name in ("library-en", "clinic-ja")
    ]
    right, wrong = (sum(len(getattr(each, name)) for each in found) for name in ("right", "wrong"))
    assert right >= 2
    assert right / (right + wrong) >= 0.8


# -- Writing -----------------------------------------------------------------------------------------


def test_a_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "_synonyms.csv"
    added = add_synonyms(path, [("ノーパソ", "ノートパソコン")], FOLDER)
    assert added
    assert (added.before, added.pairs_before, added.pairs) == (None, 0, 1)
    assert path.read_text("utf-8") == "original,normalized\nノーパソ,ノートパソコン\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("original,normalized\nPW,password", "original,normalized\nPW,password\nwlan,Wi-Fi"),
        (
            '﻿元の語;正規化;メモ\r\n"PW";"パスワード";"x"\r\n',
            '﻿元の語;正規化;メモ\r\n"PW";"パスワード";"x"\r\n"wlan";"Wi-Fi";""\r\n',
        ),
    ],
)
def test_every_other_byte_stays(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "_synonyms.csv"
    path.write_bytes(before.encode())
    add_synonyms(path, [("wlan", "Wi-Fi")], FOLDER)
    assert path.read_bytes().decode() == after
    assert ("wlan", "Wi-Fi") in read_synonyms(path).pairs


def test_what_is_there_already_is_not_added_again(tmp_path: Path) -> None:
    path = tmp_path / "_synonyms.csv"
    path.write_text("original,normalized\nLaptop,computer\n", encoding="utf-8")
    assert add_synonyms(path, [("laptop", "notebook")], FOLDER) is None
    assert path.read_text("utf-8") == "original,normalized\nLaptop,computer\n"
    added = add_synonyms(path, [("laptop", "notebook"), ("laptops", "notebook")], FOLDER)
    assert added
    assert added.pairs == 2
