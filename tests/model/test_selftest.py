from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edge_caption.errors import BundleError
from edge_caption.images.frame import Pixels
from edge_caption.model import selftest
from edge_caption.model.caption import Caption
from edge_caption.model.captioner import Captioner
from edge_caption.model.selftest import check, self_test


def test_a_sound_bundle_passes_in_a_process_of_its_own(tiny_bundle: Path) -> None:
    self_test({"bundle": tiny_bundle, "threads": 1})


@pytest.mark.parametrize(
    ("options", "said"),
    [({"language": "fr"}, "does not speak 'fr'"), ({"flavour": "none"}, "has no flavour none")],
)
def test_what_the_settings_ask_for_must_be_in_the_bundle(tiny_bundle: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BundleError, match=said):
        self_test({"bundle": tiny_bundle, **options})


def program(folder: Path, lines: str) -> str:
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{lines}\n")
    file.chmod(0o755)
    return str(file)


def test_a_bundle_that_crashes_is_named_and_nobody_else_crashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path, "kill -SEGV $$"))
    with pytest.raises(BundleError, match=r"the self-test crashed \(signal 11\)"):
        self_test({})


def test_a_bundle_that_takes_for_ever_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path, "exec sleep 60"))
    monkeypatch.setattr(selftest, "LONGEST_S", 0.2)
    with pytest.raises(BundleError, match=r"the self-test took more than 0\.2 s"):
        self_test({})


def test_a_captioner_that_says_one_thing_of_everything_fails(tiny_captioner: Captioner, picture: Pixels) -> None:
    class Stubborn:
        def caption(self, _: object) -> Caption:
            return tiny_captioner.caption(picture)

    with pytest.raises(BundleError, match="of every shipped photo it says"):
        check(Stubborn())  # type: ignore[arg-type]
    check(tiny_captioner)
