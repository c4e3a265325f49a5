"""Which bundle runs: on disk, so that an update outlives restarts and a bad one does not."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import msgspec

from edge_caption.errors import BundleError
from edge_caption.files import write_whole, writing
from edge_caption.model.bundle import open_bundle
from edge_caption.model.signed import order_of
from edge_caption.node.update.incoming import Incoming

log = logging.getLogger(__name__)

FALSE_STARTS = 3
"""Of a bundle on trial: programs that crash or are killed before it has proved itself."""


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that came as an update."""

    version: str
    sha256: str
    """Of its manifest."""
    signed_at: int
    over: str
    """sha256 of the bundle that the program had by itself then."""
    trusted: bool = False
    """Whether its first captions were good."""
    starts: int = 0
    """Of programs that tried it and neither trusted it nor ended as they were told."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    installed: Installed | None = None
    before: Installed | None = None
    """What ran before `installed` came."""
    newest: int = 0
    """When the newest update that was trusted was signed."""
    failed: str | None = None
    """Why the newest update was refused or rolled back."""
    untold: bool = False
    """Whether `failed` is still to be told."""


class Store:
    """The bundles in the state directory. For one thread at a time."""

    def __init__(self, folder: Path, own: Path | None) -> None:
        """Read the file.

        Args:
            folder: of this node's updates.
            own: the bundle of the settings; None is the shipped one.
        """
        self.folder = folder
        self.own = own
        self.state = State()
        try:
            self.state = msgspec.json.decode((folder / "state.json").read_bytes(), type=State)
        except FileNotFoundError:
            log.debug("no update was ever installed")
        except (OSError, msgspec.DecodeError, UnicodeError) as error:
            log.warning("%s can't be read (%s); the model is the one without updates", folder / "state.json", error)
        self._forget_overtaken()

    @property
    def incoming(self) -> Path:
        """The folder of what is on its way."""
        return self.folder / "incoming"

    @property
    def bundle(self) -> Path | None:
        """The bundle to run: the installed one, else the program's own."""
        return self.folder_of(self.state.installed)

    @property
    def on_trial(self) -> bool:
        """Whether the installed bundle must still prove itself."""
        return self.state.installed is not None and not self.state.installed.trusted

    def folder_of(self, installed: Installed | None) -> Path | None:
        """Return a bundle's folder; the program's own for None."""
        return self.folder / "bundles" / installed.sha256[:16] if installed else self.own

    def install(self, incoming: Incoming) -> None:
        """Make what has come the bundle to run, on trial.

        Raises:
            OSError: the disk refuses; all is as it was.
        """
        update, state = incoming.update, self.state
        installed = Installed(
            version=update.version,
            sha256=update.sha256,
            signed_at=update.signed_at,
            over=open_bundle(self.own).sha256,
        )
        place = self.folder / "bundles" / installed.sha256[:16]
        place.parent.mkdir(parents=True, exist_ok=True)
        if place != self.folder_of(state.installed):
            with writing(place) as fresh:
                incoming.files.rename(fresh)
        self._save(msgspec.structs.replace(state, installed=installed, before=state.installed, failed=None))

    def note_start(self) -> None:
        """Count a program that tries the installed bundle."""
        if installed := self.state.installed:
            self._count(installed, installed.starts + 1)

    def note_end(self) -> None:
        """Say that the program ends because it was told to: not for the bundle on trial."""
        if (installed := self.state.installed) and installed.starts:
            self._count(installed, 0)

    def trust(self) -> None:
        """Say that the bundle on trial has proved itself; older ones are deleted."""
        if installed := self.state.installed:
            good = msgspec.structs.replace(installed, trusted=True, starts=0)
            newest = max(self.state.newest, good.signed_at)
            self._note(msgspec.structs.replace(self.state, installed=good, before=None, newest=newest))
            self._tidy()

    def roll_back(self, reason: str) -> None:
        """Run what ran before, from now on and at the next start."""
        self._note(State(installed=self.state.before, newest=self.state.newest, failed=reason, untold=True))
        self._tidy()

    def fail(self, reason: str | None) -> None:
        """Note why an update did not even come to its trial; None when another one begins."""
        self._note(msgspec.structs.replace(self.state, failed=reason, untold=False))

    def told(self) -> None:
        """Say that the failure is known."""
        self._note(msgspec.structs.replace(self.state, untold=False))

    def _forget_overtaken(self) -> None:
        """Leave an update where the program's own bundle has changed since and is not older."""
        if not (installed := self.state.installed):
            return
        try:
            own = open_bundle(self.own)
        except BundleError:
            return
        if own.sha256 != installed.over and order_of(own.manifest.version) >= order_of(installed.version):
            log.info("version %s of the model came with the program and replaces the update", own.manifest.version)
            self.state = msgspec.structs.replace(self.state, installed=None, before=None)

    def _count(self, installed: Installed, starts: int) -> None:
        self._note(msgspec.structs.replace(self.state, installed=msgspec.structs.replace(installed, starts=starts)))

    def _note(self, state: State) -> None:
        """Keep a state; on a disk that refuses, for as long as the program runs."""
        try:
            self._save(state)
        except OSError as error:
            log.warning("%s can't be written (%s); free some space", self.folder, error.strerror)
            self.state = state

    def _save(self, state: State) -> None:
        write_whole(self.folder / "state.json", msgspec.json.encode(state))
        self.state = state

    def _tidy(self) -> None:
        """Delete bundles that nobody needs any more."""
        needed = {self.folder_of(each) for each in (self.state.installed, self.state.before) if each}
        bundles = self.folder / "bundles"
        for folder in bundles.iterdir() if bundles.is_dir() else ():
            if folder not in needed:
                shutil.rmtree(folder, ignore_errors=True)
