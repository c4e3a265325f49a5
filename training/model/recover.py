"""A bundle -> the captioner that it was made of: its INT8 weights, read back into PyTorch.

A bundle is what gets published, a checkpoint often is not. What rounding took is gone, so this is not quite the
captioner that was exported, but the one that devices run, and as good.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper
from torch import Tensor, nn

from edge_caption.errors import BundleError
from edge_caption.model.bundle import Bundle
from training.model.caption_model import CaptionModel, Decoder, Dimensions, Encoder

FLAVOURS = ("fp32", "cpu-x86", "cpu-arm")
"""Whose graphs can be read back, the most exact first."""


def recover(bundle: Bundle) -> CaptionModel:
    """Read a captioner back, batch norms merged into their convolutions.

    Raises:
        BundleError: the bundle has no flavour for processors, does not say which recipe it was trained by, or a file is
            wrong.
    """
    flavour = next((name for name in FLAVOURS if name in bundle.manifest.flavours), FLAVOURS[0])
    _, encoder, decoder = bundle.graphs(flavour)
    model = CaptionModel(dimensions(bundle), bundle.manifest.sizes.words)
    try:
        _fill_encoder(model.encoder, _Graph(onnx.load(encoder)))
        _fill_decoder(model.decoder, _Graph(onnx.load(decoder)))
    except (KeyError, ValueError, RuntimeError) as error:
        raise BundleError(f"{bundle.folder} is no captioner of this version ({error}); give its checkpoint") from error
    return model.eval()


def dimensions(bundle: Bundle) -> Dimensions:
    """Return what a bundle's captioner is made of.

    Raises:
        BundleError: it does not come from a training recipe.
    """
    try:
        return msgspec.convert(bundle.manifest.training["recipe"]["model"], Dimensions)
    except (KeyError, msgspec.ValidationError) as error:
        raise BundleError(
            f"{bundle.manifest.name} does not say which recipe it was trained by; export it again from its checkpoint"
        ) from error


class _Graph:
    """An ONNX graph's products and their real weights."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = list(model.graph.node)
        self._named = {node.name: node for node in self.nodes if node.name}
        self._makers = {output: node for node in self.nodes for output in node.output}
        self._constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}

    def node(self, name: str) -> NodeProto:
        return self._named[name]

    def real(self, tensor: str) -> NDArray[np.float32]:
        """Return the values of an initializer, or what a DequantizeLinear makes of one, an output channel a scale."""
        if tensor in self._constants:
            return self._constants[tensor]
        integers, scale = (self._constants[name] for name in self._makers[tensor].input[:2])
        return np.asarray(integers * scale.reshape(-1, *[1] * (integers.ndim - 1)), np.float32)

    def product(self, node: NodeProto) -> NDArray[np.float32]:
        """Return the weights (N, K) of a Gemm, or of a MatMulNBits: blocks of integers around their middle."""
        if node.op_type == "Gemm":
            return self._constants[node.input[1]]
        bits = attribute(node, "bits")
        integers, scales = (self._constants[name] for name in node.input[1:3])
        if bits == 4:
            integers = np.stack((integers & 15, integers >> 4), -1).reshape(*integers.shape[:2], -1)
        real = (integers.astype(np.float32) - 2 ** (bits - 1)) * scales[..., None]
        return real.reshape(len(integers), -1)


def attribute(node: NodeProto, name: str) -> Any:
    """Return the value of a node's attribute."""
    (found,) = (item for item in node.attribute if item.name == name)
    return helper.get_attribute_value(found)


def _fill_encoder(encoder: Encoder, graph: _Graph) -> None:
    modules = list(encoder.backbone.named_modules(prefix="backbone"))
    places = [place for place, (_, module) in enumerate(modules) if isinstance(module, nn.Conv2d)]
    for place in places:
        (name, conv), following = modules[place], modules[place + 1][1] if place + 1 < len(modules) else None
        assert isinstance(conv, nn.Conv2d)
        node = graph.node(name)
        weight, bias = graph.real(node.input[1]), graph.real(node.input[2])
        if place == places[0]:
            weight, bias = _of_colours(encoder, conv, node, weight, bias, graph)
        _fill(conv.weight, weight)
        _fill(_bias_of(conv, following), bias)
    for name, product in (("project", encoder.project), ("key", encoder.key), ("start", encoder.start)):
        node = graph.node(name)
        _fill(product.weight, graph.real(node.input[1]))
        assert product.bias is not None
        _fill(product.bias, graph.real(node.input[2]))


def _bias_of(conv: nn.Conv2d, following: nn.Module | None) -> Tensor:
    """Return what takes the bias: the convolution's own, or that of its batch norm, which then does nothing else."""
    if conv.bias is not None:
        return conv.bias
    if not isinstance(following, nn.BatchNorm2d):
        raise ValueError("a convolution has neither bias nor batch norm")
    following.reset_parameters()  # no mean, weights of 1
    assert following.running_var is not None
    nn.init.constant_(following.running_var, 1 - following.eps)
    return following.bias


def _of_colours(
    encoder: Encoder,
    first: nn.Conv2d,
    node: NodeProto,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    graph: _Graph,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn the first convolution back into one of normalised colours: see `export.pixels`, which groups columns."""
    outputs, inputs, height, width = first.weight.shape
    weight, bias = weight[:outputs], bias[:outputs]
    if weight.shape[1] != inputs:
        group = weight.shape[1] // inputs
        apart = weight.reshape(outputs, group, inputs, height, -1).transpose(0, 2, 3, 4, 1)
        begin = attribute(node, "pads")[1] * group - int(first.padding[1])
        weight = apart.reshape(outputs, inputs, height, -1)[..., begin : begin + width]
        middle = next(node for node in graph.nodes if node.op_type == "DequantizeLinear").input[2]
        shift = float(graph.real(middle)) - encoder.mean.numpy()
        bias = bias - (weight * shift).sum((1, 2, 3))
    return weight * encoder.deviation.numpy(), bias


def _fill_decoder(decoder: Decoder, graph: _Graph) -> None:
    linears = {"from_state": decoder.from_state, "from_input": decoder.from_input, "to_output": decoder.to_output}
    for name, linear in linears.items():
        node = graph.node(f"decoder.{name}")
        _fill(linear.weight, graph.product(node))
        _fill(linear.bias, graph.real(node.input[-1]))
    words = graph.node("decoder.embedding")
    _fill(decoder.embedding.weight, graph.product(words))
    _fill(decoder.word_bias, graph.real(words.input[-1]))
    looked = {output for node in graph.nodes if node.op_type == "Tanh" for output in node.output}
    (score,) = (node for node in graph.nodes if node.op_type == "MatMul" and node.input[0] in looked)
    _fill(decoder.score.weight, graph.real(score.input[1]).T)


@torch.no_grad()
def _fill(target: Tensor, values: NDArray[np.float32]) -> None:
    target.copy_(torch.tensor(values).reshape(target.shape))
