"""Choosing between the two backends: names that begin with `fastembed:` use ONNX Runtime."""

from importlib.util import find_spec
from pathlib import Path

from indexes.encoder import fast, fast_hub, hub, loading
from indexes.encoder.names import FAST, split_name
from indexes.encoder.protocol import Model


def with_backend(name: str, backend: str, revision: str | None = None) -> str:
    """Return the model name for a backend (ENCODER_BACKEND), with or without the prefix `fastembed:`.

    `auto` uses ONNX Runtime if it is installed and the model has an ONNX form: a folder with ONNX weights, or a name
    that fastembed knows. A pinned revision belongs to the model's own repository, so that `auto` then uses that.
    """
    if name.startswith(FAST) or backend not in {"fastembed", "auto"}:
        return name
    if backend == "auto" and (revision or not find_spec("onnxruntime") or not fast_hub.knows(name)):
        return name
    return f"{FAST}{name}"


def find_model(name: str, revision: str | None = None) -> Path | None:
    """Return the folder of a model if it is complete on this machine, or None. Never uses the network."""
    return (fast_hub.find_fast if split_name(name)[0] else hub.find_model)(name, revision)


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Return the folder of a model, downloading it if necessary. Raises ModelUnavailableError within seconds."""
    return (fast_hub.fetch_fast if split_name(name)[0] else hub.fetch_model)(name, revision)


def load_model(name: str, revision: str | None = None) -> Model:
    """Load the model with the backend that its name selects. Raises ModelUnavailableError."""
    return (fast.load_fastembed if split_name(name)[0] else loading.load_sentence_transformer)(name, revision)
