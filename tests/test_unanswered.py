"""Nothing is volunteered from a knowledge base whose rows have no answers, whatever it is searched with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexes.confidence.decision import Verdict, verdict
from indexes.confidence.votes import Judgement
from indexes.encoder import Encoder, models
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from tests.e5 import e5_path
from tests.encoders import hashing_encoder, minilm_path

QUESTIONS = (
    "How do I reset my password?",
    "Where is the printer?",
    "鍵をなくしたらどうしますか？",
    "会議室を予約したい",
)
ASKED = (*QUESTIONS, "forgot my password", "printer", "かぎをなくしたら", "会議室", "Why is the sky blue?", "!")
REAL = pytest.mark.long("loads torch")
ENCODERS = ("lexical", "hashing", pytest.param("MiniLM", marks=REAL), pytest.param("e5", marks=REAL))


@pytest.fixture(params=ENCODERS)
def encoder(request: pytest.FixtureRequest) -> Iterator[Encoder | None]:
    """Each encoder there is, and none."""
    if request.param == "hashing":
        worker = hashing_encoder()
        yield worker
        worker.close()
    elif request.param == "e5" and e5_path() is None:
        pytest.skip("python -m tests.e5 has not made multilingual-e5-small")
    else:
        paths = {"lexical": None, "MiniLM": minilm_path(), "e5": e5_path()}
        path = paths[request.param]
        yield models.get(str(path)) if path else None


@pytest.mark.parametrize("empty", ["", "TBD", "未定", "-"])
@pytest.mark.parametrize("right", [True, False])
def test_nothing_is_volunteered_at_any_threshold_however_members_vote(
    tmp_path: Path, encoder: Encoder | None, empty: str, *, right: bool
) -> None:
    rows = "".join(f"{question},{empty}\n" for question in QUESTIONS)
    (tmp_path / "faq.csv").write_text(f"question,answer\n{rows}", encoding="utf-8")
    registry = Registry(lambda: [Source("faq", tmp_path / "faq.csv")])
    maintenance = Maintenance(registry, tmp_path / "data")
    maintenance.load().result()
    if encoder:
        maintenance.use_encoder(encoder).result()
    maintenance.update_confidence({"faq": [Judgement(0.5, right=right)] * 1000}).result()
    answers = [registry.search(question, ["faq"]) for question in ASKED]
    maintenance.close()
    assert [answer.hits[0].record.question for answer in answers[: len(QUESTIONS)]] == list(QUESTIONS)
    for answer in answers:
        assert answer.confidence <= 0.5
        for threshold in (0.0, 0.4, 0.9):
            assert not answer.is_certain(threshold)
            assert not answer.is_certain(threshold, unasked=True)
        assert {verdict(hit.record, 1.0, 0.0) for hit in answer.hits} == {Verdict.NO_ANSWER}
        assert registry.why(answer, 0.0)[0].key in {"why.no_answer", "why.nothing", "why.no_words"}
