"""The light encoder, on all-MiniLM-L6-v2 exported to ONNX: the vectors of sentence-transformers, without torch."""

import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexes.encoder import (
    DEFAULT_MODEL,
    EncoderWorker,
    Vectors,
    find_model,
    load_fastembed,
    load_sentence_transformer,
    models,
    with_backend,
)
from indexes.encoder.fast_hub import ONNX_FILES, repository_of
from indexes.encoder.loading import folder_digest
from indexes.errors import ModelUnavailableError
from indexes.storage.snapshot import EncoderStamp
from tests.encoders import export_onnx, minilm_encoder, minilm_path, once, quantize_onnx

pytestmark = pytest.mark.long("exports a model through torch")

TEXTS = [
    "How do I reset my password?",
    "VPN error 619",
    "I can't log in to the payroll system since this morning, and my manager is on holiday. Who can help me?",
    "パスワードを忘れました",
    "会議室の予約方法を教えてください",
    "経費精算の締め日はいつですか。領収書をなくした場合はどうすればいいですか？",
    "ok",
    " ".join(f"word{number}" for number in range(400)),
]


@pytest.fixture(scope="session")
def float32(shared: Path) -> Path:
    return once(shared / "float32", lambda folder: export_onnx(minilm_path(), folder))


@pytest.fixture(scope="session")
def int8(float32: Path, shared: Path) -> Path:
    return once(shared / "int8", lambda folder: quantize_onnx(float32, folder))


@pytest.fixture(scope="session")
def expected() -> Vectors:
    return np.vstack([minilm_encoder().encode_documents([text]) for text in TEXTS])


@pytest.fixture
def fast(float32: Path) -> Iterator[EncoderWorker]:
    worker = EncoderWorker(str(float32), lambda: load_fastembed(str(float32)), recent=0)
    yield worker
    worker.close()


@pytest.fixture
def small(int8: Path, tmp_path: Path) -> Path:
    """Return a copy of the int8 folder that a test may spoil."""
    return Path(shutil.copytree(int8, tmp_path / "small"))


def cosines(one: Vectors, other: Vectors) -> Vectors:
    product: Vectors = np.sum(one * other, axis=1)
    return product


def write(file: Path, settings: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(settings), "utf-8")


def test_float32_gives_the_vectors_of_sentence_transformers(fast: EncoderWorker, expected: Vectors) -> None:
    assert fast.dimension == 384
    assert cosines(fast.encode_documents(TEXTS), expected).min() > 0.99999
    assert cosines(np.stack([fast.encode_query(text) for text in TEXTS]), expected).min() > 0.99999


def test_int8_gives_almost_the_same(int8: Path, expected: Vectors) -> None:
    vectors = load_fastembed(str(int8)).encode_documents(TEXTS)
    assert cosines(vectors, expected).min() > 0.96
    assert cosines(vectors, expected).mean() > 0.98


def test_the_vector_of_a_text_does_not_depend_on_the_texts_beside_it(float32: Path, int8: Path) -> None:
    for folder in (float32, int8):
        model = load_fastembed(str(folder))
        alone = np.vstack([model.encode_queries([text]) for text in TEXTS])
        assert np.abs(model.encode_queries(TEXTS) - alone).max() < 1e-5
        assert np.abs(model.encode_documents(TEXTS[::-1])[::-1] - alone).max() < 1e-5


def test_without_that_care_int8_vectors_would_change_with_their_company(int8: Path) -> None:
    model = load_fastembed(str(int8))
    alone = np.vstack([model.encode_queries([text]) for text in TEXTS])
    model._in_batches = True  # type: ignore[attr-defined]
    assert cosines(model.encode_queries(TEXTS), alone).min() < 0.999


