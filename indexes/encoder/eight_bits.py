"""Makes the form of 8 bits of a compiled model: weights with one scale per column, and token vectors with one each.

ONNX Runtime puts activations on one scale per matrix when they are multiplied. A few columns of a transformer's
activations are far larger than the others, which would then be rounded to nearly nothing. So each column is divided by
what it reaches in the team's own texts to the power of .7, and the weights' rows are multiplied by it (SmoothQuant):
the mean cosine to the float32 vectors is .997 instead of .991 with all-MiniLM-L6-v2, .9993 instead of .9970 with
multilingual-e5-small. Matrices that take the same input become one, so that it is rounded once.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexes.encoder.fast import exact_products, open_onnx
from indexes.encoder.weights_file import NETWORK, WEIGHTS, add_weight

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_OWN = "com.microsoft"
_SHARE = 0.7
"""Of .5 to .85, the power with the highest cosines for both models."""
_LEAST = 1e-5
_WHOLE, _HALF = 127, 63
"""The largest weight. Without exact products of 8 bits (x86 without VNNI adds pairs of them in 16 bits) it is half."""
_TABLE = 1_000_000
"""Weights from which a table of vectors is stored in 8 bits too."""


def write_eight_bits(source: Path, folder: Path, texts: Sequence[str]) -> None:
    """Write the network of a compiled model in `source`, and its weights, into `folder`; the scales fit `texts`."""
    exported = _network(source)
    weights = _Weights(exported.graph, source / WEIGHTS)
    shared = _by_input(exported.graph, weights)
    reached = _reached(source, folder, list(shared), texts)
    writer = _Writer(_HALF if _saturates() else _WHOLE)
    nodes = list(_nodes(exported.graph, weights, shared, reached, writer))
    with (folder / WEIGHTS).open("wb") as file:
        _replace(exported, nodes, {**weights.unused(), **writer.weights}, file)
    (folder / NETWORK).write_bytes(exported.SerializeToString())


class _Weights:
    """The weights of a network, of which those in the file are mapped; `take` those that are stored in another form."""

    def __init__(self, graph: "GraphProto", file: Path) -> None:
        from onnx import helper, numpy_helper  # noqa: PLC0415 - takes half a second

        self._taken: set[str] = set()
        self._arrays: dict[str, NDArray[Any]] = {}
        for tensor in graph.initializer:
            place = {entry.key: entry.value for entry in tensor.external_data}
            self._arrays[tensor.name] = (
                np.memmap(
                    file,
                    helper.tensor_dtype_to_np_dtype(tensor.data_type),
                    "r",
                    int(place["offset"]),
                    tuple(tensor.dims),
                )
                if place
                else numpy_helper.to_array(tensor)
            )

    def is_matrix(self, name: str) -> bool:
        """Return whether this is a matrix of float32."""
        found = self._arrays.get(name)
        return found is not None and found.ndim == 2 and found.dtype == np.float32  # noqa: PLR2004

    def is_table(self, name: str) -> bool:
        """Return whether this is a table so large that it is worth storing in 8 bits."""
        return self.is_matrix(name) and self._arrays[name].size >= _TABLE

    def take(self, name: str) -> NDArray[np.float32]:
        """Return a matrix that is no longer needed as it is."""
        self._taken.add(name)
        return self._arrays[name]

    def unused(self) -> dict[str, NDArray[Any]]:
        """Return the weights that nobody took."""
        return {name: array for name, array in self._arrays.items() if name not in self._taken}


class _Writer:
    """The weights of the new network; a weight of 8 bits is at most `largest`."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.weights: dict[str, NDArray[Any]] = {}

    def table(self, node: "NodeProto", table: NDArray[np.float32]) -> Iterator["NodeProto"]:
        """Yield what looks up vectors that have one scale each."""
        from onnx import TensorProto, helper  # noqa: PLC0415

        name = node.input[0]
        scales = _scales(table, 1, _WHOLE)
        self.weights[f"{name}.8"] = np.rint(table / scales).astype(np.int8)
        self.weights[f"{name}.scale"] = scales
        yield helper.make_node("Gather", [f"{name}.8", node.input[1]], [f"{name}.found"])
        yield helper.make_node("Cast", [f"{name}.found"], [f"{name}.float"], to=TensorProto.FLOAT)
        yield helper.make_node("Gather", [f"{name}.scale", node.input[1]], [f"{name}.scales"])
        yield helper.make_node("Mul", [f"{name}.float", f"{name}.scales"], [node.output[0]])

    def matrices(
        self, nodes: Sequence["NodeProto"], parts: Sequence[NDArray[np.float32]], reached: NDArray[np.float32]
    ) -> Iterator["NodeProto"]:
        """Yield what multiplies one input by several matrices at once."""
        from onnx import helper  # noqa: PLC0415

        name, joined = nodes[0].input[1], np.concatenate(parts, axis=1)
        smooth = _smooth(reached, np.abs(joined).max(axis=1))
        joined = joined * smooth[:, None]
        scales = _scales(joined, 0, self._largest)
        self.weights[f"{name}.smooth"] = 1 / smooth
        self.weights[f"{name}.8"] = np.rint(joined / scales).astype(np.int8)
        self.weights[f"{name}.scale"] = scales[0]
        self.weights[f"{name}.zero"] = np.zeros(joined.shape[1], np.int8)
        single = len(nodes) == 1
        product = nodes[0].output[0] if single else f"{name}.product"
        yield helper.make_node("Mul", [nodes[0].input[0], f"{name}.smooth"], [f"{name}.smoothed"])
        yield helper.make_node(
            "DynamicQuantizeMatMul",
            [f"{name}.smoothed", f"{name}.8", f"{name}.scale", f"{name}.zero"],
            [product],
            domain=_OWN,
        )
        if not single:
            self.weights[f"{name}.widths"] = np.array([part.shape[1] for part in parts], np.int64)
            yield helper.make_node("Split", [product, f"{name}.widths"], [node.output[0] for node in nodes], axis=-1)


