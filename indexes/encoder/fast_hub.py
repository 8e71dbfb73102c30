"""Finding the ONNX form of a model: a local folder, the Hugging Face cache, or a download."""

from fnmatch import fnmatch
from pathlib import Path

from indexes.encoder.hub import cached, download, file_sizes, with_plain_errors
from indexes.encoder.names import canonical_name, local_folder, split_name, unavailable
from indexes.messages import Translatable

PUBLISHED = {
    f"sentence-transformers/{name}": repository
    for name, repository in (
        ("paraphrase-multilingual-MiniLM-L12-v2", "Qdrant/paraphrase-multilingual-MiniLM-L12-v2-onnx-Q"),
        ("paraphrase-multilingual-mpnet-base-v2", "Xenova/paraphrase-multilingual-mpnet-base-v2"),
        ("all-MiniLM-L6-v2", "Qdrant/all-MiniLM-L6-v2-onnx"),
    )
}
"""Repositories with the ONNX form of a model, from fastembed's list of supported models."""
ONNX_FILES = (
    "model_optimized.onnx",
    "model_quantized.onnx",
    "model.onnx",
    "onnx/model_quantized.onnx",
    "onnx/model_optimized.onnx",
    "onnx/model.onnx",
)
"""Possible files with the weights; the first that exists is used."""
_SETTINGS = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("modules.json", "*_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"),
)
_OTHERWISE = Translatable("mend.other_backend")


def repository_of(name: str) -> str:
    """Return the hub repository with the ONNX form of a model."""
    model = canonical_name(split_name(name)[1])
    return PUBLISHED.get(model, model)


def knows(name: str) -> bool:
    """Return whether the model is a folder with ONNX weights, or in PUBLISHED. Never uses the network."""
    folder = local_folder(name)
    return onnx_file(folder) is not None if folder else canonical_name(name) in PUBLISHED


def was_downloaded(name: str) -> bool:
    """Return whether there is anything of a model's ONNX form in the cache; takes no time."""
    from huggingface_hub import constants  # noqa: PLC0415

    return Path(constants.HF_HUB_CACHE, f"models--{repository_of(name).replace('/', '--')}").is_dir()


def find_fast(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of a model's ONNX form if it is complete on this machine, or None. Never uses the network."""
    if folder := local_folder(split_name(name)[1]):
        return folder
    found = cached(repository_of(name), revision, allow=(*_SETTINGS, *ONNX_FILES))
    return found if found and not missing_from_fast(found) else None


def fetch_fast(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model's ONNX form, downloading it if necessary. Raises ModelUnavailableError."""
    return find_fast(name, revision) or with_plain_errors(name, revision, lambda: _download(name, revision))


def onnx_file(folder: Path) -> Path | None:
    """Return the file with the ONNX weights, or None."""
    return next((folder / file for file in ONNX_FILES if (folder / file).is_file()), None)


def missing_from_fast(folder: Path) -> Translatable | None:
    """Return why the folder can't be used as an ONNX model, or None if it can."""
    if not onnx_file(folder):
        return Translatable("model.no_onnx", files=ONNX_FILES)
    return None if (folder / "tokenizer.json").is_file() else Translatable("model.no_file", file="tokenizer.json")


def _download(name: str, revision: str | None) -> Path:
    repository = repository_of(name)
    sizes = file_sizes(repository, revision)
    weights = next((file for file in ONNX_FILES if file in sizes), None)
    if weights is None:
        raise unavailable(name, Translatable("model.no_onnx_on_hub", repository=repository), _OTHERWISE)
    if any(file.startswith((f"{weights}_", f"{weights}.")) for file in sizes):
        # ONNX Runtime refuses data files that are links to another folder, as in the cache.
        cause = Translatable("model.weights_outside", repository=repository, file=weights)
        raise unavailable(name, cause, _OTHERWISE)
    wanted = (weights, *_SETTINGS)
    folder = download(
        repository,
        revision,
        {file: size for file, size in sizes.items() if any(fnmatch(file, pattern) for pattern in wanted)},
    )
    if missing := missing_from_fast(folder):
        raise unavailable(name, missing, _OTHERWISE)
    return folder
