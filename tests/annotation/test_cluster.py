"""`edge-caption annotate --ray`, on processes of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_caption.annotation import cluster
from edge_caption.annotation.workers import Annotation, Unreadable
from tests.annotation.test_annotate import PHOTOS, album, read
from tests.conftest import ROOT

__all__ = ["album"]


def annotate(album: Path, out: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_caption", "annotate", album, "-o", out, *arguments]
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


def test_ray_captions_a_folder_and_goes_on(album: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    out = tmp_path / "out.jsonl"
    out.write_text('{"file":"0 é,;.JPG","caption":"kept","confidence":0.5,"language":"en"}\n')
    done = annotate(album, out, "--bundle", tiny_bundle, "--ray")
    assert done.returncode == 1, done.stderr
    assert f"{PHOTOS} photos" in done.stderr
    assert "broken.jpg can't be decoded" in done.stderr
    # Ray itself says one line, of how it was told to say nothing.
    said = [line for line in done.stderr.splitlines() if "Set ray log level" not in line]
    assert all(line.startswith("edge-caption: ") for line in said), done.stderr
    captions = read(out)
    assert len(captions) == PHOTOS
    assert captions["0 é,;.JPG"] == "kept"
    assert {"below/1 é,;.JPG", "caf\ufffd.jpg"} < set(captions)


def test_an_actor_captions_a_batch(album: Path, tiny_bundle: Path) -> None:
    """Without Ray, so that it is tested everywhere."""
    rows = cluster.Actor(str(album), {"bundle": tiny_bundle})(
        {"file": [b"0 \xc3\xa9,;.JPG", b"broken.jpg", b"caf\xe9.jpg"]}
    )
    results = [cluster._result({column: rows[column][n] for column in rows}) for n in range(3)]
    good, broken, latin = results
    assert isinstance(good, Annotation)
    assert good.caption
    assert isinstance(latin, Annotation)
    assert isinstance(broken, Unreadable)
    assert "can't be decoded" in broken.reason


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ray", "--workers", "2"], "--ray and --workers contradict each other"),
        (["--ray", "--broker", "mqtt://localhost"], "--ray and --broker contradict each other"),
        (["--ray", "--bundle", "/nowhere"], "/nowhere"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    album: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = annotate(album, tmp_path / "out.csv", *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", [1, 10**20])
def test_a_cluster_that_is_not_there_is_one_sentence(port: int, album: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    done = annotate(album, tmp_path / "out.csv", "--bundle", tiny_bundle, "--ray", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert re.search(f"no Ray cluster answers at 127.0.0.1:{port} .*; start one: ray start --head", done.stderr)
    assert "Traceback" not in done.stderr


def test_without_ray_it_is_named(
    album: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    from edge_caption.errors import ConfigError

    with pytest.raises(ConfigError, match=r"pip install 'edge-caption\[ray\]'"):
        list(cluster.caption_by_ray(album, ["0.jpg"], {"bundle": tiny_bundle}, cluster.LOCAL))
