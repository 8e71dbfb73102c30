"""What people write in two ways is one thing to a search by words: kana, plurals, punctuation, copies of a row."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.confidence.confidence import DOUBTFUL, THRESHOLD, with_confidence
from indexes.records import Record, has_answer, read_records
from indexes.retrieval.dense import DenseIndex
from indexes.retrieval.folding import singular, singular_words, verbatim_key
from indexes.retrieval.index import Hit, Index, Question
from indexes.retrieval.synonyms import Synonyms
from indexes.retrieval.tokens import character_tokens, in_hiragana
from indexes.search import FaissSearch
from indexes.text import normalize

SURE = 0.95
KNOWLEDGE = Path(__file__).parents[1] / "bot" / "samples"
SAMPLES = ("dev-faq", "hr-somu", "it-help")

HIRAGANA = "".join(map(chr, range(0x3041, 0x3097)))
TO_KATAKANA = {ord(letter): ord(letter) + 0x60 for letter in HIRAGANA}
KANA = st.text(st.sampled_from(f"{HIRAGANA}ー鍵出a1 "), max_size=30)


def index(*rows: tuple[str, str]) -> Index:
    records = [
        Record(id=str(number), question=question, answer=answer) for number, (question, answer) in enumerate(rows)
    ]
    return Index("kb", records, Synonyms())


def ask(base: Index, text: str, top_k: int = 3) -> list[Hit]:
    question = Question(text, normalize(text))
    return with_confidence(question, base.search(question, top_k))


@settings(deadline=None)
@given(KANA)
def test_hiragana_and_katakana_are_the_same_characters(text: str) -> None:
    other = text.translate(TO_KATAKANA)
    assert sorted(character_tokens([text]).keys) == sorted(character_tokens([other]).keys)
    assert sorted(in_hiragana(character_tokens([other]).keys)) == sorted(character_tokens([text]).keys)
    assert verbatim_key(normalize(text)) == verbatim_key(normalize(other))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_punctuation_and_spaces_at_the_ends_do_not_change_a_verbatim_key(text: str) -> None:
    key = verbatim_key(normalize(text))
    assert verbatim_key(normalize(f"  {text} ?!。… ")) == key or any(map(str.isspace, text.split(" ")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("what is c?", "what is c#?"),
        ("what is c?", "what is c++?"),
        ("version 1.5", "version 15"),
        ("err-4012", "err-4013"),
        ("can i register", "can't i register"),
        ("鍵をなくしたら", "鍵をなくさないために"),
    ],
)
def test_other_questions_have_other_verbatim_keys(one: str, other: str) -> None:
    assert verbatim_key(normalize(one)) != verbatim_key(normalize(other))


@pytest.mark.parametrize("text", ["", " ", "?!", "。。。", "…"])
def test_nothing_but_punctuation_is_nothing_verbatim(text: str) -> None:
    assert verbatim_key(normalize(text)) == 0
    assert not len(index(("…", "a"), ("b", "c")).lexical.verbatim(normalize(text)))


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("fee", "fees"),
        ("box", "boxes"),
        ("cache", "caches"),
        ("batch", "batches"),
        ("size", "sizes"),
        ("class", "classes"),
        ("policy", "policies"),
        ("cookie", "cookies"),
        ("is", "are"),
    ],
)
def test_a_plural_is_its_singular(one: str, many: str) -> None:
    assert singular(one) == singular(many)


@settings(deadline=None)
@given(st.text(st.sampled_from("fesx aricb.'-"), max_size=30))
def test_a_text_is_folded_as_its_words_are(text: str) -> None:
    assert singular_words(text).count(" ") == text.count(" ")
    assert " ".join(singular_words(word) for word in text.split()) == singular_words(" ".join(text.split()))


@pytest.mark.parametrize("word", ["access", "status", "analysis", "aws", "größes", "k8s", "err4012s", "привет"])
def test_what_is_no_english_plural_stays(word: str) -> None:
    assert singular(word) == word


def test_words_that_differ_in_more_than_number_stay_apart() -> None:
    words = ["fee", "feed", "bus", "bush", "pass", "past", "price", "prize", "case", "cash", "policy", "police"]
    assert len({singular(word) for word in words}) == len(words)


TWINS = (
    ("What are the gym membership fees?", "Basic 30 a month"),
    ("membership fees?", "Basic 30 a month"),
    ("What is the tax in membership fee?", "The tax is 18 %"),
    ("Can I pay the membership fee in parts?", "Only for the Plus plan"),
    ("What are the opening hours?", "From 6 to 22"),
    ("Is there a sauna?", "Yes, on the first floor"),
    ("May I bring a guest?", "Once a month"),
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("membership fee", "Basic 30 a month"),
        ("membership fees", "Basic 30 a month"),
        ("gym membership fee", "Basic 30 a month"),
        ("What is the membership fee?", "Basic 30 a month"),
        ("What are the membership fees?", "Basic 30 a month"),
        ("opening hour", "From 6 to 22"),
        ("saunas", "Yes, on the first floor"),
        ("guests", "Once a month"),
    ],
)
def test_the_plural_of_a_question_is_answered_as_its_singular(question: str, answer: str) -> None:
    assert ask(index(*TWINS), question)[0].record.answer == answer


RUBBISH = (
    ("{}の出し方は", "火曜と金曜に出します"),
    ("会議室の予約は", "カレンダーから取ります"),
    ("駐車場の場所は", "裏口です"),
)


@pytest.mark.parametrize("word", ["ごみ", "はんこ", "めがね", "たばこ"])
@pytest.mark.parametrize("question", ["{}", "{}の出し方は", "{}はいつ出しますか"])
def test_a_word_in_one_kana_is_found_in_the_other(word: str, question: str) -> None:
    katakana = word.translate(TO_KATAKANA)
    for written, said in ((word, katakana), (katakana, word)):
        base = index(*((text.format(written), answer) for text, answer in RUBBISH))
        here, there = ask(base, question.format(said))[0], ask(base, question.format(written))[0]
        assert here.record.id == there.record.id == "0"
        assert here.lexical > there.lexical / 2


ACCIDENTS = (("かぎをなくしたら", "守衛に言います"), ("けがをしたら", "医務室に来ます"), *RUBBISH[1:])


@pytest.mark.parametrize("question", ["{}", "{}。", "{} ?", "{}どうしますか", "{}どうすればいいですか"])
@pytest.mark.parametrize("row", [0, 1])
def test_hiragana_word_for_word_is_sure(question: str, row: int) -> None:
    asked, answer = ACCIDENTS[row]
    for written in (asked, asked.translate(TO_KATAKANA)):
        best = ask(index(*ACCIDENTS), question.format(written))[0]
        assert (best.record.answer, best.confidence >= SURE) == (answer, True)


@pytest.mark.parametrize("rows", [(), (("かぎは", ""),), (("…", ""),), (("key", ""),)])
@pytest.mark.parametrize("question", ["カギ", "かぎ", "鍵", "keys", "", "…"])
def test_any_kana_can_be_asked_of_any_knowledge_base(rows: tuple[tuple[str, str], ...], question: str) -> None:
    assert len(ask(index(*rows), question)) == len(rows)


@pytest.mark.parametrize("question", ["どうすればいいですか", "ありがとうございます", "めがねをなくしたら", "おはよう"])
def test_hiragana_about_something_else_is_not(question: str) -> None:
    assert ask(index(*ACCIDENTS), question)[0].confidence < DOUBTFUL


def sample_questions() -> Iterator[tuple[str, str, Record]]:
    """Yield knowledge base, question or alias, and record of each row of the samples."""
    for name in SAMPLES:
        for record in read_records(KNOWLEDGE / f"{name}.csv").records:
            for text in (record.question, *record.aliases):
                yield name, text, record


@pytest.mark.long("asks hundreds of questions")
def test_every_question_and_alias_of_the_samples_is_sure_of_its_own_answer(tmp_path: Path) -> None:
    bases = {name: FaissSearch(KNOWLEDGE / f"{name}.csv", None, data_dir=tmp_path) for name in SAMPLES}
    try:
        for name, text, record in sample_questions():
            for written in (text, f"{text.rstrip('?').rstrip('。')} ", text.upper(), text.translate(TO_KATAKANA)):
                best = bases[name].search(written)[0]
                assert best.record.answer == record.answer, written
                assert best.confidence >= (SURE if has_answer(record) else 0), written
    finally:
        for base in bases.values():
            base.close()


def test_the_same_question_with_two_answers_is_not_sure() -> None:
    hits = ask(index(("Where is it?", "Here"), ("where is it", "There"), ("Who?", "Me")), "Where is it?")
    assert {hit.record.answer for hit in hits[:2]} == {"Here", "There"}
    assert hits[0].confidence < THRESHOLD


@pytest.mark.parametrize("copies", [2, 5, 60, 400])
def test_copies_of_a_row_do_not_beat_a_match(copies: int) -> None:
    rows = [(f"What is the hostel fee? ({number})", "It depends") for number in range(copies)]
    base = index(
        *rows, ("Is the hostel fee refundable for guests?", "Until one week before"), ("Rules?", "At the door")
    )
    for question in ("Is the hostel fee refundable for guests", "is the hostel fee refundable for my guests"):
        assert ask(base, question)[0].record.answer == "Until one week before"


@pytest.mark.parametrize("copies", [2, 5, 60, 400])
@pytest.mark.parametrize("question", ["What is the hostel fee?", "hostel fee", "something else"])
def test_other_answers_are_shown_beside_a_row_with_many_copies(copies: int, question: str, tmp_path: Path) -> None:
    lines = [f"What is the hostel fee? ({number}),It depends" for number in range(copies)]
    lines += ["Is the hostel fee refundable?,Until one week before", "When do doors close?,At 23:00", "Hostel pets?,No"]
    file = tmp_path / "hostel.csv"
    file.write_text("\n".join(["question,answer", *lines]), encoding="utf-8")
    with FaissSearch(file, None, data_dir=tmp_path / "data") as base:
        for top_k in (2, 3, 4):
            assert len({hit.record.answer for hit in base.search(question, top_k)}) == top_k


def test_other_answers_are_found_by_their_vectors_too() -> None:
    copies, width = 400, 8
    near = np.zeros((copies + 2, width), dtype=np.float32)
    near[:, 0], near[copies:, 1] = 1.0, (0.5, 2.0)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    records = [Record(id=str(row), question=f"q{row}", answer=f"a{max(row - copies, -1)}") for row in range(copies + 2)]
    dense = DenseIndex.build(near, np.arange(copies + 2, dtype=np.int32))
    hits = Index("kb", records, Synonyms(), dense).search(Question("zzz", "zzz", near[0]), 3)
    assert [hit.record.answer for hit in hits] == ["a-1", "a0", "a1"]
