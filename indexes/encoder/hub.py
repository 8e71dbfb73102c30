"""Finding a model: a local folder, the Hugging Face cache, or a download. Nothing here loads torch.

`HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and `HF_TOKEN` are read by huggingface_hub itself.
"""

import json
import logging
import os
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from indexes.errors import ModelUnavailableError

log = logging.getLogger(__name__)

_HUB_TIMEOUT = 10.0
_UNWANTED = (
    *("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.ot", "*.msgpack", "*.tflite", "*.gguf"),
    *("*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "coreml/*", "*.md", "*.png", ".gitattributes"),
)
"""Other frameworks' weights, pickles, and what only people read."""

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")

DEFAULT_MODEL = "paraphrase-multilingual-MiniLM-L12-v2"
"""384 dimensions, about 471 MB, some fifty languages."""


def canonical_name(name: str) -> str:
    """Complete a hub name as sentence-transformers does for its own models; leave a local folder's as it is."""
    if "/" in name or os.sep in name or local_folder(name):
        return name
    return f"sentence-transformers/{name}"


def local_folder(name: str) -> Path | None:
    """Return the folder that `name` names, if there is one: a folder wins over a hub name."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def find_model(name: str, revision: str | None = None) -> Path | None:
    """Return the model's folder if it is complete on this machine. Never asks the network."""
    if folder := local_folder(name):
        return folder
    try:
        found = snapshot_download(
            canonical_name(name), revision=revision, local_files_only=True, ignore_patterns=list(_UNWANTED)
        )
    except IncompleteSnapshotError as error:
        # Also raised when sentence-transformers itself made the download and left out what it doesn't read.
        found = error.snapshot_path
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return None if missing_from(Path(found)) else Path(found)


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Return the model's folder, downloaded first if need be. Raises ModelUnavailableError within seconds."""
    if found := find_model(name, revision):
        return found
    try:
        return _download(canonical_name(name), revision)
    except ModelUnavailableError:
        raise
    except Exception as error:  # the hub, its transports and the disk raise unrelated types
        raise unavailable(name, *_cause_and_mend(name, revision, error)) from error


def missing_from(folder: Path) -> str | None:
    """Say what keeps the folder from being a usable model; None when nothing does."""
    try:
        return _missing_part(folder) or _missing_shard(folder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"its list of files can't be read ({first_line(error)})"


def unavailable(name: str, cause: str, mend: str) -> ModelUnavailableError:
    """Make the error that names the model, the cause and what to do."""
    return ModelUnavailableError(f"The model {name} can't be used: {cause}. {mend}")


def first_line(error: BaseException) -> str:
    """Type and first line of an error from another library."""
    line = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _download(repository: str, revision: str | None) -> Path:
    """Ask the hub what there is, with a time limit (snapshot_download has none), then fetch it."""
    info = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=_HUB_TIMEOUT)
    files = [file for file in info.siblings or [] if not _unwanted(file.rfilename)]
    if not any(file.rfilename.endswith(".safetensors") for file in files):
        raise unavailable(
            repository,
            "it has no safetensors weights on the hub, and Kotae never opens pickles",
            "Choose another with MODEL_NAME.",
        )
    megabytes = sum(file.size or 0 for file in files) / 1e6
    log.info("Downloading the model %s (about %.0f MB) to %s", repository, megabytes, constants.HF_HUB_CACHE)
    folder = Path(snapshot_download(repository, revision=revision, ignore_patterns=list(_UNWANTED)))
    if missing := missing_from(folder):
        raise unavailable(repository, missing, "Choose another with MODEL_NAME.")
    return folder


def _unwanted(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in _UNWANTED)


def _missing_part(folder: Path) -> str | None:
    """Look at the parts that modules.json lists; without it, the folder is a plain transformer."""
    modules = folder / "modules.json"
    parts = json.loads(modules.read_text("utf-8")) if modules.is_file() else [{"path": "", "type": "Transformer"}]
    for part in parts:
        path = folder / part["path"]
        if part["type"].endswith(("Transformer", "Pooling")) and not (path / "config.json").is_file():
            return f"it has no {(path / 'config.json').relative_to(folder).as_posix()}"
        if any(path.glob("pytorch_model*.bin")) and not any(path.glob("*.safetensors")):
            return "it has no safetensors weights, only a pickle, which Kotae never opens"
    if not any(folder.rglob("*.safetensors")):
        return "it has no safetensors weights"
    if not any(any(folder.rglob(pattern)) for pattern in _TOKENIZERS):
        return "it has no tokenizer"
    return None


def _missing_shard(folder: Path) -> str | None:
    """Large models are cut into files that an index lists."""
    for index in folder.rglob("*.safetensors.index.json"):
        for shard in sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values())):
            if not (index.parent / shard).is_file():
                return f"it has no {shard}"
    return None


def _cause_and_mend(name: str, revision: str | None, error: Exception) -> tuple[str, str]:
    elsewhere = f"Run `kotae model download {name}` when there is a connection, or set MODEL_NAME to a local folder."
    known: tuple[tuple[type[Exception], str, str], ...] = (
        (
            OfflineModeIsEnabled,
            f"it isn't in the cache ({constants.HF_HUB_CACHE}) and HF_HUB_OFFLINE is set",
            elsewhere,
        ),
        (
            GatedRepoError,
            "its owner admits only approved accounts",
            "Accept its terms on the hub and set HF_TOKEN.",
        ),
        (
            RepositoryNotFoundError,
            "there is no such model on the hub (or it is private)",
            "Check MODEL_NAME.",
        ),
        (RevisionNotFoundError, f"it has no revision {revision} on the hub", "Check the revision."),
        (HFValidationError, "it is neither a folder nor a name on the hub", "Check MODEL_NAME."),
    )
    for kind, cause, mend in known:
        if isinstance(error, kind):
            return cause, mend
    if isinstance(error, HfHubHTTPError):
        return f"{constants.ENDPOINT} answered with status {error.response.status_code}", elsewhere
    if isinstance(error, OSError) and error.filename is not None:
        return f"it can't be stored ({error.strerror}: {error.filename})", "Check HF_HOME and the disk."
    return f"the connection to {constants.ENDPOINT} failed ({first_line(error)})", elsewhere
