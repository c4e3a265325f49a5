from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from edge_caption.errors import ConfigError, UpdateError
from edge_caption.model.bundle import open_bundle
from edge_caption.model.signed import (
    LARGEST_HEAD,
    Update,
    new_key,
    order_of,
    read_head,
    read_key,
    read_public,
    sign,
    split_head,
)
from tests.node.update.conftest import Make, bytes_of, fields_of, forged, head_of, make, public

__all__ = ["make", "public"]

LARGEST = 10_000_000


def read(head: bytes, public: str, largest: int = LARGEST) -> Update:
    return read_head(head, read_public(public), largest)


def test_what_was_signed_is_read_back_and_the_files_follow_in_order(make: Make, public: str) -> None:
    file = make("2")
    update = read(head_of(file), public)
    assert (update.label, update.older) == ("tiny 2", False)
    rest = bytes_of(file)
    assert update.size == len(rest)
    begins = 0
    for each in update.files:
        assert rest[begins : begins + each.size] == (file.parent / "bundle-2" / each.name).read_bytes()
        begins += each.size


def test_no_byte_of_the_head_can_be_changed(make: Make, public: str) -> None:
    head = head_of(make("2"))
    for place in range(0, len(head) - 1, 7):
        changed = bytes([*head[:place], head[place] ^ 1, *head[place + 1 :]])
        with pytest.raises(UpdateError):
            read(changed, public)


def test_another_key_is_refused_with_what_to_do(make: Make, tmp_path: Path) -> None:
    other = new_key(tmp_path / "other.key")
    with pytest.raises(UpdateError, match=r"not signed with the key in update\.public_key; sign it"):
        read(head_of(make("2")), other)


def put_name(fields: dict[str, Any], name: str) -> None:
    fields["files"][0]["name"] = name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda fields: put_name(fields, "../../evil"), "is no name of a file in a bundle"),
        (lambda fields: put_name(fields, "/etc/passwd"), "is no name of a file in a bundle"),
        (lambda fields: put_name(fields, "a/b"), "is no name of a file in a bundle"),
        (lambda fields: put_name(fields, ".."), "is no name of a file in a bundle"),
        (lambda fields: put_name(fields, "a\nb"), "is no name of a file in a bundle"),
        (lambda fields: put_name(fields, "evil\n"), "is no name of a file in a bundle"),
        (lambda fields: put_name(fields, "MANIFEST.json"), "have the same name"),
        (lambda fields: fields.update(version="seven"), "is no number"),
        (lambda fields: fields.update(version="1\n"), "is no number"),
        (lambda fields: fields["files"].pop(), "has no manifest.sha256"),
        (lambda fields: fields["files"].extend(fields["files"] * 30), "may have 100 files"),
        (lambda fields: fields["files"][0].update(size=-1), "is not understood"),
        (lambda fields: fields["files"][0].update(size=2**70), "max_bytes allows"),
        (lambda fields: fields["files"][0].update(size=LARGEST), r"update\.max_bytes allows 10,000,000"),
        (lambda fields: fields.update(signed_at="now"), "is not understood"),
    ],
)
def test_what_no_update_may_is_refused_even_with_the_right_signature(
    make: Make, public: str, tmp_path: Path, change: Any, said: str
) -> None:
    fields = fields_of(make("2"))
    assert read(forged(tmp_path / "owner.key", fields), public)
    change(fields)
    with pytest.raises(UpdateError, match=said):
        read(forged(tmp_path / "owner.key", fields), public)


def test_a_private_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "owner.key"
    public = new_key(file)
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", public)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="never overwritten"):
        new_key(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["", "short", "é" * 44, "A" * 44, "ä"])
def test_what_is_no_public_key_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"update\.public_key is no Ed25519 public key; write 44 characters"):
        read_public(text)


def test_a_file_that_is_no_private_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigError, match="is no bare private key"):
        read_key(tmp_path / "text")
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        read_key(tmp_path / "nothing")


def test_a_damaged_bundle_is_not_signed(tiny_bundle: Path, public: str, tmp_path: Path) -> None:
    from edge_caption.errors import BundleError

    with (tiny_bundle / "vocabulary.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match="altered or cut short"):
        sign(open_bundle(tiny_bundle), read_key(tmp_path / "owner.key"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_head_is_found_when_it_is_all_there_and_nothing_else_is_taken_for_one(make: Make) -> None:
    file = make("2")
    data, head = file.read_bytes(), head_of(file)
    assert split_head(data[: len(head) - 1]) is None
    assert split_head(data[:10]) is None
    assert split_head(data) == head
    with pytest.raises(UpdateError, match="no update file"):
        split_head(b"<html>\n<body>\n")
    with pytest.raises(UpdateError, match="longer than 65,536 bytes"):
        split_head(b"edge-caption-update 1 x\n" + b"x" * LARGEST_HEAD)


def test_versions_are_compared_as_numbers() -> None:
    assert order_of("10") > order_of("9.5") > order_of("9") > order_of("nine") == ()