def test_sixteen_threads_during_a_bulk_job(fast: EncoderWorker, expected: Vectors) -> None:
    with ThreadPoolExecutor(17) as pool:
        bulk = pool.submit(fast.encode_documents, TEXTS * 4)
        together = np.stack(list(pool.map(fast.encode_query, TEXTS * 4)))
        assert cosines(bulk.result(60), np.vstack([expected] * 4)).min() > 0.99999
    assert cosines(together, np.vstack([expected] * 4)).min() > 0.99999


def test_vectors_of_the_two_encoders_never_mix(fast: EncoderWorker, float32: Path) -> None:
    stamp = EncoderStamp.of(minilm_encoder())
    assert stamp.matches(minilm_encoder())
    assert not stamp.matches(fast)
    assert fast.name == f"fastembed:{float32}"
    assert fast.revision == folder_digest(float32)


def test_one_manager_has_both(float32: Path) -> None:
    light = models.get(f"fastembed:{float32}")
    assert models.get(f"fastembed:{float32}") is light
    assert light is not minilm_encoder()
    assert cosines(light.canaries, minilm_encoder().canaries).min() > 0.99999
    with pytest.raises(ModelUnavailableError, match="no safetensors weights"):
        models.get(str(float32))


def test_neither_torch_nor_transformers_is_imported(int8: Path) -> None:
    script = """
        import json, logging, sys
        logging.basicConfig(level=logging.INFO, format="LOG %(name)s %(message)s")
        from indexes.encoder import models
        light = not {"huggingface_hub.errors", "onnxruntime", "tokenizers"} & set(sys.modules)
        encoder = models.get(sys.argv[1])
        vectors = [encoder.encode_query("hello"), *encoder.encode_documents(["hello", "パスワード"])]
        heavy = sorted({"torch", "transformers", "sentence_transformers", "scipy", "sklearn"} & set(sys.modules))
        print(json.dumps([light, heavy, float(vectors[0] @ vectors[1])]))
        models.close()
    """
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(line[8:] for line in script.splitlines()), f"fastembed:{int8}"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    light, heavy, same = json.loads(finished.stdout)
    assert light
    assert heavy == []
    assert same == pytest.approx(1)
    lines = finished.stderr.splitlines()
    assert lines[0] == f"LOG indexes.encoder.fast Loading the model fastembed:{int8} from {int8}/model_quantized.onnx"
    assert "Imported ONNX Runtime in " in lines[1]
    assert "is ready after " in lines[2]
    assert len(lines) == 3


def test_it_computes_in_the_thread_that_asks_and_in_no_other(int8: Path) -> None:
    model = load_fastembed(str(int8))
    threads = len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else threading.active_count()
    model.encode_queries(["hello"])
    after = len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else threading.active_count()
    assert after == threads


def test_prompts_are_those_of_sentence_transformers(float32: Path, tmp_path: Path) -> None:
    both = Path(shutil.copytree(float32, tmp_path / "both"))
    (both / "model.safetensors").symlink_to(minilm_path() / "model.safetensors")
    write(both / "config_sentence_transformers.json", {"prompts": {"query": "query: ", "document": "passage: "}})
    light, heavy = load_fastembed(str(both)), load_sentence_transformer(str(both))
    for one, other in (
        (light.encode_queries(TEXTS), heavy.encode_queries(TEXTS)),
        (light.encode_documents(TEXTS), heavy.encode_documents(TEXTS)),
    ):
        assert cosines(one, other).min() > 0.99999
    assert cosines(light.encode_queries(TEXTS), light.encode_documents(TEXTS)).max() < 0.999


@pytest.mark.parametrize("pooling", [{"pooling_mode": "cls"}, {"pooling_mode_cls_token": True}])
def test_the_first_token_where_the_model_says_so(small: Path, pooling: dict[str, Any]) -> None:
    means = load_fastembed(str(small)).encode_queries(TEXTS)
    write(small / "1_Pooling" / "config.json", pooling)
    assert cosines(load_fastembed(str(small)).encode_queries(TEXTS), means).max() < 0.99


