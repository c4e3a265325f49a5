"""`python -m benchmarks tables`: put the figures of benchmarks/results/ into the pages, or check them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tables.markers import ROOT, TableError, pages, rewritten
from edge_caption.files import write_whole


def rewrite(check: bool) -> list[Path]:
    """Rewrite the pages whose figures differ from the results; returns them.

    Args:
        check: change nothing.

    Raises:
        TableError: a page asks for what no result holds; with `check`, a page's figures differ.
    """
    fresh = {page: rewritten(page) for page in pages()}
    stale = [page for page, text in fresh.items() if text != page.read_text("utf-8")]
    if check and stale:
        names = ", ".join(str(page.relative_to(ROOT)) for page in stale)
        raise TableError(f"{names}: not what benchmarks/results/ says; run: python -m benchmarks tables")
    for page in stale:
        write_whole(page, fresh[page].encode())
    return stale
