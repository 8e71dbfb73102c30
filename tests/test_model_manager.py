"""One load per model, whoever asks and however often."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexes.encoder import Model, ModelManager, models
from indexes.encoder.names import unavailable
from indexes.errors import ModelUnavailableError
from indexes.messages import Translatable
from tests.encoders import HashingLoader, hashing_manager, minilm_encoder, minilm_path


@pytest.fixture
def loader() -> HashingLoader:
    return HashingLoader()


@pytest.fixture
def manager(loader: HashingLoader) -> Iterator[ModelManager]:
    manager = ModelManager(loader)
    yield manager
    manager.close()


def test_the_second_request_gets_the_same_encoder(manager: ModelManager, loader: HashingLoader) -> None:
    first = manager.get("some/name")
    assert manager.get("some/name") is first
    assert loader.loads == [("some/name", None)]


def test_a_bare_name_is_the_same_model_as_its_full_name(manager: ModelManager, loader: HashingLoader) -> None:
    assert manager.get("all-MiniLM-L6-v2") is manager.get("sentence-transformers/all-MiniLM-L6-v2")
    assert len(loader.loads) == 1


def test_another_name_or_revision_is_another_model(manager: ModelManager, loader: HashingLoader) -> None:
    encoders = [manager.get("some/name"), manager.get("other/name"), manager.get("some/name", "v2")]
    assert [(encoder.name, encoder.revision) for encoder in encoders] == [
        ("some/name", "1"),
        ("other/name", "1"),
        ("some/name", "v2"),
    ]
    vectors = [encoder.encode_query("パスワードを忘れました") for encoder in encoders]
    assert not np.allclose(vectors[0], vectors[1])
    assert not np.allclose(vectors[0], vectors[2])
    assert len(loader.loads) == 3


def test_threads_that_ask_at_once_share_one_load() -> None:
    started, gate, loader = threading.Event(), threading.Event(), HashingLoader()

    def slow(name: str, revision: str | None) -> Model:
        started.set()
        assert gate.wait(60)
        return loader(name, revision)

    manager = ModelManager(slow)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(manager.get, "some/name") for _ in range(8)]
        assert started.wait(60)
        gate.set()
        encoders = {id(answer.result(60)) for answer in asked}
    assert len(encoders) == len(loader.loads) == 1
    manager.close()


def test_a_failure_is_not_remembered() -> None:
    loader, failures = HashingLoader(), ["it is offline"]

    def flaky(name: str, revision: str | None) -> Model:
        if failures:
            raise unavailable(name, failures.pop(), Translatable("mend.name"))
        return loader(name, revision)

    manager = ModelManager(flaky)
    with pytest.raises(ModelUnavailableError, match="some/name can't be used: it is offline"):
        manager.get("some/name")
    assert manager.get("some/name").encode_query("hello").shape == (256,)
    assert loader.loads == [("some/name", None)]
    manager.close()


def test_models_are_loaded_one_at_a_time() -> None:
    loading, most = [], []

    def load(name: str, revision: str | None) -> Model:
        loading.append(name)
        most.append(len(loading))
        threading.Event().wait(0.02)
        loading.remove(name)
        return HashingLoader()(name, revision)

    manager = ModelManager(load)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(manager.get, ["a/1", "a/2", "a/3", "a/4"]))
    assert most == [1, 1, 1, 1]
    manager.close()


def test_closing_ends_the_workers_and_a_later_request_loads_anew() -> None:
    manager = hashing_manager()
    encoder = manager.get("some/name")
    manager.close()
    assert not any(thread.is_alive() for thread in encoder._threads)
    with pytest.raises(ModelUnavailableError, match="The model some/name was closed"):
        encoder.encode_query("hello")
    assert manager.get("some/name") is not encoder
    manager.close()


@pytest.mark.long("loads torch")
def test_the_process_shares_one_real_model() -> None:
    encoder = minilm_encoder()
    assert models.get(str(minilm_path())) is encoder
    assert encoder.name == str(minilm_path())
    assert encoder.dimension == 384
