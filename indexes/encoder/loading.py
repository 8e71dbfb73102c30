"""The sentence-transformers backend: the only module that imports it, and only when a model is loaded."""

import hashlib
import json
import logging
import platform
import threading
import time
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexes.encoder.hub import fetch_model, missing_from
from indexes.encoder.names import canonical_name, first_line, local_folder, unavailable
from indexes.encoder.protocol import Model
from indexes.messages import Translatable, Value

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

_WHOLE = 16 * 2**20
_EDGE = 2**20
_PACKED = tuple(f"transformers.models.{family}." for family in ("bert", "roberta", "xlm_roberta"))
"""Model families that only apply their linear layers: the default model and most alternatives."""
_IDENTIFYING = {".json", ".txt", ".model", ".safetensors", ".onnx", ".onnx_data", ".data"}


class SentenceTransformerModel:
    """A `Model`. `encode_query` and `encode_document` add the model's prompts."""

    def __init__(self, name: str, revision: str, transformer: "SentenceTransformer") -> None:
        self.name = name
        self.revision = revision
        self._transformer = transformer

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        """See `Model`."""
        return self._transformer.encode_query(
            list(texts), batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
        )

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        """See `Model`."""
        return self._transformer.encode_document(
            list(texts), batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
        )

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """See `Model`; without the prompt, which is the same for all. A static model says where each text begins."""
        transformer: Any = self._transformer
        tokenize = transformer.preprocess if hasattr(transformer, "preprocess") else transformer.tokenize
        features = tokenize(list(texts))
        if "attention_mask" in features:
            counts: list[int] = features["attention_mask"].sum(dim=1).tolist()
        else:
            counts = np.diff(features["offsets"].numpy(), append=len(features["input_ids"])).tolist()
        return counts


def load_sentence_transformer(name: str, revision: str | None = None) -> Model:
    """Load a model from the hub (downloaded if necessary) or from a local folder.

    Limits torch to one thread in the calling thread, which must be the one that encodes. Raises ModelUnavailableError.
    """
    folder = fetch_model(name, revision)
    if missing := missing_from(folder):
        cause = Translatable("model.in_folder", cause=missing, folder=str(folder))
        raise unavailable(name, cause, Translatable("mend.other_model"))
    log.info("Loading the model %s from %s", canonical_name(name), folder)
    try:
        transformer = open_transformer(folder)
    except Exception as error:  # a model's files or a missing library may cause any error
        raise unavailable(name, *_cause_and_mend(name, folder, error)) from error
    identity = folder_digest(folder) if local_folder(name) else folder.name
    return SentenceTransformerModel(canonical_name(name), identity, transformer)


def folder_digest(folder: Path) -> str:
    """Return a digest that identifies a local model.

    SHA-256 of path, size and content of its configuration, vocabulary and weights. Of files above 16 MiB (weights),
    only the first and last MiB are read.
    """
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.suffix in _IDENTIFYING and path.is_file()):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode())
        with file.open("rb") as content:
            if size <= _WHOLE:
                digest.update(content.read())
            else:
                digest.update(content.read(_EDGE))
                content.seek(-_EDGE, 2)
                digest.update(content.read())
    return f"local-{digest.hexdigest()[:40]}"


def open_transformer(folder: Path, *, packed: bool = True) -> "SentenceTransformer":
    """Open a folder with torch limited to one thread; `packed` reorders the weights for speed.

    Raises whatever the libraries raise for files that they can't use.
    """
    started = time.perf_counter()
    import torch  # noqa: PLC0415 - takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    imported = time.perf_counter()
    # One OpenMP thread: two make a single question several times slower.
    torch.set_num_threads(1)
    _quiet()
    transformer = SentenceTransformer(
        str(folder),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    )
    if packed and platform.machine() in {"x86_64", "AMD64"} and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        _pack(transformer)
    _guard_tokenizer(transformer)
    log.info(
        "Imported sentence-transformers in %.1f s, opened the model in %.1f s",
        imported - started,
        time.perf_counter() - imported,
    )
    return transformer


def _pack(transformer: "SentenceTransformer") -> None:
    """Reorder the weights for faster multiplication: a question takes a quarter less time.

    Vectors change by less than 1e-6. torch.compile does the same, but needs minutes and a C++ compiler.
    """
    import torch  # noqa: PLC0415

    class Packed(torch.nn.Module):
        def __init__(self, layer: torch.nn.Linear) -> None:
            super().__init__()
            self.bias = layer.bias
            self.packed = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach())  # noqa: SLF001

        def forward(self, rows: torch.Tensor) -> Any:
            return torch.ops.mkldnn._linear_pointwise(rows, self.packed, self.bias, "none", [], "")  # noqa: SLF001

    for module in list(transformer.modules()):
        if type(module).__module__.startswith(_PACKED):
            for name, layer in module.named_children():
                if type(layer) is torch.nn.Linear:
                    setattr(module, name, Packed(layer))


def _guard_tokenizer(transformer: "SentenceTransformer") -> None:
    """Let one thread at a time tokenize: with two, vectors may be wrong. The network itself is thread-safe."""
    lock = threading.RLock()

    def guarded(tokenize: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(tokenize)
        def waiting(*texts: Any, **options: Any) -> Any:
            with lock:
                return tokenize(*texts, **options)

        return waiting

    for name in ("preprocess", "tokenize"):  # its name in new and in old versions
        if hasattr(transformer, name):
            setattr(transformer, name, guarded(getattr(transformer, name)))


def _quiet() -> None:
    """Silence the warnings of transformers and its "Loading weights" bar, but not the bars of downloads."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars  # noqa: PLC0415
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    if not are_progress_bars_disabled():
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        enable_progress_bars()


def _cause_and_mend(name: str, folder: Path, error: BaseException) -> tuple[Value, Translatable]:
    if packages := _missing_packages(folder):
        return (
            Translatable("model.japanese_tokenizer", packages=tuple(packages)),
            Translatable("mend.install", packages=" ".join(packages)),
        )
    if "trust_remote_code" in str(error):
        return Translatable("model.own_code"), Translatable("mend.other_model")
    if local_folder(name):
        return first_line(error), Translatable("mend.files")
    return first_line(error), Translatable("mend.clear", model=name)


def _missing_packages(folder: Path) -> list[str]:
    """Return the packages that a BertJapaneseTokenizer with MeCab lacks; the error of transformers is misleading."""
    settings = _settings(folder / "tokenizer_config.json")
    tokenizer = settings.get("tokenizer_class") or _settings(folder / "config.json").get("tokenizer_class")
    if tokenizer != "BertJapaneseTokenizer" or settings.get("word_tokenizer_type") != "mecab":
        return []
    dictionary = (settings.get("mecab_kwargs") or {}).get("mecab_dic") or "unidic_lite"
    return [name.replace("_", "-") for name in ("fugashi", dictionary) if find_spec(name) is None]


def _settings(file: Path) -> dict[str, Any]:
    try:
        settings = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}
