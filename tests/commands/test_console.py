from __future__ import annotations

import threading

import msgspec
import pytest

from edge_caption.commands.console import Console
from tests.history.captions import record


@pytest.mark.parametrize(("doubtful", "said"), [(True, "perhaps a dog  (50%)"), (False, "a dog  (50%)")])
def test_what_is_doubtful_is_printed_with_a_perhaps(
    doubtful: bool, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Console(threading.Event()).take(msgspec.structs.replace(record(1, "a dog"), doubtful=doubtful), None)
    assert capsys.readouterr().out.endswith(f"  porch  {said}\n")
