"""The two encoders behind one set of functions: a name that begins with `fastembed:` means the light one."""

from importlib.util import find_spec
from pathlib import Path

from indexes.encoder import fast, fast_hub, hub, loading
from indexes.encoder.names import FAST, split_name
from indexes.encoder.protocol import Model


def with_backend(name: str, backend: str, revision: str | None = None) -> str:
    """Return the model's name as `backend` (ENCODER_BACKEND) calls it: with or without `fastembed:` before it.

    `auto` takes the light encoder if it is installed and knows the model: a folder with ONNX weights, or a name that
    fastembed knows. A pinned revision is one of the model's own repository, not of a conversion: `auto` stays there.
    """
    if name.startswith(FAST) or backend not in {"fastembed", "auto"}:
        return name
    if backend == "auto" and (revision or not find_spec("onnxruntime") or not fast_hub.knows(name)):
        return name
    return f"{FAST}{name}"


def find_model(name: str, revision: str | None = None) -> Path | None:
    """Return the model's folder if it is complete on this machine. Never asks the network."""
    return (fast_hub.find_fast if split_name(name)[0] else hub.find_model)(name, revision)


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Return the model's folder, downloaded first if need be. Raises ModelUnavailableError within seconds."""
    return (fast_hub.fetch_fast if split_name(name)[0] else hub.fetch_model)(name, revision)


def load_model(name: str, revision: str | None = None) -> Model:
    """Load the model with the encoder that its name asks for. Raises ModelUnavailableError."""
    return (fast.load_fastembed if split_name(name)[0] else loading.load_sentence_transformer)(name, revision)
