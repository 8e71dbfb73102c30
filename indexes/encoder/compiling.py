"""Compiles one model: `python -m indexes.encoder.compiling`, with the order as a line of JSON on stdin.

Besides `loading` the only module that imports torch, in a process of its own that has the lowest priority and ends when
its stdin does. Prints JSON: `compiled`, and `why` not and whether that is `final`.
"""

import json
import math
import os
import shutil
import sys
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray

from indexes.encoder.compiled import (
    AGREEMENT,
    MANIFEST,
    CompiledModel,
    CompiledModels,
    checksums,
    made_with,
)
from indexes.encoder.eight_bits import write_eight_bits
from indexes.encoder.fast import open_onnx
from indexes.encoder.loading import SentenceTransformerModel, folder_digest, open_transformer
from indexes.encoder.names import first_line, local_folder
from indexes.encoder.protocol import Model
from indexes.encoder.weights_file import NETWORK, WEIGHTS, add_weight
from indexes.encoder.worker import CANARIES, SAME_VECTOR
from indexes.errors import KnowledgeBaseError
from indexes.messages import Translatable, as_data, reason

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto
    from sentence_transformers import SentenceTransformer

_MEGABYTE = 2**20
_BASE_MEMORY = 600 * _MEGABYTE
_MEMORY_PER_WEIGHT = 2.0
"""Needed beside the libraries, in bytes per byte of weights; 1.3 were measured on a model of 490 MB."""
_SPARE_DISK = 100 * _MEGABYTE
_CGROUP = Path("/sys/fs/cgroup")
_SETTINGS_BYTES = _MEGABYTE
_OWN = {MANIFEST, AGREEMENT}
_SIMILAR = 0.9
"""Least cosine of 8 bits to float32 with which it is worth asking what they find."""
_PIECES = 8
"""Rows of the embedding table that the export sees; a copy of the whole of it would be most of the memory needed."""
_BATCH = 8
_QUERIES = 20


class PostponedError(KnowledgeBaseError):
    """It can't be compiled now, but perhaps later."""


class RefusedError(KnowledgeBaseError):
    """This model can't be compiled, or would give other vectors."""


def main() -> None:
    """Compile what stdin asks for."""
    warnings.simplefilter("ignore")  # the exporter's own
    answer = _take_stdout()
    _be_modest()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    json.dump(_outcome(order), answer)
    answer.flush()


def _take_stdout() -> IO[str]:
    """Return stdout, and let whatever libraries print go to stderr."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answer


def _be_modest() -> None:
    """Take only time that nobody else wants; be the first to go when memory runs out."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        os.nice(19)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _end_with_parent() -> None:
    """End when the other end of stdin is closed. Not through `sys.stdin`: its lock would outlive the interpreter."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _outcome(order: Mapping[str, Any]) -> dict[str, Any]:
    models = CompiledModels(Path(order["target"]))
    blank = CompiledModel(order["model"], order["revision"], made_with(), {}, variant=order["variant"])
    try:
        write = _reduced if blank.variant else _compiled
        _check_room(Path(order["source"]), models.folder)
        with _begun(models, blank) as folder:
            models.store(write(order, blank, folder), folder)
    except PostponedError as error:
        return {"compiled": False, "why": as_data(error.message), "final": False}
    except OSError as error:
        why = Translatable("compile.not_stored", reason=reason(error))
        return {"compiled": False, "why": as_data(why), "final": False}
    except KnowledgeBaseError as error:
        return _refuse(models, blank, error.message)
    except Exception as error:  # noqa: BLE001 - told where it happened; its words may quote a text
        place = traceback.extract_tb(error.__traceback__)[-1]
        why = Translatable(
            "compile.failed", reason=f"{type(error).__name__}, {Path(place.filename).name}:{place.lineno}"
        )
        return {"compiled": False, "why": as_data(why), "final": False}
    return {"compiled": True, "why": None, "final": True}


def _refuse(models: CompiledModels, blank: CompiledModel, why: Translatable) -> dict[str, Any]:
    """Note why the model can't be compiled, so that not every start tries it again."""
    with suppress(OSError), _begun(models, blank) as folder:
        models.store(replace(blank, refused=why), folder)
    return {"compiled": False, "why": as_data(why), "final": True}


