"""Finding a sentence-transformers model: a local folder, the Hugging Face cache, or a download. Doesn't import torch.

huggingface_hub reads `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and `HF_TOKEN`. It takes half a second to import, so
that it is only imported when a model is looked for.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from indexes.encoder.names import canonical_name, first_line, local_folder, unavailable
from indexes.errors import ModelUnavailableError
from indexes.messages import Translatable, reason

log = logging.getLogger(__name__)

_HUB_TIMEOUT = 10.0
_UNWANTED = (
    *("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.ot", "*.msgpack", "*.tflite", "*.gguf"),
    *("*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "coreml/*", "*.md", "*.png", ".gitattributes"),
)
"""Files that are not downloaded: weights for other frameworks, pickles, documentation."""

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")


def find_model(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of a model if it is complete on this machine, or None. Never uses the network."""
    if folder := local_folder(name):
        return folder
    found = cached(canonical_name(name), revision, ignore=_UNWANTED)
    return found if found and not missing_from(found) else None


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model, downloading it if necessary. Raises ModelUnavailableError within seconds."""
    return find_model(name, revision) or with_plain_errors(
        name, revision, lambda: _download(canonical_name(name), revision)
    )


def cached(
    repository: str, revision: str | None, *, allow: Sequence[str] | None = None, ignore: Sequence[str] = ()
) -> Path | None:
    """Return the folder of a repository in the cache, even if it is incomplete, or None."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import (  # noqa: PLC0415
        HFValidationError,
        IncompleteSnapshotError,
        LocalEntryNotFoundError,
    )

    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                local_files_only=True,
                allow_patterns=list(allow) if allow else None,
                ignore_patterns=list(ignore),
            )
        )
    except IncompleteSnapshotError as error:
        # Also raised if sentence-transformers downloaded the model, without the files that it doesn't read.
        return Path(error.snapshot_path)
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def with_plain_errors(name: str, revision: str | None, download: Callable[[], Path]) -> Path:
    """Call `download`; raises ModelUnavailableError, in plain words, for any error."""
    try:
        return download()
    except ModelUnavailableError:
        raise
    except Exception as error:  # the hub, its HTTP client and the disk raise unrelated types
        raise unavailable(name, *_cause_and_mend(name, revision, error)) from error


def file_sizes(repository: str, revision: str | None) -> dict[str, int]:
    """Return the sizes of the files on the hub, with a timeout (snapshot_download has none)."""
    from huggingface_hub import HfApi  # noqa: PLC0415

    info = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=_HUB_TIMEOUT)
    return {file.rfilename: file.size or 0 for file in info.siblings or []}


def download(repository: str, revision: str | None, files: Mapping[str, int]) -> Path:
    """Download some files into the Hugging Face cache; their sizes are for the log."""
    from huggingface_hub import constants, snapshot_download  # noqa: PLC0415

    megabytes = sum(files.values()) / 1e6
    log.info("Downloading the model %s (about %.0f MB) to %s", repository, megabytes, constants.HF_HUB_CACHE)
    return Path(snapshot_download(repository, revision=revision, allow_patterns=list(files)))


def missing_from(folder: Path) -> Translatable | None:
    """Return why the folder can't be used as a model, or None if it can."""
    try:
        return _missing_part(folder) or _missing_shard(folder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Translatable("model.bad_list", reason=first_line(error))


def _download(repository: str, revision: str | None) -> Path:
    files = {path: size for path, size in file_sizes(repository, revision).items() if not _unwanted(path)}
    if not any(path.endswith(".safetensors") for path in files):
        raise unavailable(repository, Translatable("model.pickle_on_hub"), Translatable("mend.other_model"))
    folder = download(repository, revision, files)
    if missing := missing_from(folder):
        raise unavailable(repository, missing, Translatable("mend.other_model"))
    return folder


def _unwanted(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in _UNWANTED)


def _missing_part(folder: Path) -> Translatable | None:
    """Check the parts listed in modules.json; without that, the folder is a plain transformer."""
    modules = folder / "modules.json"
    parts = json.loads(modules.read_text("utf-8")) if modules.is_file() else [{"path": "", "type": "Transformer"}]
    for part in parts:
        path = folder / part["path"]
        if part["type"].endswith(("Transformer", "Pooling")) and not (path / "config.json").is_file():
            return Translatable("model.no_file", file=(path / "config.json").relative_to(folder).as_posix())
        if any(path.glob("pytorch_model*.bin")) and not any(path.glob("*.safetensors")):
            return Translatable("model.pickle")
    if not any(folder.rglob("*.safetensors")):
        return Translatable("model.no_weights")
    if not any(any(folder.rglob(pattern)) for pattern in _TOKENIZERS):
        return Translatable("model.no_tokenizer")
    return None


def _missing_shard(folder: Path) -> Translatable | None:
    """Check the files that the index of a large model lists."""
    for index in folder.rglob("*.safetensors.index.json"):
        for shard in sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values())):
            if not (index.parent / shard).is_file():
                return Translatable("model.no_file", file=shard)
    return None


def _cause_and_mend(name: str, revision: str | None, error: Exception) -> tuple[Translatable, Translatable]:
    from huggingface_hub import constants, errors  # noqa: PLC0415

    elsewhere = Translatable("mend.download", model=name)
    known: tuple[tuple[type[Exception], Translatable, Translatable], ...] = (
        (errors.OfflineModeIsEnabled, Translatable("model.offline", folder=str(constants.HF_HUB_CACHE)), elsewhere),
        (errors.GatedRepoError, Translatable("model.gated"), Translatable("mend.terms")),
        (errors.RepositoryNotFoundError, Translatable("model.not_on_hub"), Translatable("mend.name")),
        (
            errors.RevisionNotFoundError,
            Translatable("model.no_revision", revision=str(revision)),
            Translatable("mend.revision"),
        ),
        (errors.HFValidationError, Translatable("model.no_name"), Translatable("mend.name")),
    )
    for kind, cause, mend in known:
        if isinstance(error, kind):
            return cause, mend
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return Translatable("model.status", hub=constants.ENDPOINT, status=status), elsewhere
    if isinstance(error, OSError) and error.filename is not None:
        cause = Translatable("model.not_stored", reason=reason(error), path=str(error.filename))
        return cause, Translatable("mend.disk")
    return Translatable("model.no_connection", hub=constants.ENDPOINT, reason=first_line(error)), elsewhere
