"""The peers, by name. Modules of a peer are imported when it is loaded."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import Peer, Say
from edge_caption.model.bundle import folder_of

RUNTIME = ("onnxruntime", "opencv-python-headless", "numpy", "msgspec", "paho-mqtt")

TORCH = ("torch", "torchvision", "opencv-python-headless", "numpy")

TRANSFORMERS = ("torch", "torchvision", "transformers", "opencv-python-headless")

ONNX = ("onnxruntime", "opencv-python-headless", "numpy")


def _function(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports its module when it is called."""

    def call(*arguments: object) -> object:
        return getattr(importlib.import_module(f"benchmarks.peers.{module}"), name)(*arguments)

    return call


def _load(module: str, function: str = "load") -> Callable[[Path, int], Say]:
    return _function(module, function)


def _write(module: str, function: str) -> Callable[[Path], None]:
    return _function(module, function)


OURS, DISTILVIT, VIT_GPT2, GIT, BLIP = 6.4, 182.5, 239.2, 176.6, 224.0
"""Millions of parameters."""

NONE = "its makers publish no scores of captions"

WAYS = ("fp32", "eager", "compiled")
"""To run the first bundle's model, beside INT8."""

OTHERS = {
    "ResNet-101 + LSTM": Peer(
        "the classic tutorial's sizes, PyTorch",
        _load("resnet_lstm"),
        63.0,
        TORCH,
        published="COCO test: BLEU-4 30.3 greedy (the tutorial's README)",
    ),
    "ResNet-101 + LSTM INT8": Peer(
        "the same in ONNX Runtime", _load("resnet_lstm", "load_int8"), 63.0, ONNX, _write("resnet_lstm", "export")
    ),
    "distilvit": Peer(
        "ViT-B/16, DistilGPT-2, PyTorch",
        _load("vit_gpt2", "load_distilvit"),
        DISTILVIT,
        TRANSFORMERS,
        published="Flickr30k, rewritten: ROUGE-L 38.9 (its model card)",
    ),
    "distilvit INT8": Peer(
        "the same in ONNX Runtime",
        _load("vit_gpt2", "load_int8"),
        DISTILVIT,
        ONNX,
        _write("vit_gpt2", "export_distilvit"),
    ),
    "ViT-GPT2": Peer("ViT-B/16, GPT-2, PyTorch", _load("vit_gpt2"), VIT_GPT2, TRANSFORMERS, published=NONE),
    "ViT-GPT2 INT8": Peer(
        "the same in ONNX Runtime", _load("vit_gpt2", "load_int8"), VIT_GPT2, ONNX, _write("vit_gpt2", "export")
    ),
    "GIT-base": Peer(
        "ViT-B/16, six layers, PyTorch",
        _load("git"),
        GIT,
        TRANSFORMERS,
        published="COCO Karpathy test: CIDEr 131.4 (GenerativeImage2Text's README)",
    ),
    "GIT-base INT8": Peer("the same in ONNX Runtime", _load("git", "load_int8"), GIT, ONNX, _write("git", "export")),
    "BLIP-base": Peer(
        "ViT-B/16 at 384, BERT-base, PyTorch",
        _load("blip"),
        BLIP,
        TRANSFORMERS,
        published="COCO Karpathy test: CIDEr 133.5, BLEU-4 39.9 (LAVIS's benchmark page)",
    ),
    "BLIP-base INT8": Peer("the same, ONNX Runtime", _load("blip", "load_int8"), BLIP, ONNX, _write("blip", "export")),
    "SmolVLM-256M": Peer(
        "SigLIP-B/16 at 512, SmolLM2-135M, PyTorch", _load("smolvlm"), 256.5, TRANSFORMERS, published=NONE
    ),
}


def peers(bundles: Sequence[Path]) -> dict[str, Peer]:
    """Return all peers: the bundles in INT8, the first of them leads, its model in other ways, other makers'."""
    names = [folder_of(bundle).name for bundle in bundles]
    shipped = "what ships, in ONNX Runtime"
    ours = {f"{name} INT8": Peer(shipped, _ours("shipped", bundle), OURS, RUNTIME, bundle=bundle)
            for name, bundle in zip(names, bundles, strict=True)}  # fmt: skip
    first, name = bundles[0], names[0]
    write = partial(_function("ours", "export_fp32"), first)
    ways = {
        f"{name} fp32": Peer("the same model in ONNX Runtime", _ours("onnx_fp32", first), OURS, RUNTIME, write),
        f"{name} eager": Peer("the same model in PyTorch", _ours("eager", first), OURS, TORCH),
        f"{name} compiled": Peer("the same model, torch.compile", _ours("compiled", first), OURS, TORCH),
    }
    return {**ours, **ways, **OTHERS}


def _ours(function: str, bundle: Path) -> Callable[[Path, int], Say]:
    return partial(_function("ours", function), bundle)