def test_a_folder_as_fastembed_publishes_it(small: Path) -> None:
    """No modules, no pooling: the mean, as sentence-transformers does with a plain transformer."""
    expected = load_fastembed(str(small)).encode_queries(TEXTS)
    shutil.rmtree(small / "1_Pooling")
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "vocab.txt"):
        (small / name).unlink()
    tokenizer = json.loads((small / "tokenizer_config.json").read_text("utf-8"))
    write(small / "tokenizer_config.json", {**tokenizer, "model_max_length": 256})
    (small / "model_quantized.onnx").rename(small / "model_optimized.onnx")
    assert np.array_equal(load_fastembed(str(small)).encode_queries(TEXTS), expected)


@pytest.mark.parametrize("file", ONNX_FILES)
def test_where_the_weights_may_be(small: Path, file: str) -> None:
    (small / "onnx").mkdir()
    (small / "model_quantized.onnx").rename(small / file)
    assert np.linalg.norm(load_fastembed(str(small)).encode_queries(["hello"])) == pytest.approx(1)


def spoil(name: str, settings: Any) -> Callable[[Path], None]:
    return lambda folder: write(folder / name, settings)


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (lambda folder: (folder / "model_quantized.onnx").unlink(), "it has no ONNX weights"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "it has no tokenizer.json"),
        (lambda folder: (folder / "model_quantized.onnx").write_bytes(b"x"), "InvalidProtobuf"),
        (spoil("tokenizer.json", []), "Exception: "),
        (spoil("1_Pooling/config.json", {"pooling_mode_max_tokens": True}), "its vector is not the mean"),
        (
            spoil("modules.json", [{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]),
            "it has a part that only sentence-transformers runs",
        ),
    ],
)
def test_a_folder_that_is_no_usable_model(small: Path, spoilt: Callable[[Path], None], told: str) -> None:
    spoilt(small)
    with pytest.raises(ModelUnavailableError, match=told) as error:
        load_fastembed(str(small))
    assert str(error.value).startswith(f"The model fastembed:{small} can't be used: ")
    assert "ENCODER_BACKEND=sentence-transformers" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_to_do_when_onnx_runtime_is_missing(int8: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it weren't installed
    with pytest.raises(
        ModelUnavailableError, match=r"ONNX Runtime isn't installed here\. Run `pip install onnxruntime`"
    ):
        load_fastembed(str(int8))


def test_backends_by_name(int8: Path, tmp_path: Path) -> None:
    assert with_backend(DEFAULT_MODEL, "sentence-transformers") == DEFAULT_MODEL
    assert with_backend(DEFAULT_MODEL, "fastembed") == f"fastembed:{DEFAULT_MODEL}"
    assert with_backend(f"fastembed:{DEFAULT_MODEL}", "fastembed") == f"fastembed:{DEFAULT_MODEL}"
    assert with_backend(DEFAULT_MODEL, "auto") == DEFAULT_MODEL
    assert with_backend(DEFAULT_MODEL, "auto", revision="0123456") == DEFAULT_MODEL
    assert with_backend("cl-nagoya/ruri-v3-30m", "auto") == "cl-nagoya/ruri-v3-30m"
    assert with_backend(str(int8), "auto") == f"fastembed:{int8}"
    assert with_backend(str(tmp_path), "auto") == str(tmp_path)
    assert find_model(f"fastembed:{int8}") == int8
    assert repository_of(f"fastembed:{DEFAULT_MODEL}") == "Qdrant/paraphrase-multilingual-MiniLM-L12-v2-onnx-Q"
    assert repository_of("fastembed:some/model") == "some/model"


def test_the_log_is_plain(int8: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "indexes.encoder"):
        load_fastembed(str(int8))
    assert [record.message.split(" in ")[0].split(" from ")[0] for record in caplog.records] == [
        f"Loading the model fastembed:{int8}",
        "Imported ONNX Runtime",
    ]
