"""An INT8 encoder of ONNX (quantized and dequantized around each operator) -> TFLite, weight by weight.

Only what the encoder `cpu-arm` is made of: signed bytes, pictures last to first convolution, then vectors. TFLite keeps
channels last, so the transposes between the two layouts are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from onnx import NodeProto, numpy_helper

from edge_caption.errors import BackendError

OPERATORS = schema.BuiltinOperator

VERSIONS = {
    OPERATORS.CONV_2D: 3,
    OPERATORS.DEPTHWISE_CONV_2D: 3,
    OPERATORS.ADD: 2,
    OPERATORS.AVERAGE_POOL_2D: 2,
    OPERATORS.PAD: 2,
    OPERATORS.DEQUANTIZE: 2,
}
"""From which on an operator takes signed bytes; others have taken what they get here from the first."""

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}


def convert(graph: Path) -> bytes:
    """Return the graph as a TFLite file.

    Raises:
        BackendError: it has an operator that is not known here.
    """
    return _Converter(onnx.load(graph)).file()


class _Converter:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = onnx.shape_inference.infer_shapes(model).graph
        self._constants = {one.name: numpy_helper.to_array(one) for one in self._graph.initializer}
        values = [*self._graph.value_info, *self._graph.input, *self._graph.output]
        self._shapes = {one.name: [size.dim_value for size in one.type.tensor_type.shape.dim] for one in values}
        self._quantized_as = {node.input[0]: node for node in self._graph.node if node.op_type == "QuantizeLinear"}
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]
        self._operators: list[Any] = []
        self._codes: list[int] = []
        self._known: dict[str, int] = {}
        """Of a value in the ONNX graph, the tensor that is the same here."""

    def file(self) -> bytes:
        image = self._graph.input[0]
        self._known[image.name] = self._tensor(self._shapes[image.name], np.uint8)
        for node in self._graph.node:
            convert = getattr(self, f"_{node.op_type.lower()}", None)
            if convert is None:
                raise BackendError(f"the operator {node.op_type} is not converted to TFLite")
            convert(node)
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self._tensors, self._operators
        subgraph.inputs = [self._known[image.name]]
        subgraph.outputs = [self._known[one.name] for one in self._graph.output]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [subgraph], self._buffers
        model.operatorCodes = [_code(code) for code in self._codes]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _quantizelinear(self, node: NodeProto) -> None:
        """Give the value its bytes; what made it has made them already, but for the picture."""
        if node.input[0] in self._known and node.output[0] not in self._known:
            source = self._known[node.input[0]]
            if self._tensors[source].type == schema.TensorType.INT8:
                self._known[node.output[0]] = source
                return
            target = self._like(node.input[0], self._tensors[source].shape)
            self._operator(OPERATORS.QUANTIZE, [source], target)
            self._known[node.output[0]] = target

    def _dequantizelinear(self, node: NodeProto) -> None:
        if node.input[0] in self._known:
            self._known[node.output[0]] = self._known[node.input[0]]
            tensor = self._tensors[self._known[node.input[0]]]
            if tensor.quantization is None:
                scale, zero = (self._constants[name] for name in node.input[1:3])
                tensor.quantization = _quantization(scale, zero)
        else:
            self._known[node.output[0]] = -1
            self._constants[node.output[0]] = self._constants[node.input[0]]
            self._constants[f"{node.output[0]} scale"] = self._constants[node.input[1]]

    def _conv(self, node: NodeProto) -> None:
        settings = _settings(node)
        weights, scale = self._constants[node.input[1]], self._constants[f"{node.input[1]} scale"]
        depthwise = settings["group"] > 1
        order, axis = ((1, 2, 3, 0), 3) if depthwise else ((0, 2, 3, 1), 0)
        kernel = self._constant(np.ascontiguousarray(weights.transpose(order)), scale, axis)
        bias = self._constant(self._constants[node.input[2]], self._constants[f"{node.input[2]} scale"], 0)
        source, padding = self._padded(self._known[node.input[0]], settings)
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.padding = padding
        options.strideH, options.strideW = settings["strides"]
        options.dilationHFactor = options.dilationWFactor = 1
        if depthwise:
            options.depthMultiplier = 1
        target = self._like(node.output[0], _channels_last(self._shapes[node.output[0]]))
        kind = OPERATORS.DEPTHWISE_CONV_2D if depthwise else OPERATORS.CONV_2D
        union = schema.BuiltinOptions.DepthwiseConv2DOptions if depthwise else schema.BuiltinOptions.Conv2DOptions
        self._operator(kind, [source, kernel, bias], target, union, options)
        self._known[node.output[0]] = target

    def _padded(self, source: int, settings: dict[str, Any]) -> tuple[int, int]:
        """Return what a convolution reads, and how it pads: by itself where its way is ONNX's."""
        top, left, bottom, right = settings["pads"]
        if not any(settings["pads"]):
            return source, schema.Padding.VALID
        if list(settings["strides"]) == [1, 1] and (top, left) == (bottom, right):
            return source, schema.Padding.SAME
        _, height, width, channels = self._tensors[source].shape
        amounts = self._constant(np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
        target = self._tensor([1, height + top + bottom, width + left + right, channels], np.int8)
        self._tensors[target].quantization = self._tensors[source].quantization
        self._operator(OPERATORS.PAD, [source, amounts], target, schema.BuiltinOptions.PadOptions, schema.PadOptionsT())
        return target, schema.Padding.VALID

    def _add(self, node: NodeProto) -> None:
        target = self._like(node.output[0], _channels_last(self._shapes[node.output[0]]))
        sources = [self._known[name] for name in node.input]
        self._operator(OPERATORS.ADD, sources, target, schema.BuiltinOptions.AddOptions, schema.AddOptionsT())
        self._known[node.output[0]] = target

    def _averagepool(self, node: NodeProto) -> None:
        settings, options = _settings(node), schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = settings["kernel_shape"]
        options.strideH, options.strideW = settings["strides"]
        options.padding = schema.Padding.VALID
        target = self._like(node.output[0], _channels_last(self._shapes[node.output[0]]))
        sources = [self._known[node.input[0]]]
        self._operator(OPERATORS.AVERAGE_POOL_2D, sources, target, schema.BuiltinOptions.Pool2DOptions, options)
        self._known[node.output[0]] = target

    def _transpose(self, node: NodeProto) -> None:
        self._known[node.output[0]] = self._known[node.input[0]]

    def _reshape(self, node: NodeProto) -> None:
        source, shape = self._known[node.input[0]], [int(size) for size in self._constants[node.input[1]]]
        if self._tensors[source].type == schema.TensorType.INT8:
            floats = self._tensor(self._tensors[source].shape, np.float32)
            self._operator(OPERATORS.DEQUANTIZE, [source], floats)
            source = floats
        kind = np.uint8 if self._tensors[source].type == schema.TensorType.UINT8 else np.float32
        target = self._tensor(self._shapes.get(node.output[0]) or shape, kind)
        sizes = self._constant(np.array(self._tensors[target].shape, np.int32))
        self._operator(OPERATORS.RESHAPE, [source, sizes], target)
        self._known[node.output[0]] = target

    def _tanh(self, node: NodeProto) -> None:
        target = self._tensor(self._shapes[node.output[0]], np.float32)
        self._operator(OPERATORS.TANH, [self._known[node.input[0]]], target)
        self._known[node.output[0]] = target

    def _like(self, name: str, shape: Sequence[int]) -> int:
        """Make a tensor of bytes with the scale that a value is quantized with."""
        index, node = self._tensor(shape, np.int8), self._quantized_as[name]
        self._tensors[index].quantization = _quantization(
            self._constants[node.input[1]], self._constants[node.input[2]]
        )
        return index

    def _tensor(self, shape: Sequence[int], kind: Any) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), TYPES[np.dtype(kind)], 0
        tensor.name = f"tensor{len(self._tensors)}"
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _constant(self, values: NDArray[Any], scale: NDArray[Any] | None = None, axis: int = 0) -> int:
        index = self._tensor(values.shape, values.dtype)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._buffers.append(buffer)
        self._tensors[index].buffer = len(self._buffers) - 1
        if scale is not None:
            self._tensors[index].quantization = _quantization(scale, np.zeros_like(scale, np.int64), axis)
        return index

    def _operator(self, code: int, inputs: list[int], output: int, union: int = 0, options: Any = None) -> None:
        if code not in self._codes:
            self._codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = self._codes.index(code), inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = union, options
        self._operators.append(operator)


def _code(code: int) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), VERSIONS.get(code, 1)
    return made


def _quantization(scale: NDArray[Any], zero: NDArray[Any], axis: int = 0) -> Any:
    made = schema.QuantizationParametersT()
    made.scale = np.atleast_1d(scale).astype(np.float32)
    made.zeroPoint = np.atleast_1d(zero).astype(np.int64)
    made.quantizedDimension = axis
    return made


def _settings(node: NodeProto) -> dict[str, Any]:
    return {"group": 1} | {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def _channels_last(shape: Sequence[int]) -> list[int]:
    batch, channels, height, width = shape
    return [batch, height, width, channels]
