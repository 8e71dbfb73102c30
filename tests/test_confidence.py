from dataclasses import replace
from math import log
from typing import Any

import pytest

from indexes.confidence.confidence import DENSE, DOUBTFUL, LEXICAL, THRESHOLD, confident, with_confidence
from indexes.records import Record
from indexes.retrieval.index import Evidence, Hit, Index, Question
from indexes.retrieval.synonyms import Synonyms
from indexes.text import normalize

KNOWLEDGE = [
    ("パスワードを忘れました", "ポータルの「パスワードを忘れた方」から再設定してください。"),
    ("VPNにつながらない", "証明書の期限を確認し、端末を再起動してください。"),
    ("経費精算の締め日はいつですか", "毎月25日です。"),
    ("有給休暇の申請方法を教えてください", "勤怠システムの「休暇申請」から申請します。"),
    ("会議室を予約したい", "カレンダーで会議室を参加者として追加します。"),
    ("How do I connect the office printer?", "Add printer PRN-01 in System Settings."),
    ("Where do I find my payslip?", "In the HR portal under Documents."),
    ("What does error ERR-4012 mean?", "The licence server is unreachable; connect to the VPN."),
]


def index() -> Index:
    return Index("it", [Record(id=str(n), question=q, answer=a) for n, (q, a) in enumerate(KNOWLEDGE)], Synonyms())


def asked(text: str) -> Question:
    return Question(text, normalize(text))


def confidence(text: str) -> float:
    return with_confidence(asked(text), index().search(asked(text)))[0].confidence


def hit(name: str, answer: str, score: float, *, dense: float | None = None, **evidence: float) -> Hit:
    record = Record(id=name, question=name, answer=answer)
    return Hit(record, "kb", score, dense, lexical=0.5, coverage=0.5, evidence=Evidence(score, **evidence))  # type: ignore[arg-type]


def odds(hits: list[Hit], **options: Any) -> float:
    confidence = with_confidence(asked("q"), hits, **options)[0].confidence
    return log(confidence / (1 - confidence))


def test_the_logistic_by_hand() -> None:
    lexical = hit("a", "yes", 0.7, rival=0.5, agreement=0.4, words=6)
    factors = LEXICAL.factors
    assert odds([lexical]) == pytest.approx(
        LEXICAL.constant + factors.lexical * 0.5 + factors.decision * 0.2 * 0.5 * log(7) + factors.agreement * 0.4
    )
    dense = hit("a", "yes", 0.9, dense=0.8, rival=0.4, background=0.1, missing=0.25)
    factors = DENSE.factors
    assert odds([dense]) == pytest.approx(
        DENSE.constant + factors.score * 0.9 + factors.decision * 0.3 + factors.lift * 0.7 + factors.missing * 0.25
    )


def test_hits_that_are_judged_alone_have_the_same_confidence_as_among_the_others() -> None:
    hits = [hit("a", "yes", 0.9, dense=0.8), hit("b", "no", 0.85, dense=0.8), hit("c", "yes", 0.7, dense=0.6)]
    judged = with_confidence(asked("q"), hits)
    assert with_confidence(asked("q"), hits, None, [hits[0], hits[2]]) == [judged[0], judged[2]]
    assert with_confidence(asked("?"), hits, None, hits[1:2]) == [hits[1]]


def test_votes_shift_a_knowledge_base_and_an_encoder_that_loses_its_questions_is_less_sure() -> None:
    dense = hit("a", "yes", 0.9, dense=0.8)
    lost = hit("a", "yes", 0.9, dense=0.8, lost=0.25)
    assert odds([lost]) == pytest.approx(odds([dense]) + DENSE.factors.lost * 0.25)
    assert DENSE.factors.lost < 0
    assert odds([dense], shifts={"kb": 0.5, "other": 9}) == pytest.approx(odds([dense]) + 0.5)


def test_the_margin_is_over_the_best_different_answer_of_any_index() -> None:
    merged = [hit("a", "yes", 0.7, rival=0.2), hit("b", "ＹＥＳ", 0.6), hit("c", "no", 0.5)]
    assert [h.record.id for h in with_confidence(asked("q"), merged)] == ["a", "b", "c"]
    assert odds(merged) == pytest.approx(odds([hit("a", "yes", 0.7, rival=0.5)]))
    assert odds([hit("a", "", 0.7), hit("b", "", 0.6)]) == pytest.approx(odds([hit("a", "", 0.7, rival=0.6)]))


@pytest.mark.parametrize(
    "text",
    [
        "パスワードを忘れてしまいました",
        "VPNがつながらないです",
        "有給休暇の申請方法",
        "経費精算の締め日",
        "where can I find my payslip",
        "ERR-4012",
    ],
)
def test_what_the_knowledge_base_says_is_known(text: str) -> None:
    assert confidence(text) >= 0.6


@pytest.mark.parametrize(
    "text",
    [
        "ありがとう",
        "ありがとうございます！",
        "お疲れさまです",
        "lunch anyone?",
        "thanks a lot",
        "ok",
        "了解です",
        "おはようございます",
        "今日の天気は?",
        "who won the world cup in 1998",
        "?",
        "🎉",
        "",
    ],
)
def test_chatter_and_other_subjects_are_not(text: str) -> None:
    assert confidence(text) < THRESHOLD / 2


def test_nothing_found_is_nothing_judged() -> None:
    assert with_confidence(asked("q"), []) == []


@pytest.mark.parametrize("question", ["2", "2?", "10", "1-1", "137", "２"])
def test_a_question_of_digits_is_not_about_the_rows_that_have_them(question: str) -> None:
    records = [
        Record(id="place", question="オフィスの住所を教えてください", answer="東京都千代田区1-2-10 3階 です"),
        Record(id="code", question="What does exit code 137 mean?", answer="It ran out of memory."),
        Record(id="asked", question="619", answer="The VPN's server is busy."),
    ]
    index = Index("digits", records, Synonyms())
    assert with_confidence(asked(question), index.search(asked(question)))[0].confidence <= DOUBTFUL
    assert with_confidence(asked("619"), index.search(asked("619")))[0].confidence >= THRESHOLD


def test_the_best_of_the_unsure_make_up_the_number_and_the_order_stays() -> None:
    sure = {"a": 0.4, "b": 0.5, "c": 0.95, "d": 0.1}
    hits = [replace(hit(name, name, 1.0), confidence=confidence) for name, confidence in sure.items()]

    def kept(min_confidence: float, min_k: int) -> str:
        return "".join(each.record.id for each in confident(hits, min_confidence, min_k))

    expected = {(0.9, 0): "c", (0.9, 1): "c", (0.9, 2): "ac", (0.9, 3): "abc", (0.45, 1): "bc", (0.0, 0): "abcd"}
    assert {asked: kept(*asked) for asked in expected} == expected
    assert confident([], 0.9, 3) == []
