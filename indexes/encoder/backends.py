"""Choosing between the two backends: names that begin with `fastembed:` use ONNX Runtime."""

from pathlib import Path
from typing import Literal, get_args

from indexes.encoder import fast, fast_hub, hub, loading
from indexes.encoder.names import FAST, local_folder, split_name, unavailable
from indexes.encoder.protocol import Model
from indexes.messages import Translatable

Backend = Literal["auto", "sentence-transformers", "fastembed", "lexical"]
"""What ENCODER_BACKEND may say; the first is the default."""
BACKENDS: tuple[str, ...] = get_args(Backend)


def chosen_model(name: str, backend: str, revision: str | None = None) -> str | None:
    """Return the name of the model that MODEL_NAME and ENCODER_BACKEND choose; None to search lexically."""
    return None if backend == "lexical" else with_backend(name, backend, revision)


def with_backend(name: str, backend: str, revision: str | None = None) -> str:
    """Return the model name for a backend (ENCODER_BACKEND), with or without the prefix `fastembed:`.

    `auto` uses a ready ONNX form where that is all there is: a folder without other weights, or a name that
    fastembed knows and of which only that form is cached. A pinned revision belongs to the model's own repository.
    """
    if name.startswith(FAST) or backend not in {"fastembed", "auto"}:
        return name
    if backend == "auto" and (revision or not _only_onnx(name)):
        return name
    return f"{FAST}{name}"


def _only_onnx(name: str) -> bool:
    """Return whether this machine has the ONNX form of a model, and no other."""
    if folder := local_folder(name):
        return fast_hub.onnx_file(folder) is not None and hub.missing_from(folder) is not None
    is_there = fast_hub.knows(name) and fast_hub.was_downloaded(name)
    return is_there and fast_hub.find_fast(name) is not None and hub.find_model(name) is None


def find_model(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of a model if it is complete on this machine, or None. Never uses the network."""
    return (fast_hub.find_fast if split_name(name)[0] else hub.find_model)(name, revision)


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model, downloading it if necessary. Raises ModelUnavailableError within seconds."""
    return (fast_hub.fetch_fast if split_name(name)[0] else hub.fetch_model)(name, revision)


def load_model(name: str, revision: str | None = None) -> Model:
    """Load the model with the backend that its name selects. Raises ModelUnavailableError."""
    return (fast.load_fastembed if split_name(name)[0] else loading.load_sentence_transformer)(name, revision)


def load_cached(name: str, revision: str | None = None) -> Model:
    """Load the model if it is on this machine; never uses the network. Raises ModelUnavailableError."""
    if find_model(name, revision) is None:
        raise unavailable(name, Translatable("model.not_here"), Translatable("mend.download", model=name))
    return load_model(name, revision)