@contextmanager
def _begun(models: CompiledModels, blank: CompiledModel) -> Iterator[Path]:
    folder = models.begin(blank)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compiled(order: Mapping[str, Any], blank: CompiledModel, folder: Path) -> CompiledModel:
    """Write everything but the manifest into `folder`; raises RefusedError and OSError."""
    source = Path(order["source"])
    if blank.revision != (folder_digest(source) if local_folder(blank.model) else source.name):
        raise PostponedError("compile.changed")
    try:
        transformer = open_transformer(source, packed=False)
        _write_recipe(source, _tokenizer_of(transformer), folder)
        _write_network(transformer, folder)
        compiled = open_onnx(blank.model, blank.revision, folder, folder / NETWORK)
    except (KnowledgeBaseError, OSError, MemoryError):
        raise
    except Exception as error:  # torch, transformers and onnx raise unrelated types
        raise RefusedError("compile.failed", reason=first_line(error)) from error
    truth = SentenceTransformerModel(blank.model, blank.revision, transformer)
    texts = [*CANARIES, *order["texts"]]
    cosine = _least_cosine(truth, compiled, texts)
    if not cosine >= SAME_VECTOR:
        raise RefusedError("compile.differs", cosine=cosine)
    _flush(folder)
    return CompiledModel(blank.model, blank.revision, blank.made_with, checksums(folder), cosine, len(texts))


def _reduced(order: Mapping[str, Any], blank: CompiledModel, folder: Path) -> CompiledModel:
    """Write the form of 8 bits of the compiled model in `source`, as `_compiled` does."""
    source, texts = Path(order["source"]), [*CANARIES, *order["texts"]]
    try:
        _write_recipe(source, None, folder)
        write_eight_bits(source, folder, texts)
        exact = open_onnx(blank.model, blank.revision, source, source / NETWORK)
        reduced = open_onnx(blank.model, blank.revision, folder, folder / NETWORK)
    except (KnowledgeBaseError, OSError, MemoryError):
        raise
    except Exception as error:  # onnx and ONNX Runtime raise unrelated types
        raise RefusedError("compile.failed", reason=first_line(error)) from error
    cosine = _least_cosine(exact, reduced, texts)
    if not cosine >= _SIMILAR:
        raise RefusedError("compile.differs", cosine=cosine)
    canaries = [model.encode_documents(CANARIES).tolist() for model in (exact, reduced)]
    _flush(folder)
    return replace(blank, checksums=checksums(folder), cosine=cosine, texts=len(texts), canaries=canaries)


# -- Room --------------------------------------------------------------------------------------------------


