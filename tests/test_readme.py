"""The README's commands and the command line's help agree."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_caption.commands.cli import parser
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(r"```(?:bash|sh|console)\n(.*?)```", re.DOTALL)


def commands(page: Path) -> Iterator[str]:
    """Yield the `edge-caption …` lines of a page's code blocks."""
    for block in BLOCK.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.split(r"\s[|>]\s|\s&", line.split("  #")[0])[0].strip()
            if command.startswith("edge-caption "):
                yield command


def parses(arguments: list[str]) -> bool:
    try:
        parser().parse_args(arguments)
    except SystemExit as stop:
        return stop.code == 0  # --help and --version
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_docs_parses(page: Path) -> None:
    for command in commands(page):
        assert parses(shlex.split(command)[1:]), f"{page.name}: {command}"


def test_the_readme_shows_every_command() -> None:
    (subcommands,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    readme = "\n".join(commands(ROOT / "README.md"))
    for name in subcommands.choices:
        assert f"edge-caption {name}" in readme


def test_every_script_that_the_docs_name_exists() -> None:
    for page in PAGES:
        for script in re.findall(r"\bscripts/(\w[\w-]*(?:\.py)?)", page.read_text()):
            assert (ROOT / "scripts" / script).exists(), f"{page.name}: scripts/{script}"


LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return what GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    linked = {link.partition("#")[0] for page in PAGES for link in LINK.findall(page.read_text())}
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in readme or page.name in linked, page.name
