from __future__ import annotations

from pathlib import Path

import pytest

from calibration.sampling import digest, find_photos, sample
from edge_caption.errors import PhotoError


def test_a_sample_does_not_depend_on_the_order_of_the_list() -> None:
    photos = [Path(f"{number}.jpg") for number in range(100)]
    assert sample(photos, 10) == sample(photos[::-1], 10)
    assert set(sample(photos, 10)) < set(sample(photos, 20))


def test_the_digest_tells_names_and_contents_apart(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jpg", tmp_path / "other.jpg"
    one.write_bytes(b"1")
    other.write_bytes(b"1")
    assert digest([one]) != digest([other])
    before = digest([one, other])
    other.write_bytes(b"2")
    assert digest([one, other]) != before


def test_a_list_names_photos_relative_to_itself(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("a.jpg\n\nsub/b.jpg\n")
    assert find_photos(listed) == [tmp_path / "a.jpg", tmp_path / "sub" / "b.jpg"]
    listed.write_bytes("a.jpg\r\n\r\nsub/b.jpg".encode("utf-8-sig"))
    assert find_photos(listed) == [tmp_path / "a.jpg", tmp_path / "sub" / "b.jpg"]


def test_a_list_in_another_encoding_is_named_with_the_fix(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("a.jpg", "utf-16")
    with pytest.raises(PhotoError, match=r"the list .*list\.txt is UTF-16 text; save it as UTF-8"):
        find_photos(listed)


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("\n")
    with pytest.raises(PhotoError, match="names no photo"):
        find_photos(listed)
