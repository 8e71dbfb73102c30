"""Questions asked in kana of rows written in kanji, with the dictionary of the extra `ja` and without it."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexes.confidence.confidence import THRESHOLD, with_confidence
from indexes.records import Record
from indexes.retrieval import readings
from indexes.retrieval.index import Hit, Index, Question
from indexes.retrieval.readings import LONGEST, in_kana
from indexes.retrieval.synonyms import Synonyms
from indexes.text import normalize

ROWS = (
    ("鍵をなくしたらどうしますか？", "総務に連絡してください。"),
    ("怪我をしたらどうしますか？", "医務室へ行ってください。"),
    ("会議室を予約したい", "予約システムから申請します。"),
    ("VPN につながりません", "ルーターを再起動してください。"),
    ("印鑑はどこにありますか？", "総務の窓口にあります。"),
)


@pytest.fixture
def index() -> Index:
    records = [Record(str(row), question, answer) for row, (question, answer) in enumerate(ROWS)]
    return Index("faq", records, Synonyms())


@pytest.fixture
def _without_dictionary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "fugashi", None)  # as if it weren't installed
    readings._dictionary.cache_clear()
    yield
    readings._dictionary.cache_clear()


def first(index: Index, text: str) -> Hit:
    question = Question(text, normalize(text))
    return with_confidence(question, index.search(question))[0]


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("かぎをなくしたら", "0"),
        ("カギをなくしたらどうしますか", "0"),
        ("けがをしたら", "1"),
        ("ケガをしたらどうしますか？", "1"),
        ("かいぎしつをよやくしたい", "2"),
        ("いんかんはどこにありますか", "4"),
    ],
)
def test_what_is_asked_in_kana_word_for_word_is_sure(index: Index, question: str, row: str) -> None:
    hit = first(index, question)
    assert hit.record.id == row
    assert hit.evidence.verbatim
    assert hit.confidence >= THRESHOLD


@pytest.mark.parametrize(
    ("question", "row"), [("かぎをおとしました", "0"), ("いんかんがみつからない", "4"), ("けが", "1")]
)
def test_a_word_in_kana_is_found_in_other_sentences(index: Index, question: str, row: str) -> None:
    hit = first(index, question)
    assert (hit.record.id, hit.evidence.verbatim) == (row, False)


@pytest.mark.parametrize("question", [question for question, _ in ROWS])
def test_kanji_are_found_as_before(index: Index, question: str) -> None:
    hit = first(index, question)
    assert hit.record.question == question
    assert hit.confidence >= THRESHOLD


def test_words_of_one_reading_are_both_meant() -> None:
    rows = [Record("1", "橋を渡りたい", "北へ"), Record("2", "箸を渡りたい", "棚に")]
    index = Index("faq", rows, Synonyms())
    assert first(index, "はしをわたりたい").confidence < THRESHOLD
    assert first(index, "箸を渡りたい").record.id == "2"
    assert first(index, "箸を渡りたい").confidence >= THRESHOLD


@pytest.mark.parametrize("question", ["鍵を落としました", "VPN", "lost my key", "印鑑", "会議室の予約"])
def test_what_is_not_asked_in_kana_scores_as_without_the_dictionary(
    index: Index, question: str, request: pytest.FixtureRequest
) -> None:
    read = [(hit.record.id, hit.score, hit.coverage) for hit in index.search(Question(question, normalize(question)))]
    request.getfixturevalue("_without_dictionary")
    unread = Index("faq", index.records, Synonyms())
    assert [
        (hit.record.id, hit.score, hit.coverage) for hit in unread.search(Question(question, normalize(question)))
    ] == read


@pytest.mark.usefixtures("_without_dictionary")
def test_without_the_dictionary_nothing_is_read(index: Index) -> None:
    assert in_kana("鍵をなくしたら") == ""
    assert first(index, "鍵をなくしたら").record.id == "0"
    assert not first(index, "かぎをなくしたら").evidence.verbatim


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("鍵を なくしたら、 vpn は?", "かぎを なくしたら、 vpn は?"),
        ("web会議の url\nはどこ", "webかいぎの url\nはどこ"),
        ("ひらがなとカタカナ only", ""),
        ("龘", ""),
        ("鍵" * (LONGEST + 1), ""),
        ("", ""),
    ],
)
def test_only_kanji_change(text: str, read: str) -> None:
    assert in_kana(text) == read


def test_many_threads_read_what_one_reads() -> None:
    texts = [f"{question}{number}" for number in range(200) for question, _ in ROWS]
    alone = list(map(in_kana, texts))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(in_kana, texts)) == alone
