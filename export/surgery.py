"""Careful changes to an ONNX graph: nodes replaced, initializers shared, leftovers removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

MICROSOFT = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""

PRODUCER = "edge-caption"

CONVERSIONS = {"QuantizeLinear", "DequantizeLinear"}


class Surgery:
    """A copy of a model under change; `finish` returns it."""

    def __init__(self, model: ModelProto) -> None:
        self.model = ModelProto()
        self.model.CopyFrom(model)
        self.nodes: list[NodeProto] = list(self.model.graph.node)
        self._arrays = {item.name: numpy_helper.to_array(item) for item in self.model.graph.initializer}
        self._shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    @property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs."""
        return [output.name for output in self.model.graph.output]

    def constant(self, name: str) -> NDArray[Any]:
        """Return an initializer's values."""
        return self._arrays[name]

    def add(self, name: str, array: NDArray[Any]) -> str:
        """Add an initializer; the same small values under another name are not stored twice.

        Returns:
            The name to use.
        """
        key = (str(array.dtype), array.shape, array.tobytes())
        if key in self._shared:
            return self._shared[key]
        assert name not in self._arrays, f"two initializers {name}"
        self._arrays[name] = np.asarray(array, order="C")  # ascontiguousarray would make scalars vectors
        self._shared[key] = name
        return name

    def convert(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        """Change the values or the type of every initializer."""
        self._arrays = {name: change(array) for name, array in self._arrays.items()}
        self._shared.clear()

    def producer(self, tensor: str) -> NodeProto | None:
        """Return the node that computes a tensor, or None for an input or initializer."""
        return next((node for node in self.nodes if tensor in node.output), None)

    def consumers(self, tensor: str) -> list[NodeProto]:
        """Return the nodes that read a tensor."""
        return [node for node in self.nodes if tensor in node.input]

    def replace(self, node: NodeProto, new: Iterable[NodeProto]) -> None:
        """Put nodes in another's place."""
        index = self._place(node)
        self.nodes[index : index + 1] = new

    def insert_before(self, node: NodeProto, new: Iterable[NodeProto]) -> None:
        """Put nodes in front of another."""
        index = self._place(node)
        self.nodes[index:index] = new

    def _place(self, node: NodeProto) -> int:
        # By identity: nodes compare by content, and that slowly.
        return next(index for index, other in enumerate(self.nodes) if other is node)

    def rename(self, names: dict[str, str]) -> None:
        """Rename tensors wherever they are written or read (graph inputs and outputs keep theirs)."""
        for node in self.nodes:
            for names_of_node in (node.input, node.output):
                for index, name in enumerate(names_of_node):
                    names_of_node[index] = names.get(name, name)
        self._arrays = {names.get(name, name): array for name, array in self._arrays.items()}

    def tidy(self) -> None:
        """Name layers and their tensors after the module they come from, and drop the tracer's notes."""
        kept = {*self.outputs, *(item.name for item in self.model.graph.input)}
        names: dict[str, str] = {}
        counts: dict[str, int] = {}
        for node in self.nodes:
            node.name = self._layer(node, counts)
            tensors = [name for name in node.output if name not in kept]
            names |= {
                tensor: node.name if not index else f"{node.name}.{index}" for index, tensor in enumerate(tensors)
            }
            del node.metadata_props[:]
            node.doc_string = ""
        self.rename(names)

    def shorten(self) -> None:
        """Number the tensors, and leave conversions without a name: names took 1% of a bundle's bytes."""
        kept = {"", *self.outputs, *(item.name for item in self.model.graph.input)}
        tensors = dict.fromkeys(name for node in self.nodes for name in (*node.input, *node.output))
        self.rename({name: f"{number:x}" for number, name in enumerate(tensors) if name not in kept})
        for node in self.nodes:
            if node.op_type in CONVERSIONS:
                node.name = ""

    def _layer(self, node: NodeProto, counts: dict[str, int]) -> str:
        weights = [name for name in node.input if name.endswith(".weight") and name in self._arrays]
        if weights and node.op_type != "Gather":
            return str(weights[0]).removesuffix(".weight")
        kind = node.op_type.lower()
        counts[kind] = counts.get(kind, 0) + 1
        return f"{kind}_{counts[kind]}"

    def finish(self) -> ModelProto:
        """Return the changed model: unused initializers gone, nothing in it that depends on when or where."""
        graph = self.model.graph
        used = {name for node in self.nodes for name in node.input} | set(self.outputs)
        initializers = [numpy_helper.from_array(a, name) for name, a in self._arrays.items() if name in used]
        for field, items in (("node", self.nodes), ("initializer", initializers), ("value_info", [])):
            graph.ClearField(field)
            getattr(graph, field).extend(items)
        graph.name, graph.doc_string = PRODUCER, ""
        del graph.metadata_props[:]
        del self.model.metadata_props[:]
        del self.model.functions[:]
        self.model.producer_name, self.model.producer_version = PRODUCER, ""
        self._import_domains()
        return self.model

    def require(self, opset: int) -> None:
        """Raise the version of ONNX's own operators, if need be."""
        for known in self.model.opset_import:
            if not known.domain:
                known.version = max(known.version, opset)

    def _import_domains(self) -> None:
        known = {opset.domain for opset in self.model.opset_import}
        for domain in sorted({node.domain for node in self.nodes} - known - {""}):
            self.model.opset_import.append(helper.make_opsetid(domain, 1))


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], name: str, **attributes: Any) -> NodeProto:
    """Make a node of ONNX's own domain."""
    return helper.make_node(kind, list(inputs), list(outputs), name=name, **attributes)
