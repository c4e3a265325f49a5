"""fp32 decoder -> decoder with 8-bit weights; activations are quantized as they come (ONNX Runtime's MatMulNBits).

A step multiplies one row with megabytes of weights: it is bound by reading them, so fewer bytes are what counts, and
the activations' own range, found anew at each step, needs no calibration.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from calibration.ranges import NARROW
from export.surgery import MICROSOFT, Surgery, node

BLOCK = 128
"""Weights that share a scale; smaller where a matrix is not a multiple of it."""

MIDDLE = 128
"""MatMulNBits stores 8-bit weights unsigned, around this."""

INT8_ACTIVATIONS = 4
"""MatMulNBits' `accuracy_level` for integer products."""


def quantize_decoder(model: ModelProto) -> ModelProto:
    """Store every Linear's weights in 8 bits; the word embedding shares those of the output layer ("tied")."""
    surgery = Surgery(model)
    quantized: dict[str, tuple[str, str]] = {}
    for gemm in [item for item in surgery.nodes if item.op_type == "Gemm"]:
        product = _product(surgery, gemm)
        quantized[gemm.input[1]] = (product.input[1], product.input[2])
        surgery.replace(gemm, [product])
    (lookup,) = [item for item in surgery.nodes if item.op_type == "Gather"]
    surgery.replace(lookup, _embedding(surgery, lookup, *quantized[lookup.input[0]]))
    return surgery.finish()


def _product(surgery: Surgery, gemm: NodeProto) -> NodeProto:
    assert {item.name: item.i for item in gemm.attribute}.get("transB") == 1  # weights (N, K), as torch stores them
    weight = surgery.constant(gemm.input[1])
    integers, scales = to_blocks(weight)
    name = gemm.input[1]
    inputs = [
        gemm.input[0],
        surgery.add(f"{name}_int", integers),
        surgery.add(f"{name}_scale", scales),
        "",
        "",
    ]
    return helper.make_node(
        "MatMulNBits",
        [*inputs, *gemm.input[2:]],
        list(gemm.output),
        name=gemm.name,
        domain=MICROSOFT,
        N=weight.shape[0],
        K=weight.shape[1],
        bits=8,
        block_size=integers.shape[2],
        accuracy_level=INT8_ACTIVATIONS,
    )


def to_blocks(weight: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize (N, K) weights symmetrically.

    Returns:
        Integers around MIDDLE (N, blocks, block) and scales (N, blocks).
    """
    block = math.gcd(BLOCK, weight.shape[1])
    blocks = weight.reshape(len(weight), -1, block)
    scales = np.maximum(np.abs(blocks).max(2) / 127, NARROW).astype(np.float32)
    return (np.round(blocks / scales[..., None]) + MIDDLE).astype(np.uint8), scales


def _embedding(surgery: Surgery, lookup: NodeProto, integers: str, scales: str) -> list[NodeProto]:
    """Look words up in the output layer's integers: (B,) -> (B, E)."""
    shape = surgery.constant(integers).shape
    # The reshaping of a constant is done once, when the graph is loaded.
    rows = surgery.add(f"{integers}.shape", np.array([shape[0], shape[1] * shape[2]], np.int64))
    return [
        node("Reshape", [integers, rows], [f"{integers}.rows"], f"{lookup.name}.rows"),
        helper.make_node(
            "GatherBlockQuantized",
            [f"{integers}.rows", lookup.input[1], scales],
            list(lookup.output),
            name=lookup.name,
            domain=MICROSOFT,
            bits=8,
            block_size=shape[2],
            gather_axis=0,
            quantize_axis=1,
        ),
    ]
