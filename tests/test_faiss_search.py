"""The three-line way for scripts, and the one shared model behind it."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from math import nan
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.settings import load_settings
from indexes.encoder import Model, ModelManager
from indexes.encoder.names import unavailable
from indexes.environment import EnvironmentValueError
from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.retrieval.index import Hit
from indexes.search import FaissSearch
from tests.encoders import HashingLoader, minilm_path

FAQ = (
    "question,answer,floor\n"
    "How do I reset my password?,Use the reset page.,\n"
    "Where is the printer?,Next to the lift.,3\n"
    "How do I book a room?,In the calendar.,\n"
)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text(FAQ)
    return path


@pytest.fixture
def loader() -> HashingLoader:
    return HashingLoader()


@pytest.fixture
def manager(loader: HashingLoader) -> Iterator[ModelManager]:
    managing = ModelManager(loader)
    yield managing
    managing.close()


def test_three_lines_of_a_script(csv: Path, manager: ModelManager) -> None:
    knowledge_base = FaissSearch(csv, manager=manager)
    hits = knowledge_base.search("Where is the printer?", top_k=2)
    assert (hits[0].record.answer, hits[0].record.details) == ("Next to the lift.", {"floor": "3"})
    assert hits[0].dense == pytest.approx(1.0, abs=1e-6)
    assert len(hits) == 2
    assert hits[0].score > hits[1].score
    assert 0.9 < hits[0].confidence <= 1
    assert hits[1].confidence < 0.1
    knowledge_base.close()


def test_two_csvs_share_one_model(csv: Path, tmp_path: Path, manager: ModelManager, loader: HashingLoader) -> None:
    other = tmp_path / "other.csv"
    other.write_text("question,answer\nIs there a lift?,Yes.\n")
    with (
        FaissSearch(csv, "some/model", manager=manager) as one,
        FaissSearch(other, "some/model", manager=manager) as two,
    ):
        assert one.encoder is two.encoder
        assert loader.loads == [("some/model", None)]
    with FaissSearch(csv, "other/model", manager=manager) as three:
        assert three.encoder is not None
        assert three.encoder.name == "other/model"
    assert loader.loads == [("some/model", None), ("other/model", None)]


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_ctrl_c_while_encoding_ends_it(tmp_path: Path, manager: ModelManager) -> None:
    rows = 5_000
    csv = tmp_path / "faq.csv"
    csv.write_text("question,answer\n" + "".join(f"What is number {row}?,It is {row}.\n" for row in range(rows)))
    steps: list[int] = []

    def interrupt(done: int, _: int) -> None:
        steps.append(done)
        if len(steps) == 1:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        FaissSearch(csv, "some/model", data_dir=tmp_path, manager=manager, progress=interrupt)
    at_the_end = list(steps)
    assert at_the_end[-1] < rows
    time.sleep(0.2)
    assert steps == at_the_end


def test_a_revision_is_asked_for_by_name(csv: Path, manager: ModelManager, loader: HashingLoader) -> None:
    with FaissSearch(csv, "some/model", revision="v2", manager=manager) as knowledge_base:
        assert knowledge_base.encoder is not None
        assert knowledge_base.encoder.revision == "v2"
    assert loader.loads == [("some/model", "v2")]


@pytest.mark.long("loads torch")
@pytest.mark.parametrize("of", [str, Path])
def test_meaning_is_found_with_a_real_model(csv: Path, of: type[str | Path]) -> None:
    with FaissSearch(csv, of(minilm_path())) as knowledge_base:
        [hit] = knowledge_base.search("I can't log in", top_k=1)
        assert hit.record.answer == "Use the reset page."
        assert knowledge_base.search("What is the capital of France?")[0].confidence < 0.5


def test_without_a_model_it_searches_by_words_and_says_so(csv: Path, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(name: str, _: str | None) -> Model:
        raise unavailable(name, "it is offline", Translatable("mend.name"))

    manager = ModelManager(refuse)
    with FaissSearch(csv, "some/model", manager=manager) as knowledge_base:
        assert knowledge_base.encoder is None
        [hit] = knowledge_base.search("printer", top_k=1)
    assert (hit.record.answer, hit.dense) == ("Next to the lift.", None)
    assert "The model some/model can't be used: it is offline. Check MODEL_NAME. In a script" in caplog.text
    assert "the argument `model` wins over MODEL_NAME. Searching lexically." in caplog.text
    manager.close()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "faq.csv"), (b"", "the file is empty"), (b"PK\x03\x04", "faq.csv")]
)
def test_a_bad_file_is_refused_with_its_name(csv: Path, content: bytes | None, reason: str) -> None:
    if content is None:
        csv.unlink()
    else:
        csv.write_bytes(content)
    with pytest.raises(UnusableFileError, match=reason):
        FaissSearch(csv, None)


def test_more_hits_than_rows_are_all_rows(csv: Path, manager: ModelManager) -> None:
    with FaissSearch(csv, manager=manager) as knowledge_base:
        hits = knowledge_base.search("printer", top_k=50)
    assert sorted(hit.record.line for hit in hits) == [2, 3, 4]


def test_synonyms_beside_the_csv_are_used(csv: Path, tmp_path: Path) -> None:
    (tmp_path / "_synonyms.csv").write_text("original,normalized\nMFP,printer\n")
    with FaissSearch(csv, None) as knowledge_base:
        answer = knowledge_base.answer("mfp")
    assert answer.question.normalized == "printer"
    assert answer.hits[0].record.answer == "Next to the lift."
    assert answer.encoder is None


def test_the_second_start_encodes_only_the_question(csv: Path, manager: ModelManager) -> None:
    for last in ([(6, 6)], []):
        steps: list[tuple[int, int]] = []
        progress = lambda done, total, steps=steps: steps.append((done, total))  # noqa: E731
        with FaissSearch(csv, manager=manager, progress=progress) as knowledge_base:
            assert knowledge_base.search("printer")[0].record.answer == "Next to the lift."
        assert steps[-1:] == last
        assert steps == sorted(set(steps)), "it never goes back"


def test_unsure_hits_are_left_out_but_for_as_many_as_are_wanted_in_any_case(csv: Path, manager: ModelManager) -> None:
    with FaissSearch(csv, manager=manager) as knowledge_base:
        every = knowledge_base.search("Where is the printer?")
        first, second, third = (hit.confidence for hit in every)
        assert first > 0.9
        assert 0.5 > second > third

        def found(top_k: int = 3, **least: Any) -> list[Hit]:
            return knowledge_base.search("Where is the printer?", top_k, **least)

        assert found(min_confidence=0.0) == found(min_k=3) == every
        assert found(min_confidence=0.9) == every[:1]
        assert found(min_confidence=first) == every[:1], "as sure as was asked for is enough"
        assert found(min_confidence=1.0) == []
        assert found(min_confidence=1.0, min_k=1) == every[:1]
        assert found(min_confidence=0.9, min_k=2) == every[:2], "the sure one counts"
        assert found(min_confidence=1.0, min_k=9) == every, "there are no more"
        assert found(2, min_confidence=1.0, min_k=3) == every[:2], "never more than top_k"
        for wrong in (80, -0.1, nan):
            with pytest.raises(ValueError, match=r"min_confidence = .*: must be a probability, 0 to 1"):
                found(min_confidence=wrong)


# What the environment says, as for `kotae serve`

CHOICES: list[dict[str, str]] = [
    {},
    {"MODEL_NAME": "", "ENCODER_BACKEND": ""},
    {"MODEL_NAME": "some/model"},
    {"MODEL_NAME": "some/model", "ENCODER_BACKEND": "sentence-transformers"},
    {"MODEL_NAME": "some/model", "ENCODER_BACKEND": "fastembed"},
    {"MODEL_NAME": "fastembed:some/model"},
    {"ENCODER_BACKEND": "fastembed"},
    {"ENCODER_BACKEND": "lexical", "MODEL_NAME": "some/model"},
]


def dotenv(values: Mapping[str, str]) -> None:
    """Write the `.env` of the folder where the script runs, as Windows' Notepad does."""
    Path(".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8-sig")


