"""The peers, by name. Modules of a peer are imported when it is loaded."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.peer import Peer, Say

RUNTIME = ("onnxruntime", "opencv-python-headless", "numpy", "msgspec", "paho-mqtt")

TORCH = ("torch", "torchvision", "opencv-python-headless", "numpy")

TRANSFORMERS = ("torch", "torchvision", "transformers", "opencv-python-headless")

ONNX = ("onnxruntime", "opencv-python-headless", "numpy")


def _load(module: str, function: str = "load") -> Callable[[Path, int], Say]:
    def load(folder: Path, threads: int) -> Say:
        found: Callable[[Path, int], Say] = getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)
        return found(folder, threads)

    return load


def _write(module: str, function: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)(folder)

    return write


OURS, DISTILVIT, BLIP = 6.4, 182.5, 224.0
"""Millions of parameters."""

LEADER = "edge-caption INT8"

PEERS = {
    LEADER: Peer("what ships, in ONNX Runtime", _load("ours", "shipped"), OURS, RUNTIME),
    "edge-caption fp32": Peer(
        "the same model in ONNX Runtime", _load("ours", "onnx_fp32"), OURS, RUNTIME, _write("ours", "export_fp32")
    ),
    "edge-caption eager": Peer("the same model in PyTorch", _load("ours", "eager"), OURS, TORCH),
    "edge-caption compiled": Peer("the same model, torch.compile", _load("ours", "compiled"), OURS, TORCH),
    "ResNet-101 + LSTM": Peer("the classic tutorial's sizes, PyTorch", _load("resnet_lstm"), 63.0, TORCH),
    "distilvit": Peer("ViT-B/16, DistilGPT-2, PyTorch", _load("vit_gpt2", "load_distilvit"), DISTILVIT, TRANSFORMERS),
    "distilvit INT8": Peer(
        "the same in ONNX Runtime",
        _load("vit_gpt2", "load_int8"),
        DISTILVIT,
        ONNX,
        _write("vit_gpt2", "export_distilvit"),
    ),
    "ViT-GPT2": Peer("ViT-B/16, GPT-2, PyTorch", _load("vit_gpt2"), 239.2, TRANSFORMERS),
    "GIT-base": Peer("ViT-B/16, six layers, PyTorch", _load("git"), 176.6, TRANSFORMERS),
    "BLIP-base": Peer(
        "ViT-B/16 at 384, BERT-base, PyTorch",
        _load("blip"),
        BLIP,
        TRANSFORMERS,
        published="COCO Karpathy test: CIDEr 133.5, BLEU-4 39.9 (LAVIS model zoo)",
    ),
    "BLIP-base INT8": Peer("the same, ONNX Runtime", _load("blip", "load_int8"), BLIP, ONNX, _write("blip", "export")),
    "SmolVLM-256M": Peer("SigLIP-B/16 at 512, SmolLM2-135M, PyTorch", _load("smolvlm"), 256.5, TRANSFORMERS),
}
