"""Weights that several graphs hold, in one file beside them (ONNX's external data).

The encoders for x86 and for Arm differ in their activations' kind of integers; their weights are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto, TensorProto

LEAST = 1024
"""Bytes of a weight that is worth a place outside."""

ALIGNMENT = 64
"""Bytes at whose multiples a weight begins, so that it can be used where it is mapped."""


def share_weights(graphs: Sequence[ModelProto], file: str) -> tuple[list[ModelProto], bytes]:
    """Move the graphs' weights to one file, each content once.

    Args:
        file: its name, which the graphs will hold.

    Returns:
        Copies of the graphs without their weights, and the file's bytes.
    """
    places: dict[bytes, int] = {}
    content = bytearray()
    light = []
    for graph in graphs:
        copy = ModelProto()
        copy.CopyFrom(graph)
        for weight in copy.graph.initializer:
            data = weight.raw_data
            if len(data) < LEAST:
                continue
            if data not in places:
                content.extend(bytes(-len(content) % ALIGNMENT))
                places[data] = len(content)
                content.extend(data)
            weight.ClearField("raw_data")
            weight.data_location = TensorProto.EXTERNAL
            for key, value in (("location", file), ("offset", str(places[data])), ("length", str(len(data)))):
                weight.external_data.add(key=key, value=value)
        light.append(copy)
    return light, bytes(content)
