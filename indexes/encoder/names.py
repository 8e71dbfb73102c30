"""Names of models, and errors about models. Imports nothing slow."""

import os
from pathlib import Path

from indexes.errors import ModelUnavailableError
from indexes.messages import Translatable, Value

DEFAULT_MODEL = "paraphrase-multilingual-MiniLM-L12-v2"
"""384 dimensions, about 471 MB, some fifty languages."""
FAST = "fastembed:"
"""Prefix of models for the ONNX Runtime backend. It keeps the vectors of the two backends apart by name."""


def split_name(name: str) -> tuple[bool, str]:
    """Return whether the name has the prefix FAST, and the name without it."""
    return name.startswith(FAST), name.removeprefix(FAST)


def canonical_name(name: str) -> str:
    """Add the owner to a hub name like sentence-transformers does; leave local folders unchanged."""
    fast, model = split_name(name)
    if not ("/" in model or os.sep in model or local_folder(model)):
        model = f"sentence-transformers/{model}"
    return f"{FAST}{model}" if fast else model


def local_folder(name: str) -> Path | None:
    """Return the local folder of that name, or None. A folder takes precedence over a hub name."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def unavailable(name: str, cause: Value, mend: Translatable) -> ModelUnavailableError:
    """Return an error with the model, the cause (perhaps as worded by a library) and what to do."""
    return ModelUnavailableError("model.unusable", model=name, cause=cause, mend=mend)


def first_line(error: BaseException) -> str:
    """Return the type and the first line of an error from another library."""
    line = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
