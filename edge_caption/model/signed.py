"""The update file: a bundle in one file, behind a head that its owner has signed.

    edge-caption-update 1 SIGNATURE     Ed25519, base64, over this word and number, and the next line
    {"name": …, "files": [ … ]}         what the files are: name, size, sha256
    the files' bytes, one after the other

So a device checks the head before it takes a byte of the rest, and each file when it is there.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import msgspec

from edge_caption.errors import ConfigError, UpdateError
from edge_caption.files import sha256_of, writing
from edge_caption.model.bundle import DIGEST, MANIFEST, Bundle
from edge_caption.text import decode_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORM = b"edge-caption-update 1"
"""What an update file begins with."""

LARGEST_HEAD = 65_536
"""Bytes."""

MOST_FILES = 100

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Of a file within the bundle's folder: no other folder can be named with it."""

VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,4}")

NEW_UPDATE = "make the update file again with edge-caption sign"


class UpdateFile(msgspec.Struct, frozen=True):
    """What a file of the bundle must be."""

    name: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    """Bytes."""
    sha256: str


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What the signed head says."""

    name: str
    """Of the model."""
    version: str
    """Numbers with dots between them."""
    signed_at: int
    """Seconds since the Unix epoch. What was signed before the update that runs is refused."""
    older: bool = False
    """Whether it may replace a newer version."""
    files: tuple[UpdateFile, ...]
    """In the order of their bytes."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """Of the bundle's manifest."""
        return next(file.sha256 for file in self.files if file.name == MANIFEST)

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


def id_of(head: bytes) -> str:
    """Return what an update is called in topics: 16 hexadecimal digits of its head's sha256."""
    return hashlib.sha256(head).hexdigest()[:16]


def order_of(version: str) -> tuple[int, ...]:
    """Return what versions are compared by; one that is no number is older than all numbers."""
    return tuple(int(part) for part in version.split(".")) if VERSION.fullmatch(version) else ()