def _check_room(source: Path, target: Path) -> None:
    """Raise PostponedError unless there is memory and disk for it."""
    weights = sum(file.stat().st_size for kind in ("*.safetensors", WEIGHTS) for file in source.glob(kind))
    needed, free = round(_BASE_MEMORY + _MEMORY_PER_WEIGHT * weights), _free_memory()
    if free < needed:
        raise PostponedError("compile.memory", needed=needed // _MEGABYTE, free=free // _MEGABYTE)
    target.mkdir(parents=True, exist_ok=True)
    needed, free = weights + _SPARE_DISK, shutil.disk_usage(target).free
    if free < needed:
        raise PostponedError("compile.disk", needed=needed // _MEGABYTE, free=free // _MEGABYTE, folder=str(target))


def _free_memory() -> int:
    """Return the bytes of memory that this process may still take: what the machine, container and limits leave."""
    return min([psutil.virtual_memory().available, *_cgroup_memory(), *_address_space()])


def _cgroup_memory() -> Iterator[int]:
    """Yield what a container's limit leaves; files that are only cached there count as free."""
    with suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text("ascii"))  # "max" without a limit
        used = int((_CGROUP / "memory.current").read_text("ascii"))
        counts = dict(line.split() for line in (_CGROUP / "memory.stat").read_text("ascii").splitlines())
        yield limit - used + int(counts.get("inactive_file", 0))


def _address_space() -> Iterator[int]:
    try:
        import resource  # noqa: PLC0415 - Windows has no such module
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield limit - psutil.Process().memory_info().vms


# -- Writing -----------------------------------------------------------------------------------------------


def _tokenizer_of(transformer: "SentenceTransformer") -> Any:
    """Return the tokenizer of the library tokenizers; raises RefusedError for one in Python."""
    tokenizer = getattr(transformer.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise RefusedError("compile.slow_tokenizer", kind=type(transformer.tokenizer).__name__)
    return tokenizer


def _write_recipe(source: Path, tokenizer: Any, folder: Path) -> None:
    """Copy the settings, and write the tokenizer as it is after loading; None copies the one of a compiled model."""
    for file in (*source.glob("*.json"), *source.glob("*/config.json")):
        if file.name not in _OWN and file.stat().st_size < _SETTINGS_BYTES and not file.name.endswith(".index.json"):
            copy = folder / file.relative_to(source)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)
    if tokenizer is None:
        shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    else:
        tokenizer.save(str(folder / "tokenizer.json"))


def _write_network(transformer: "SentenceTransformer", folder: Path) -> None:
    network = _network(transformer)
    exported = _export(network, folder / NETWORK)
    tensors = {**dict(network.named_parameters(remove_duplicate=False)), **dict(network.named_buffers())}
    weights = {name: tensor.detach().numpy() for name, tensor in tensors.items()}
    with (folder / WEIGHTS).open("wb") as file:
        _move_weights(exported, weights, file)
    (folder / NETWORK).write_bytes(exported.SerializeToString())


def _network(transformer: "SentenceTransformer") -> "torch.nn.Module":
    """Return the network from token numbers to token vectors; the exporter takes no keywords and no dictionaries."""
    import torch  # noqa: PLC0415 - takes seconds

    class Network(torch.nn.Module):
        def __init__(self, network: Any) -> None:
            super().__init__()
            self.network = network

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Any:
            return self.network(input_ids=ids, attention_mask=mask).last_hidden_state

    return Network(transformer[0].auto_model).eval()


def _export(network: "torch.nn.Module", file: Path) -> "ModelProto":
    """Export the network with its weights as inputs: none is copied, and no size is too large."""
    import torch  # noqa: PLC0415 - takes seconds
    from onnx import load_model  # noqa: PLC0415

    ids = torch.full((2, 9), _PIECES // 2)
    names = ["input_ids", "attention_mask", "last_hidden_state"]
    with torch.no_grad(), _few_pieces(network):
        torch.onnx.export(
            network,
            (ids, torch.ones_like(ids)),
            str(file),
            input_names=names[:2],
            output_names=names[2:],
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names},
            opset_version=17,
            dynamo=False,  # the other exporter takes six times as long, and needs onnxscript
            export_params=False,
            do_constant_folding=False,
        )
    return load_model(file)


@contextmanager
def _few_pieces(network: Any) -> Iterator[None]:
    """Shorten the embedding table for the export, and use the attention that gives the quicker network."""
    inner = network.network
    weight, kind = inner.get_input_embeddings().weight, inner.config._attn_implementation  # noqa: SLF001
    whole = weight.data
    inner.set_attn_implementation("eager")
    weight.data = whole[:_PIECES]
    try:
        yield
    finally:
        weight.data = whole
        inner.set_attn_implementation(kind)


def _move_weights(exported: "ModelProto", weights: Mapping[str, NDArray[Any]], file: IO[bytes]) -> None:
    """Make the inputs of the exported network that are weights its initializers, in `file` unless they are small.

    A matrix that is only used transposed is stored so.
    """
    graph = exported.graph
    uses = Counter(name for node in graph.node for name in node.input)
    transposed = {
        node.input[0]: node
        for node in graph.node
        if node.op_type == "Transpose" and node.input[0] in weights and uses[node.input[0]] == 1
    }
    for given in [each for each in graph.input if each.name in weights]:
        graph.input.remove(given)
        name, values = given.name, weights[given.name]
        if node := transposed.get(name):
            graph.node.remove(node)
            name, values = node.output[0], values.transpose(node.attribute[0].ints)
        add_weight(exported, name, np.ascontiguousarray(values), file)


def _flush(folder: Path) -> None:
    for file in (path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb+") as opened:
            os.fsync(opened.fileno())


# -- Verifying ---------------------------------------------------------------------------------------------


def _least_cosine(truth: Model, compiled: Model, texts: Sequence[str]) -> float:
    """Return the least cosine between the vectors of both: of all texts as documents, of some as questions."""
    try:
        documents = min(
            _cosine(truth.encode_documents(batch), compiled.encode_documents(batch)) for batch in _batches(texts)
        )
        queries = min(
            _cosine(truth.encode_queries(batch), compiled.encode_queries(batch)) for batch in _batches(texts[:_QUERIES])
        )
    except Exception as error:  # its words may quote a text
        raise RefusedError("compile.failed", reason=type(error).__name__) from error
    return min(documents, queries)


def _batches(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]


def _cosine(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the least cosine of two arrays row by row; nothing is like NaN."""
    least = float(np.sum(one.astype(np.float64) * other, axis=1).min())
    return -1.0 if math.isnan(least) else min(least, 1.0)


if __name__ == "__main__":
    main()