def model_of(csv: Path) -> str | None:
    """The name of the model that a script without arguments loads."""
    managing = ModelManager(loader := HashingLoader())
    with FaissSearch(csv, manager=managing):
        pass
    managing.close()
    return loader.loads[0][0] if loader.loads else None


@pytest.mark.parametrize("values", CHOICES)
@pytest.mark.parametrize("stored", [False, True])
def test_a_script_loads_the_model_that_the_bot_loads(csv: Path, values: dict[str, str], *, stored: bool) -> None:
    with mock.patch.dict(os.environ, {} if stored else values):
        if stored:
            dotenv(values)
        before = dict(os.environ)
        found = model_of(csv)
        assert dict(os.environ) == before, "a script's environment is its own"
        assert found == load_settings().model


def test_the_environment_wins_over_dotenv_and_an_argument_over_both(csv: Path, manager: ModelManager) -> None:
    dotenv({"MODEL_NAME": "stored/model", "DATA_DIR": "state"})
    assert model_of(csv) == "stored/model"
    assert (csv.parent / "state" / "snapshots").is_dir()
    with mock.patch.dict(os.environ, {"MODEL_NAME": "environment/model", "ENCODER_BACKEND": "lexical"}):
        assert model_of(csv) is None
        with FaissSearch(csv, Path("given/model"), data_dir="given", manager=manager) as knowledge_base:
            assert knowledge_base.encoder is not None
            assert knowledge_base.encoder.name == str(Path("given/model"))
        with FaissSearch(csv, None, manager=manager) as knowledge_base:
            assert knowledge_base.encoder is None
    assert (csv.parent / "given" / "snapshots").is_dir()
    assert not (csv.parent / ".kotae").exists()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"ENCODER_BACKEND": "torch"},
            "ENCODER_BACKEND = torch: must be one of auto, sentence-transformers, fastembed",
        ),
        ({"ENCODER_PRECISION": "int4"}, "ENCODER_PRECISION = int4: must be one of auto, float32, int8"),
    ],
)
def test_a_value_that_the_bot_refuses_is_refused(csv: Path, values: dict[str, str], says: str) -> None:
    dotenv(values)
    with pytest.raises(EnvironmentValueError, match=says):
        FaissSearch(csv)


def test_a_dotenv_that_is_not_utf8_is_named(csv: Path) -> None:
    Path(".env").write_bytes("MODEL_NAME=モデル\n".encode("cp932"))
    with pytest.raises(EnvironmentValueError, match=r"\.env is not UTF-8; save it as UTF-8"):
        FaissSearch(csv)