def _network(source: Path) -> "ModelProto":
    from onnx import load_model  # noqa: PLC0415

    return load_model(source / NETWORK, load_external_data=False)


def _by_input(graph: "GraphProto", weights: _Weights) -> dict[str, list["NodeProto"]]:
    """Return the multiplications by a matrix of weights, by what they multiply."""
    shared: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        if node.op_type == "MatMul" and weights.is_matrix(node.input[1]):
            shared.setdefault(node.input[0], []).append(node)
    return shared


def _reached(
    source: Path, folder: Path, names: Sequence[str], texts: Sequence[str]
) -> Mapping[str, NDArray[np.float32]]:
    """Return what each column of these results of the network reaches in the texts."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    observed = _network(source)
    observed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    network, weights = folder / "observed.onnx", folder / WEIGHTS
    network.write_bytes(observed.SerializeToString())
    os.link(source / WEIGHTS, weights)  # the weights must be beside the network
    try:
        return open_onnx("", "", source, network).largest(names, texts)
    finally:
        network.unlink()
        weights.unlink()


def _nodes(
    graph: "GraphProto",
    weights: _Weights,
    shared: Mapping[str, Sequence["NodeProto"]],
    reached: Mapping[str, NDArray[np.float32]],
    writer: _Writer,
) -> Iterator["NodeProto"]:
    """Yield the nodes of the new network."""
    written = set()
    for node in graph.node:
        if node.op_type == "Gather" and weights.is_table(node.input[0]):
            yield from writer.table(node, weights.take(node.input[0]))
        elif node.op_type != "MatMul" or not weights.is_matrix(node.input[1]):
            yield node
        elif (given := node.input[0]) not in written:
            written.add(given)
            parts = [weights.take(each.input[1]) for each in shared[given]]
            yield from writer.matrices(shared[given], parts, reached[given])


def _replace(
    exported: "ModelProto", nodes: Sequence["NodeProto"], weights: Mapping[str, NDArray[Any]], file: IO[bytes]
) -> None:
    from onnx import helper  # noqa: PLC0415

    del exported.graph.node[:], exported.graph.initializer[:]
    exported.graph.node.extend(nodes)
    exported.opset_import.append(helper.make_opsetid(_OWN, 1))
    for name, values in weights.items():
        add_weight(exported, name, np.ascontiguousarray(values), file)


def _smooth(reached: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what each column is divided by; their geometric mean is 1."""
    factors = np.maximum(reached, _LEAST) ** _SHARE / np.maximum(weights, _LEAST) ** (1 - _SHARE)
    scaled: NDArray[np.float32] = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return scaled


def _scales(values: NDArray[np.float32], axis: int, largest: int) -> NDArray[np.float32]:
    """Return the scale with which the largest value along an axis becomes `largest`."""
    scales: NDArray[np.float32] = (np.abs(values).max(axis=axis, keepdims=True) / largest).astype(np.float32)
    scales[scales == 0] = 1
    return scales


def _saturates() -> bool:
    """Return whether this machine's products of 8 bits are wrong for large weights."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    unsigned, signed, number = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "products",
        [
            helper.make_tensor_value_info("a", unsigned, ["n", "k"]),
            helper.make_tensor_value_info("b", signed, ["k", "m"]),
        ],
        [helper.make_tensor_value_info("c", number, ["n", "m"])],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return not exact_products(network.SerializeToString())
