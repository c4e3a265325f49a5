"""Signed updates of the tiny bundle."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_caption.model.bundle import open_bundle
from edge_caption.model.signed import FORM, Update, new_key, peek, read_key, sign, split_head
from tests.conftest import ROOT, write_manifest

pytest.importorskip("cryptography", reason="the extra fleet is not installed")

Make = Callable[..., Path]

TINY = ROOT / "tests" / "data" / "tiny_bundle"


@pytest.fixture
def public(tmp_path: Path) -> str:
    """The owner's public key; the private one is in `owner.key`."""
    return new_key(tmp_path / "owner.key")


@pytest.fixture
def make(tmp_path: Path, public: str) -> Make:
    """Make update files of the tiny bundle."""

    def make(version: str = "2", *, extra: int = 300_000, broken: str | None = None, **options: Any) -> Path:
        folder = Path(shutil.copytree(TINY, tmp_path / f"bundle-{version}", dirs_exist_ok=True))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["version"] = version
        (folder / "extra.bin").write_bytes(random.Random(version).randbytes(extra))
        if broken:
            (folder / broken).write_bytes(b"no graph at all")
        for name in ("extra.bin", *([broken] if broken else [])):
            data = (folder / name).read_bytes()
            manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        write_manifest(folder, manifest)
        target = tmp_path / f"{version}.update"
        sign(open_bundle(folder), read_key(tmp_path / "owner.key"), target, **options)
        return target

    return make


def head_of(file: Path) -> bytes:
    head = split_head(file.read_bytes())
    assert head
    return head


def bytes_of(file: Path) -> bytes:
    return file.read_bytes()[len(head_of(file)) :]


def forged(key: Path, update: object) -> bytes:
    """Sign whatever is given, as no version of `sign` would."""
    said = json.dumps(update).encode()
    return b"%s %s\n%s\n" % (FORM, base64.b64encode(read_key(key).sign(FORM + b"\n" + said)), said)


def fields_of(file: Path) -> dict[str, Any]:
    """Return what a head says, as JSON."""
    fields: dict[str, Any] = json.loads(head_of(file).split(b"\n")[1])
    return fields


def update_of(file: Path) -> Update:
    return peek(head_of(file))
