# SPDX-License-Identifier: GPL-3.0-or-later
"""Write and read a network as an ONNX file: the few messages of that format that convolutions need.

Field numbers as in onnx.proto3 of the ONNX project; encoding as in Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

IR_VERSION, OPSET = 8, 13
HALF, SINGLE = 10, 1
"""Element types."""

Value = str
"""Name of a value in the graph."""


class OnnxGraph:
    """A graph that grows by one operation at a time; every method returns the name of its result.

    Args:
        channels: of the input "image" (1, channels, h, w) float32.
        kept: element type of the kernels in the file; OpenCV expands half precision when it reads them.
    """

    def __init__(self, channels: int, kept: int = HALF) -> None:
        self.channels, self.kept = channels, kept
        self.nodes: list[bytes] = []
        self.tensors = [_tensor("twice", np.array([1, 1, 2, 2], dtype=np.float32), SINGLE)]

    def convolved(
        self, values: Value, weight: NDArray[np.float32], bias: NDArray[np.float32], stride: int = 1
    ) -> Value:
        """Convolution with an odd square kernel (outputs, inputs, k, k), padded to keep the size."""
        name = f"convolution{len(self.nodes)}"
        side = weight.shape[2]
        self.tensors.append(_tensor(f"{name}.weight", weight, self.kept))
        self.tensors.append(_tensor(f"{name}.bias", bias, SINGLE))
        return self._add(
            "Conv",
            [values, f"{name}.weight", f"{name}.bias"],
            kernel_shape=[side, side],
            pads=[side // 2] * 4,
            strides=[stride, stride],
        )

    def rectified(self, values: Value) -> Value:
        """max(values, 0)."""
        return self._add("Relu", [values])

    def added(self, one: Value, other: Value) -> Value:
        """The sum of two values of one shape."""
        return self._add("Add", [one, other])

    def doubled(self, values: Value, *, smooth: bool) -> Value:
        """Twice the height and width, by linear interpolation or by repetition."""
        how: dict[str, str | Sequence[int]] = {"mode": "nearest", "nearest_mode": "floor"}
        if smooth:
            how = {"mode": "linear"}
        at = "half_pixel" if smooth else "asymmetric"
        return self._add("Resize", [values, "", "twice"], coordinate_transformation_mode=at, **how)

    def file(self, last: Value, channels: int) -> bytes:
        """The file of the network whose output (1, channels, h, w) is ``last``."""
        graph = b"".join(self.nodes) + _text(2, "outlines") + b"".join(self.tensors)
        graph += _described(11, "image", self.channels) + _described(12, last, channels)
        return _number(1, IR_VERSION) + _block(7, graph) + _block(8, _text(1, "") + _number(2, OPSET))

    def _add(self, kind: str, inputs: Sequence[Value], **attributes: str | Sequence[int]) -> Value:
        name = f"{kind}{len(self.nodes)}"
        node = b"".join(_text(1, value) for value in inputs) + _text(2, name) + _text(3, name)
        node += _text(4, kind) + b"".join(_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(_block(1, node))
        return name


def kernels(file: bytes) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Kernels (outputs, inputs, k, k) and biases (outputs,) of the convolutions in a file of ``OnnxGraph``,
    in their order."""
    graph = next(content for field, content in _fields(file) if field == 7 and isinstance(content, bytes))
    tensors = [_read_tensor(item) for field, item in _fields(graph) if field == 5 and isinstance(item, bytes)]
    named = dict(tensors)
    return [
        (values, named[name.replace(".weight", ".bias")])
        for name, values in tensors
        if name.endswith(".weight")
    ]


def _read_tensor(block: bytes) -> tuple[str, NDArray[np.float32]]:
    sizes, kind, name, raw = [], SINGLE, "", b""
    for field, content in _fields(block):
        if isinstance(content, int):
            if field == 1:
                sizes.append(content)
            elif field == 2:
                kind = content
        elif field == 8:
            name = content.decode()
        elif field == 9:
            raw = content
    values = np.frombuffer(raw, dtype="<f2" if kind == HALF else "<f4")
    return name, values.astype(np.float32).reshape(sizes)


def _fields(block: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers of the fields in a message, each with its number or its bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        number = shift = 0
        while True:
            number |= (block[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if block[at - 1] < 128:
                return number

    while at < len(block):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = varint()
            yield key >> 3, block[at : at + length]
            at += length


def _attribute(name: str, value: str | Sequence[int]) -> bytes:
    if isinstance(value, str):
        content = _text(4, value) + _number(20, 3)
    else:
        content = b"".join(_number(8, item) for item in value) + _number(20, 7)
    return _block(5, _text(1, name) + content)


def _tensor(name: str, values: NDArray[np.float32], kind: int) -> bytes:
    raw = values.astype("<f2" if kind == HALF else "<f4").tobytes()
    sizes = b"".join(_number(1, size) for size in values.shape)
    return _block(5, sizes + _number(2, kind) + _text(8, name) + _block(9, raw))


def _described(field: int, name: str, channels: int) -> bytes:
    """A value's name, element type and shape (1, channels, h, w)."""
    sizes = [_number(1, 1), _number(1, channels), _text(2, "h"), _text(2, "w")]
    shape = b"".join(_block(1, size) for size in sizes)
    return _block(field, _text(1, name) + _block(2, _block(1, _number(1, SINGLE) + _block(2, shape))))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _block(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _block(field, text.encode())
