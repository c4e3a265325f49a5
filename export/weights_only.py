"""fp32 decoder -> decoder with weights of 8 or 4 bits, activations quantized as they come (ONNX Runtime's MatMulNBits).

A step multiplies one row with megabytes of weights: it is bound by reading them, so fewer bytes are what counts, and
the activations' own range, found anew at each step, needs no calibration.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from export.blocks import quantize_blocks
from export.surgery import MICROSOFT, Surgery, node

BLOCKS = {8: 128, 4: 32}
"""Bits of a weight -> how many share a scale; fewer where a matrix is not a multiple of it."""

INT8_ACTIVATIONS = 4
"""MatMulNBits' `accuracy_level` for integer products."""


def quantize_decoder(model: ModelProto, bits: int = 8) -> ModelProto:
    """Store every Linear's weights in so many bits; the word embedding shares those of the output layer ("tied")."""
    surgery = Surgery(model)
    quantized: dict[str, tuple[str, str]] = {}
    for gemm in [item for item in surgery.nodes if item.op_type == "Gemm"]:
        product = _product(surgery, gemm, bits)
        quantized[gemm.input[1]] = (product.input[1], product.input[2])
        surgery.replace(gemm, [product])
    (lookup,) = [item for item in surgery.nodes if item.op_type == "Gather"]
    surgery.replace(lookup, _embedding(surgery, lookup, *quantized[lookup.input[0]], bits))
    return surgery.finish()


def _product(surgery: Surgery, gemm: NodeProto, bits: int) -> NodeProto:
    assert {item.name: item.i for item in gemm.attribute}.get("transB") == 1  # weights (N, K), as torch stores them
    weight = surgery.constant(gemm.input[1])
    integers, scales = to_blocks(weight, bits)
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
        bits=bits,
        block_size=integers.shape[2] * 8 // bits,
        accuracy_level=INT8_ACTIVATIONS,
    )


def to_blocks(weight: NDArray[Any], bits: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize (N, K) weights.

    Returns:
        Unsigned integers around their middle (N, blocks, bytes of a block; 4 bits: two in a byte), scales (N, blocks).
    """
    integers, scales = quantize_blocks(weight, bits, math.gcd(BLOCKS[bits], weight.shape[1]))
    unsigned = (integers.astype(np.int16) + 2 ** (bits - 1)).astype(np.uint8)
    return unsigned if bits == 8 else unsigned[..., ::2] | unsigned[..., 1::2] << 4, scales


def _embedding(surgery: Surgery, lookup: NodeProto, integers: str, scales: str, bits: int) -> list[NodeProto]:
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
            bits=bits,
            block_size=shape[2] * 8 // bits,
            gather_axis=0,
            quantize_axis=1,
        ),
    ]
