"""The ONNX Runtime backend, like fastembed: needs neither torch nor transformers.

The only module that imports onnxruntime and tokenizers, and only when a model is loaded. It returns the same vectors as
sentence-transformers for the same weights: same prompts, truncation, pooling and scaling. ONNX files contain no code;
custom operators are not loaded.
"""

import logging
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexes.encoder.fast_hub import fetch_fast, missing_from_fast, onnx_file
from indexes.encoder.loading import folder_digest
from indexes.encoder.names import FAST, canonical_name, first_line, local_folder, split_name, unavailable
from indexes.encoder.protocol import INT8, Model
from indexes.encoder.recipe import Recipe, UnsuitableModelError, pooled, read_recipe
from indexes.encoder.worker import CANARIES, is_same
from indexes.messages import Translatable

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

log = logging.getLogger(__name__)

_BATCH_TOKENS = 256
"""Tokens per batch. Long texts gain nothing from batches, and eight of 128 tokens would cost 70 MB for good."""
_SIDE = 64
"""Of the matrices that are multiplied to see whether products of 8 bits are exact: whole vectors of any processor."""
_OTHERWISE = Translatable("mend.other_backend")


class FastModel:
    """A `Model`. Session and tokenizer are no longer changed, so that two threads may use them at once."""

    def __init__(
        self, name: str, revision: str, session: "InferenceSession", tokenizer: "Tokenizer", recipe: Recipe
    ) -> None:
        self.name = name
        self.revision = revision
        self._session = session
        self._tokenizer = tokenizer
        self._recipe = recipe
        self._inputs = {node.name for node in session.get_inputs()}
        outputs = [node.name for node in session.get_outputs()]
        self._output = "sentence_embedding" if "sentence_embedding" in outputs else outputs[0]
        self._in_batches = True
        # With int8 weights, activations are scaled by the largest value in the batch: the vector of a text would then
        # depend on the other texts.
        self._in_batches = self._same_in_batches()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        """See `Model`."""
        return self._encode([self._recipe.query_prompt + text for text in texts])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        """See `Model`."""
        return self._encode([self._recipe.document_prompt + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """See `Model`."""
        return [sum(encoding.attention_mask) for encoding in self._tokenizer.encode_batch(list(texts))]

    def largest(self, names: Sequence[str], texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the largest magnitude in each column of these results of the network, over the texts."""
        found: dict[str, NDArray[np.float32]] = {}
        for text in texts:
            encodings = self._tokenizer.encode_batch([self._recipe.document_prompt + text])
            results = self._session.run(list(names), self._given(encodings)[0])
            for name, result in zip(names, results, strict=True):
                reached = np.abs(np.asarray(result)).reshape(-1, result.shape[-1]).max(axis=0)
                found[name] = np.maximum(found[name], reached) if name in found else reached
        return found

    def _encode(self, texts: Sequence[str]) -> NDArray[Any]:
        if not self._in_batches:
            return np.concatenate([self._run(self._tokenizer.encode_batch([text])) for text in texts])
        encodings = self._tokenizer.encode_batch(list(texts))
        rows = max(1, _BATCH_TOKENS // len(encodings[0].ids))
        return np.concatenate([self._run(encodings[start : start + rows]) for start in range(0, len(texts), rows)])

    def _same_in_batches(self) -> bool:
        single = np.concatenate([self._run(self._tokenizer.encode_batch([text])) for text in CANARIES])
        batched = self._run(self._tokenizer.encode_batch(list(CANARIES)))
        return is_same(single, batched)

    def _run(self, encodings: Sequence["Encoding"]) -> NDArray[np.float32]:
        """Encode texts padded to the same length."""
        wanted, mask = self._given(encodings)
        output = np.asarray(self._session.run([self._output], wanted)[0], np.float32)
        rows = pooled(output, mask, self._recipe.pooling)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def _given(self, encodings: Sequence["Encoding"]) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
        """Return the inputs of the network, and the mask."""
        mask = np.array([encoding.attention_mask for encoding in encodings], np.int64)
        inputs = {
            "input_ids": np.array([encoding.ids for encoding in encodings], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        return {name: value for name, value in inputs.items() if name in self._inputs}, mask


class ReducedModel(FastModel):
    """A `FastModel` in 8 bits: a `Reduced` model. `canaries` are the vectors of the form that it stands for."""

    variant = INT8
    canaries: NDArray[np.float32]


def load_fastembed(name: str, revision: str | None = None) -> Model:
    """Load the ONNX form of a model: fastembed's from the hub (downloaded if necessary), or a local folder.

    Raises ModelUnavailableError.
    """
    asked = canonical_name(f"{FAST}{split_name(name)[1]}")
    if not find_spec("onnxruntime"):
        raise unavailable(
            asked, Translatable("model.no_onnx_runtime"), Translatable("mend.install", packages="onnxruntime")
        )
    folder = fetch_fast(asked, revision)
    if missing := missing_from_fast(folder):
        raise unavailable(asked, Translatable("model.in_folder", cause=missing, folder=str(folder)), _OTHERWISE)
    weights = onnx_file(folder)
    assert weights
    log.info("Loading the model %s from %s", asked, weights)
    try:
        return open_onnx(asked, _identity(asked, folder, weights), folder, weights)
    except UnsuitableModelError as error:
        raise unavailable(asked, error.message, _OTHERWISE) from error
    except Exception as error:  # a model's files may cause any error
        raise unavailable(asked, first_line(error), _mend(asked)) from error


def open_onnx(name: str, revision: str, folder: Path, weights: Path) -> FastModel:
    """Open ONNX weights with the tokenizer and the settings beside them.

    Raises UnsuitableModelError, and whatever the libraries raise for files that they can't use.
    """
    return FastModel(name, revision, *_open(folder, weights))


def open_reduced(name: str, revision: str, folder: Path, weights: Path, canaries: NDArray[np.float32]) -> ReducedModel:
    """Open the form of 8 bits of a compiled model like `open_onnx`; see `ReducedModel`."""
    model = ReducedModel(name, revision, *_open(folder, weights))
    model.canaries = canaries
    return model


def exact_products(network: bytes) -> bool:
    """Return whether a network that multiplies two matrices of 8 bits, `a` and `b`, does so without saturating."""
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    a, b = np.full((4, _SIDE), 255, np.uint8), np.full((_SIDE, _SIDE), 127, np.int8)
    return bool((np.asarray(session.run(None, {"a": a, "b": b})[0]) == 255 * 127 * _SIDE).all())


def _identity(name: str, folder: Path, weights: Path) -> str:
    """Return a digest of a local folder; for the cache, commit and file, since there may be several ONNX files."""
    if local_folder(split_name(name)[1]):
        return folder_digest(folder)
    return f"{folder.name}/{weights.relative_to(folder).as_posix()}"


def _mend(name: str) -> Translatable:
    if local_folder(split_name(name)[1]):
        return Translatable("mend.files_or_backend")
    return Translatable("mend.clear", model=name)


def _open(folder: Path, weights: Path) -> tuple["InferenceSession", "Tokenizer", Recipe]:
    started = time.perf_counter()
    import onnxruntime  # noqa: PLC0415  only when a model is really loaded
    from tokenizers import Tokenizer  # noqa: PLC0415

    imported = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would never free the memory of the largest batch
    options.log_severity_level = 3
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    recipe = read_recipe(folder, tokenizer)
    tokenizer.enable_truncation(recipe.longest)
    tokenizer.enable_padding(pad_id=recipe.pad_id, pad_token=recipe.pad_token)
    session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    log.info(
        "Imported ONNX Runtime in %.1f s, opened the model in %.1f s",
        imported - started,
        time.perf_counter() - imported,
    )
    return session, tokenizer, recipe
