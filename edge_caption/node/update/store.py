"""Which bundle runs: on disk, so that an update outlives restarts and a bad one does not."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import msgspec

from edge_caption.errors import BundleError, UpdateError
from edge_caption.files import write_whole, writing
from edge_caption.model.bundle import open_bundle
from edge_caption.model.signed import order_of
from edge_caption.node.update.incoming import Incoming
from edge_caption.text import decode_json

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


class News(msgspec.Struct, frozen=True):
    """What each camera's event topic is to tell."""

    event_type: str
    reason: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    installed: Installed | None = None
    before: Installed | None = None
    """What ran before `installed` came."""
    newest: int = 0
    """When the newest update that was trusted was signed."""
    failed: str | None = None
    """Why the newest update was refused or rolled back."""
    news: tuple[News, ...] = ()
    """What is still to be told, oldest first: a program that is killed meanwhile tells it at its next start."""
    settled: str | None = None
    """The update that was installed or given up last: its order may come back to the disk after a power cut."""


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
            self.state = decode_json((folder / "state.json").read_bytes(), State)
        except FileNotFoundError:
            log.debug("no update was ever installed")
        except (OSError, msgspec.DecodeError, UnicodeError) as error:
            log.warning("%s can't be read (%s); the model is the one without updates", folder / "state.json", error)
        # Looked at anew at each start and never written down: who goes back to the older program finds it again.
        self._overtaken = self._is_overtaken()

    @property
    def installed(self) -> Installed | None:
        """The update that runs, None where the program's own bundle does."""
        return None if self._overtaken else self.state.installed

    @property
    def incoming(self) -> Path:
        """The folder of what is on its way."""
        return self.folder / "incoming"

    @property
    def bundle(self) -> Path | None:
        """The bundle to run: the installed one, else the program's own."""
        return self.folder_of(self.installed)

    @property
    def on_trial(self) -> bool:
        """Whether the installed bundle must still prove itself."""
        return self.installed is not None and not self.installed.trusted

    def folder_of(self, installed: Installed | None) -> Path | None:
        """Return a bundle's folder; the program's own for None."""
        return self.folder / "bundles" / installed.sha256[:16] if installed else self.own

    def install(self, incoming: Incoming) -> None:
        """Make what has come the bundle to run, on trial.

        Raises:
            OSError: the disk refuses; all is as it was.
        """
        update, before = incoming.update, self.installed
        installed = Installed(
            version=update.version,
            sha256=update.sha256,
            signed_at=update.signed_at,
            over=open_bundle(self.own).sha256,
        )
        place = self.folder / "bundles" / installed.sha256[:16]
        place.parent.mkdir(parents=True, exist_ok=True)
        if place != self.folder_of(before):
            with writing(place) as fresh:
                incoming.files.rename(fresh)
        state = msgspec.structs.replace(
            self.state, installed=installed, before=before, failed=None, settled=incoming.id
        )
        try:
            self._save(state)
        except OSError:
            self._tidy()  # nobody knows of the bundle, and the disk may be full
            raise
        self._overtaken = False

    def note_start(self) -> None:
        """Count a program that tries the installed bundle.

        Raises:
            UpdateError: the disk refuses. A bundle that ends the program would be tried for ever.
        """
        if installed := self.installed:
            try:
                self._save(self._counted(installed, installed.starts + 1))
            except OSError as error:
                raise UpdateError(
                    f"the disk refuses to count its starts ({error.strerror}); free some space and send it again"
                ) from None

    def note_end(self) -> None:
        """Say that the program ends because it was told to: not for the bundle on trial."""
        if (installed := self.installed) and installed.starts:
            self._note(self._counted(installed, 0))

    def trust(self, said: str) -> None:
        """Say that the bundle on trial has proved itself; older ones are deleted."""
        if installed := self.installed:
            good = msgspec.structs.replace(installed, trusted=True, starts=0)
            newest = max(self.state.newest, good.signed_at)
            self._note(self._with("update_done", said, installed=good, before=None, newest=newest))
            self._tidy()

    def roll_back(self, reason: str) -> None:
        """Run what ran before, from now on and at the next start."""
        back = self._with("update_rolled_back", reason, installed=self.state.before, before=None, failed=reason)
        if not self._note(back):
            self._tidy()
            self._note(back)  # the bundle that is gone has left room
        self._tidy()

    def begin(self, said: str) -> None:
        """Note that another update begins."""
        self._note(self._with("update_begun", said, failed=None, settled=None))

    def forgive(self) -> None:
        """Forget the failure: the bundle that was asked for runs."""
        self._note(msgspec.structs.replace(self.state, failed=None))

    def fail(self, update: str, reason: str) -> None:
        """Note why an update did not even come to its trial."""
        self._note(self._with("update_failed", reason, failed=reason, settled=update))

    def told(self) -> None:
        """Say that the oldest news is told."""
        self._note(msgspec.structs.replace(self.state, news=self.state.news[1:]))

    def take_back(self) -> None:
        """Forget the newest news: it did not come true."""
        self._note(msgspec.structs.replace(self.state, news=self.state.news[:-1]))

    def _with(self, event_type: str, reason: str, **changes: object) -> State:
        """Return another state, and that it is to be told: both come to the disk at once."""
        news = (*self.state.news, News(event_type, reason))
        return msgspec.structs.replace(self.state, news=news, **changes)

    def _is_overtaken(self) -> bool:
        """Tell whether the program's own bundle has changed since the update and is not older."""
        if not (installed := self.state.installed):
            return False
        try:
            own = open_bundle(self.own)
        except BundleError:
            return False
        if own.sha256 == installed.over or order_of(own.manifest.version) < order_of(installed.version):
            return False
        log.info("version %s of the model came with the program and replaces the update", own.manifest.version)
        return True

    def _counted(self, installed: Installed, starts: int) -> State:
        return msgspec.structs.replace(self.state, installed=msgspec.structs.replace(installed, starts=starts))

    def _note(self, state: State) -> bool:
        """Keep a state, and return whether the disk has it; else it lasts as long as the program runs."""
        try:
            self._save(state)
        except OSError as error:
            log.warning("%s can't be written (%s); free some space", self.folder, error.strerror)
            self.state = state
            return False
        return True

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