def new_key(target: Path) -> str:
    """Write a private key, readable by its owner alone, and return the public one as the settings hold it.

    Raises:
        ConfigError: the file exists, can't be written, or `cryptography` is not installed.
    """
    key: Ed25519PrivateKey = _ed25519().Ed25519PrivateKey.generate()
    from cryptography.hazmat.primitives import serialization

    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{target} exists; a key is never overwritten, choose another name") from None
    except OSError as error:
        raise ConfigError(f"the key can't be written to {target}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return public_text(key.public_key())


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        ConfigError: the file is no such key, or `cryptography` is not installed.
    """
    private: type[Ed25519PrivateKey] = _ed25519().Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"the key {path} can't be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise ConfigError(f"{path} is no bare private key; make one with edge-caption sign --new-key") from None
    if not isinstance(key, private):
        raise ConfigError(f"{path} is not an Ed25519 key; make one with edge-caption sign --new-key")
    return key


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key as the settings hold it: base64 of its 32 bytes."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """Read a public key from the settings.

    Raises:
        ConfigError: it is none, or `cryptography` is not installed.
    """
    public: type[Ed25519PublicKey] = _ed25519().Ed25519PublicKey
    try:
        return public.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        wanted = "44 characters, as edge-caption sign --new-key prints them"
        raise ConfigError(f"update.public_key is no Ed25519 public key; write {wanted}") from None


def sign(bundle: Bundle, key: Ed25519PrivateKey, target: Path, *, older: bool = False) -> Update:
    """Write a bundle's update file, whole or not at all, and return what its head says.

    Args:
        bundle: the bundle.
        key: its owner's.
        target: the file.
        older: it may replace a newer version.

    Raises:
        BundleError: a file of the bundle is wrong.
        UpdateError: its version is no number, or a file's name can't be sent.
        OSError: the disk refuses.
    """
    bundle.verify()
    update = _describe(bundle, older=older)
    _check_names(update)
    said = msgspec.json.encode(update)
    signature = base64.b64encode(key.sign(FORM + b"\n" + said))
    with writing(target) as fresh, fresh.open("wb") as file:
        file.write(b"%s %s\n%s\n" % (FORM, signature, said))
        for each in update.files:
            with (bundle.folder / each.name).open("rb") as content:
                shutil.copyfileobj(content, file)
    return update


def _describe(bundle: Bundle, *, older: bool) -> Update:
    manifest = bundle.manifest
    files = [UpdateFile(name, record.size, record.sha256) for name, record in sorted(manifest.files.items())]
    for name in (MANIFEST, DIGEST):
        file = bundle.folder / name
        files.append(UpdateFile(name, file.stat().st_size, sha256_of(file)))
    return Update(
        name=manifest.name, version=manifest.version, signed_at=int(time.time()), older=older, files=tuple(files)
    )


def read_head(head: bytes, key: Ed25519PublicKey, largest: int) -> Update:
    """Check a head's signature, then what it says.

    Args:
        head: both lines.
        key: of the owner.
        largest: bytes that the files may have together.

    Raises:
        UpdateError: it is not the owner's, or asks for what no update may.
    """
    from cryptography.exceptions import InvalidSignature

    first, _, said = head.removesuffix(b"\n").partition(b"\n")
    if not first.startswith(FORM + b" "):
        raise UpdateError("this is no update file of this form; make it with edge-caption sign")
    try:
        key.verify(base64.b64decode(first.removeprefix(FORM + b" "), validate=True), FORM + b"\n" + said)
        update = decode_json(said, Update)
    except (InvalidSignature, binascii.Error):
        raise UpdateError(
            "the update is not signed with the key in update.public_key; sign it with that key's other half"
        ) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UpdateError(f"the signed head is not understood ({error}); {NEW_UPDATE}") from None
    _check_names(update)
    if update.size > largest:
        raise UpdateError(f"the update has {update.size:,} bytes, and update.max_bytes allows {largest:,}")
    return update


def peek(head: bytes) -> Update:
    """Return what a head says, whoever signed it; for who sends it.

    Raises:
        UpdateError: it is no head.
    """
    try:
        return decode_json(head.split(b"\n")[1], Update)
    except (msgspec.DecodeError, UnicodeError, IndexError) as error:
        raise UpdateError(f"the update's head is not understood ({error}); {NEW_UPDATE}") from None


def _check_names(update: Update) -> None:
    names = [file.name for file in update.files]
    if not VERSION.fullmatch(update.version):
        raise UpdateError(f"the version {update.version!r} is no number, so no device can tell what is newer")
    if len(names) > MOST_FILES:
        raise UpdateError(f"an update may have {MOST_FILES} files, not {len(names)}")
    for name in names:
        if not FILE_NAME.fullmatch(name):
            raise UpdateError(f"{name!r} is no name of a file in a bundle; use letters, digits, '.', '_' and '-'")
    if len({name.lower() for name in names}) < len(names):
        raise UpdateError(f"two files of the update have the same name; {NEW_UPDATE}")
    if missing := {MANIFEST, DIGEST} - set(names):
        raise UpdateError(f"the update has no {min(missing)}; {NEW_UPDATE}")


def split_head(data: bytes) -> bytes | None:
    """Return the head that an update file begins with, None where the data ends before it does.

    Raises:
        UpdateError: it is no update file.
    """
    if not data.startswith(FORM[: len(data)]):
        raise UpdateError("this is no update file; make one with edge-caption sign")
    end = data.find(b"\n", data.find(b"\n") + 1) + 1 if data.count(b"\n", 0, LARGEST_HEAD) > 1 else 0
    if not end and len(data) >= LARGEST_HEAD:
        raise UpdateError(f"the update's head is longer than {LARGEST_HEAD:,} bytes; {NEW_UPDATE}")
    return data[:end] or None


def _ed25519() -> ModuleType:
    """Return what knows such keys.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise ConfigError("signed updates need a package: pip install 'edge-caption[fleet]'") from None
    return ed25519
