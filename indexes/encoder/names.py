"""What models are called, and how it is said that one can't be used. Imports nothing that takes time."""

import os
from pathlib import Path

from indexes.errors import ModelUnavailableError
from indexes.messages import Translatable, Value

DEFAULT_MODEL = "paraphrase-multilingual-MiniLM-L12-v2"
"""384 dimensions, about 471 MB, some fifty languages."""
FAST = "fastembed:"
"""Before a model's name: the light encoder runs it. So the vectors of the two encoders never go by one name."""


def split_name(name: str) -> tuple[bool, str]:
    """Return whether the light encoder runs the model, and what the model itself is called."""
    return name.startswith(FAST), name.removeprefix(FAST)


def canonical_name(name: str) -> str:
    """Complete a hub name as sentence-transformers does for its own models; leave a local folder's as it is."""
    fast, model = split_name(name)
    if not ("/" in model or os.sep in model or local_folder(model)):
        model = f"sentence-transformers/{model}"
    return f"{FAST}{model}" if fast else model


def local_folder(name: str) -> Path | None:
    """Return the folder that `name` names, if there is one: a folder wins over a hub name."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def unavailable(name: str, cause: Value, mend: Translatable) -> ModelUnavailableError:
    """Make the error that names the model, the cause (in another library's own words, if need be) and what to do."""
    return ModelUnavailableError("model.unusable", model=name, cause=cause, mend=mend)


def first_line(error: BaseException) -> str:
    """Type and first line of an error from another library."""
    line = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
