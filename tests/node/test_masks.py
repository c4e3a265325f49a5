from __future__ import annotations

import resource
from pathlib import Path

import pytest

from edge_caption.bounds import Polygons
from edge_caption.errors import ConfigError, OutboxError
from edge_caption.node.masks import Masks

LEFT: Polygons = (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)
TOP: Polygons = (((0.0, 0.0), (1.0, 0.0), (1.0, 0.3)),)


def test_masks_begin_as_the_settings_say_and_outlive_a_restart(tmp_path: Path) -> None:
    masks = Masks(tmp_path / "masks.json")
    assert masks.of("porch", LEFT) == LEFT
    masks.keep("porch", TOP, LEFT)
    masks.keep("garden", (), LEFT)
    again = Masks(tmp_path / "masks.json")
    assert again.of("porch", LEFT) == TOP
    assert again.of("garden", LEFT) == ()
    assert again.of("attic", LEFT) == LEFT


def test_those_of_the_settings_come_back_when_asked_for(tmp_path: Path) -> None:
    masks = Masks(tmp_path / "masks.json")
    masks.keep("porch", TOP, LEFT)
    masks.keep("porch", None, LEFT)
    assert Masks(tmp_path / "masks.json").of("porch", LEFT) == LEFT


def test_settings_that_were_changed_later_win(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever adds a mask to the settings wants it to hide something."""
    Masks(tmp_path / "masks.json").keep("porch", (), ())
    assert Masks(tmp_path / "masks.json").of("porch", LEFT) == LEFT
    assert "the settings have new masks of porch; those that were drawn on the page give way" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b'{"porch": 3}', b"\xff", b'{"porch": {"masks": [[[2, 0]]]}}'])
def test_a_broken_file_shows_nothing_that_was_hidden(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "masks.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"masks that were drawn can't be read .*; delete the file to begin"):
        Masks(tmp_path / "masks.json")


def test_a_full_disk_leaves_the_masks_as_they_are(tmp_path: Path) -> None:
    masks = Masks(tmp_path / "masks.json")
    masks.keep("porch", TOP, ())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OutboxError, match=r"can't be written .*; free some space"):
            masks.keep("porch", LEFT, ())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert masks.of("porch", ()) == TOP
    assert Masks(tmp_path / "masks.json").of("porch", ()) == TOP
