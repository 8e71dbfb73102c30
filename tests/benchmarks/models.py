"""Encoders for measuring: ones that count, and one that gives random vectors to documents in no time.

None remembers recent questions: an answer from memory would flatter.
"""

import shutil
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.encoder import EncoderWorker, Loader, Model, ModelManager, load_model
from tests.benchmarks.processes import JSON

DIMENSION = 384
CANARIES_AT_MOST = 4


@dataclass
class Work:
    """What a model was asked to do."""

    documents: int = 0
    query_batches: list[tuple[int, float]] = field(default_factory=list)
    """How many questions at once, and the seconds that took."""


@dataclass(frozen=True)
class CountingModel:
    """A model that keeps count."""

    model: Model
    work: Work

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def revision(self) -> str:
        return self.model.revision

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        started = time.perf_counter()
        rows = self.model.encode_queries(texts)
        self.work.query_batches.append((len(texts), time.perf_counter() - started))
        return rows

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        self.work.documents += len(texts)
        return self.model.encode_documents(texts)

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return self.model.count_tokens(texts)


@dataclass(frozen=True)
class RandomDocuments:
    """Documents get random unit vectors, so that large indexes are quickly made; questions get the model's own.

    The canaries, which come alone, are the model's too: to the snapshots this is the model itself.
    """

    model: Model

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def revision(self) -> str:
        return self.model.revision

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        return self.model.encode_queries(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return random_vectors(texts) if len(texts) > CANARIES_AT_MOST else self.model.encode_documents(texts)

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return [1] * len(texts)


class RandomModel:
    """No model at all: random unit vectors for everything."""

    name = "random"
    revision = "1"

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        return random_vectors(texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return random_vectors(texts)

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        return [1] * len(texts)


def random_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return unit vectors that depend on the first text only."""
    random = np.random.default_rng(zlib.crc32(texts[0].encode()))
    rows = random.standard_normal((len(texts), DIMENSION), dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


class WrappingManager(ModelManager):
    """Wraps a model in whatever form it runs."""

    def __init__(self, wrap: Callable[[Model], Model], load: Loader = load_model) -> None:
        super().__init__(lambda name, revision: wrap(load(name, revision)), recent=0)
        self._wrap = wrap

    def get(
        self, name: str, revision: str | None = None, prepared: Callable[[], Model | None] | None = None
    ) -> EncoderWorker:
        def wrapped() -> Model | None:
            model = prepared() if prepared else None
            return self._wrap(model) if model else None

        return super().get(name, revision, wrapped)


def counting(load: Loader = load_model) -> tuple[ModelManager, Work]:
    """Return a manager whose models keep count, and the count (canaries included)."""
    work = Work()
    return WrappingManager(lambda model: CountingModel(model, work), load), work


def random_documents(load: Loader = load_model) -> ModelManager:
    """Return a manager whose models encode questions only."""
    return WrappingManager(RandomDocuments, load)


def random_manager() -> ModelManager:
    """Return a manager that needs no model."""
    return ModelManager(lambda _, __: RandomModel(), recent=0)


def onnx(arguments: JSON) -> JSON:
    """Convert a model for fastembed (child)."""
    from tests.encoders import export_onnx  # noqa: PLC0415  takes seconds

    folder = Path(arguments["folder"])
    return {"float32": str(folder if folder.exists() else export_onnx(Path(arguments["source"]), folder))}


def twin(arguments: JSON) -> JSON:
    """Build the twin of the default model (child)."""
    from tests.encoders import build_twin  # noqa: PLC0415  takes seconds

    folder = Path(arguments["folder"])
    return {"folder": str(folder if folder.exists() else build_twin(folder))}


def tokens(arguments: JSON) -> JSON:
    """Distill static vectors as model2vec does: encode every token by itself, keep 256 directions (child).

    Frequent tokens, which a vocabulary lists first, weigh less. Tokens beyond `most` have no vector, to be quick.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415

    folder, source = Path(arguments["folder"]), Path(arguments["source"])
    if not folder.exists():
        tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        words = [str(tokenizer.id_to_token(number)) for number in range(tokenizer.get_vocab_size())]
        manager, _ = counting()
        encoded = manager.get(str(source)).encode_documents(words[: arguments["most"]])
        manager.close()
        centred = encoded - encoded.mean(axis=0)
        kept = centred @ np.linalg.svd(centred, full_matrices=False)[2][:256].T
        share = 1 / (np.arange(len(kept)) + 2) / np.log(len(words))
        table = np.zeros((len(words), kept.shape[1]), dtype=np.float32)
        table[: len(kept)] = kept * (1e-4 / (1e-4 + share))[:, None]
        folder.mkdir(parents=True)
        np.save(folder / "tokens.npy", table)
        shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    return {"folder": str(folder)}
