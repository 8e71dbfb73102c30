"""The file of weights beside a network in ONNX, aligned so that ONNX Runtime maps it."""

from typing import IO, TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

NETWORK, WEIGHTS = "model.onnx", "weights.bin"
_ALIGNED, _IN_LINE = 65536, 1024
"""ONNX Runtime maps weights that begin at a multiple of this; smaller ones than that many bytes stay in the network."""


def add_weight(exported: "ModelProto", name: str, values: NDArray[Any], file: IO[bytes]) -> None:
    """Add a contiguous array to the initializers of a network: in `file`, which is WEIGHTS, unless it is small."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - takes half a second

    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    tensor = exported.graph.initializer.add(name=name, dims=values.shape, data_type=kind)
    if values.nbytes < _IN_LINE:
        tensor.raw_data = values.tobytes()
        return
    file.write(b"\0" * (-file.tell() % _ALIGNED))
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", WEIGHTS), ("offset", file.tell()), ("length", values.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    file.write(values.data)
