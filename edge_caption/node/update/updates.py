"""Updates of the model while the node runs: ordered, received, tried, swapped in, trusted or rolled back."""

from __future__ import annotations

import base64
import binascii
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import msgspec

from edge_caption.errors import ConfigError, EdgeCaptionError, UpdateError
from edge_caption.images import allocator
from edge_caption.model.bundle import open_bundle
from edge_caption.model.live import Captions, LiveCaptioner
from edge_caption.model.selftest import self_test
from edge_caption.model.settings import ModelSettings
from edge_caption.model.signed import Update, id_of, order_of, read_head, read_public
from edge_caption.mqtt.commands import Transaction, UpdateRequest
from edge_caption.mqtt.publication import Received
from edge_caption.mqtt.topics import Topics
from edge_caption.node.update.boot import Load
from edge_caption.node.update.download import check_url, fetch_head
from edge_caption.node.update.fetching import Fetching
from edge_caption.node.update.incoming import Incoming, Order, discard, pending
from edge_caption.node.update.probation import FIRST_CAPTIONS, Probation
from edge_caption.node.update.settings import UpdateSettings
from edge_caption.node.update.store import Store
from edge_caption.records import UpdatePhase, UpdateState

log = logging.getLogger(__name__)

WAITING = 64
"""Orders and chunks that wait; what comes beyond is sent again by who sends it."""

LARGEST_CHUNK = 256 * 1024
"""Bytes."""

TRIAL_S = 600.0
"""Without so much as a fault for so long, a bundle is trusted, however few captions there were."""

SHOWN_PERCENT = 5
"""Steps in which the retained state tells how much has come."""

REPEATED_S = 10.0
"""For so long after a failure, who asks for the same in the same transaction has not yet heard of it."""

IDLE_S = 3600.0


@dataclass(frozen=True)
class Outlets:
    """Where updates are told of; each may be called from any thread and returns at once."""

    tell: Callable[[str, str, Callable[[], None]], None]
    """Writes an event, its type and a reason, and calls back once it is on disk."""
    show: Callable[[UpdateState], None]
    """Makes this the state that everybody sees."""
    answer: Callable[[UpdateState], None]
    """Says to who sends chunks how many bytes are here."""
    swapped: Callable[[], None]
    """Another model captions now."""


class Updates:
    """One thread does the work; the node goes on captioning meanwhile."""

    def __init__(
        self,
        settings: UpdateSettings,
        model: ModelSettings,
        store: Store,
        live: LiveCaptioner,
        load: Load,
        outlets: Outlets,
    ) -> None:
        """Begin: a bundle that was on trial when the program ended is again, and what was on its way goes on.

        Raises:
            ConfigError: the public key is none.
        """
        self._key = read_public(settings.public_key or "")
        self._largest = settings.max_bytes
        self._model = model
        self._store = store
        self._live = live
        self._load = load
        self._outlets = outlets
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._incoming: Incoming | None = None
        self._fetching: Fetching | None = None
        self._phase: UpdatePhase = "idle"
        self._shown: tuple[object, ...] = ()
        self._trial_ends = 0.0
        self._trial: Probation | None = None
        self._fault: Callable[[], None] | None = None
        """Rolls back a trial that has failed; nothing else is done before it."""
        self._failed_at = 0.0
        self._asker: Transaction = None
        self._handed = 0
        """How many of the store's news were given to `tell`."""
        self._told = self._forgotten = 0
        """Events that came to the disk, counted by the node's thread, and news that the store has dropped since."""
        self._stopping = False
        installed = store.installed
        if store.on_trial and installed and live.model.sha256 == installed.sha256:
            before = store.folder_of(store.state.before)
            self._put_on_trial(live.current, lambda: load(before))
        self._thread = threading.Thread(target=self._run, name="updates", daemon=True)
        self._thread.start()

    def order(self, request: UpdateRequest) -> Future[UpdateState]:
        """Begin an update, or install the one that was offered; for any thread.

        Returns:
            what becomes of it: its state, or UpdateError where it is refused.
        """
        future: Future[UpdateState] = Future()
        if not self._hand(partial(self._answer_order, request, time.monotonic(), future)):
            future.set_exception(UpdateError("too much is asked at once; try again soon"))
        return future

    def take(self, message: Received) -> None:
        """Take a chunk; for any thread."""
        own_id, offset = Topics.chunk(message.topic)
        # Looked at here, too: what nobody waits for is not to fill the memory while a bundle is tested.
        incoming = self._incoming  # which the other thread may drop between two looks
        awaited = incoming is not None and incoming.id == own_id
        if awaited and not message.retained and len(message.payload) <= LARGEST_CHUNK:
            self._hand(partial(self._take_chunk, own_id, offset, message.payload))

    def close(self, timeout_s: float = 1.0) -> None:
        """End; what has come is kept."""
        self._stopping = True
        self._hand(lambda: None)
        self._thread.join(timeout_s)

    def _hand(self, job: Callable[[], None]) -> bool:
        if self._jobs.qsize() >= WAITING:
            return False
        self._jobs.put(job)
        return True

    def _run(self) -> None:
        self._guarded(self._pick_up)
        self._guarded(self._go_on)
        self._tell_news()
        while not self._stopping:
            try:
                job = self._jobs.get(timeout=self._wait_s())
            except queue.Empty:
                job = self._do_next
            self._heed_fault()
            self._guarded(job)
            self._tell_news()
        self._heed_fault()
        self._tell_news()
        if self._fetching:
            self._fetching.close()
        self._store.note_end()  # here, for no other thread may touch the store

    def _heed_fault(self) -> None:
        if undo := self._fault:
            self._fault = None
            self._guarded(undo)

    def _tell_news(self) -> None:
        """Forget the news that is told, and have the rest told."""
        while self._forgotten < self._told:
            self._forgotten += 1
            self._handed -= 1
            self._store.told()
        for news in self._store.state.news[self._handed :]:
            self._handed += 1
            self._outlets.tell(news.event_type, news.reason, self._note_told)

    def _note_told(self) -> None:
        """On the node's thread."""
        self._told += 1
        self._jobs.put(lambda: None)

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except (EdgeCaptionError, OSError) as error:
            self._fail(error)
        except Exception as error:
            log.exception("the update fails unexpectedly")
            self._fail(error)

    def _wait_s(self) -> float:
        waits = [IDLE_S]
        if self._fetching:
            waits.append(self._fetching.wait_s())
        if self._trial:
            waits.append(max(0.0, self._trial_ends - time.monotonic()))
        return min(waits)

    def _do_next(self) -> None:
        if self._trial and time.monotonic() >= self._trial_ends:
            self._trust()
        if self._fetching and self._incoming:
            self._fetching.step(self._incoming)
            self._go_on()

    def _pick_up(self) -> None:
        """Heed what happened at the start, and go on with what was on its way."""
        if self._store.state.failed and self._store.state.news:
            self._failed_at = time.monotonic() + REPEATED_S  # who was cut off from it asks again at once
        if order := pending(self._store.incoming):
            self._resume(order)

    def _resume(self, order: Order) -> None:
        try:
            update = read_head(order.head, self._key, self._largest)
            if id_of(order.head) == self._store.state.settled or update.sha256 == self._live.model.sha256:
                self._drop()
                return
            self._check_newer(update)
            self._take_on(Incoming(self._store.incoming, order, update))
        except UpdateError as error:
            log.warning("the update that was on its way is refused now: %s", error)
            self._drop()

    def _answer_order(self, request: UpdateRequest, asked_at: float, future: Future[UpdateState]) -> None:
        try:
            self._begin(request, asked_at)
        except Exception as error:
            if not isinstance(error, (EdgeCaptionError, OSError)):
                log.exception("an order of an update fails unexpectedly")
            future.set_exception(_sentence(error))
        else:
            future.set_result(self._state())
        self._go_on()  # where it was refused, too: what it was to replace may be gone

    def _begin(self, request: UpdateRequest, asked_at: float) -> None:
        if request.url is None and request.head is None:
            if not request.install:
                raise ConfigError("install = false is for a url or a head; there is nothing else to offer")
            self._install_offered()
            return
        if request.url is not None and request.head is not None:
            raise ConfigError("give url or head, not both")
        head = fetch_head(check_url(request.url)) if request.url is not None else _decoded(request.head or "")
        update = read_head(head, self._key, self._largest)
        state = self._store.state
        repeated_s = REPEATED_S if request.transaction is not None and request.transaction == self._asker else 0.0
        if state.failed and state.settled == id_of(head) and asked_at < self._failed_at + repeated_s:
            raise UpdateError(state.failed)
        if update.sha256 == self._live.model.sha256:
            self._drop()
            self._store.forgive()
            return
        if self._trial:
            raise UpdateError("another update is on trial; try again when its first captions are done")
        self._check_newer(update)
        order = Order(head=head, url=request.url, install=request.install)
        if self._incoming and self._incoming.order.head == head:
            self._incoming.change(order)
            self._take_on(self._incoming)
        else:
            self._drop()
            self._store.begin(f"{self._running} -> {update.label}")
            self._asker = request.transaction
            try:
                self._take_on(Incoming.begin(self._store.incoming, order, update))
            except (UpdateError, OSError):
                self._store.take_back()
                raise
            log.info("an update begins: %s -> %s", self._running, update.label)

    def _take_on(self, incoming: Incoming) -> None:
        if self._fetching:
            self._fetching.close()
        self._incoming = incoming
        self._phase = "offered" if incoming.complete and not incoming.order.install else "receiving"
        self._fetching = Fetching(incoming.order) if incoming.order.url and not incoming.complete else None

    @property
    def _running(self) -> str:
        return f"{self._live.model.name} {self._live.model.version}"

    def _install_offered(self) -> None:
        if not self._incoming:
            raise UpdateError("no update was offered; give its url or its head")
        self._incoming.change(msgspec.structs.replace(self._incoming.order, install=True))

    def _check_newer(self, update: Update) -> None:
        running, installed = self._live.model, self._store.installed
        newest = max(self._store.state.newest, installed.signed_at if installed else 0)
        if update.signed_at < newest:
            raise UpdateError("this update was signed before the one that came last; sign it again to go back to it")
        older = order_of(update.version) < order_of(running.version)
        if update.name == running.name and older and not update.older:
            raise UpdateError(
                f"version {update.version} is older than {running.version}, which runs; "
                "to go back, sign it with --allow-older"
            )

    def _take_chunk(self, own_id: str, offset: int, data: bytes) -> None:
        incoming = self._incoming
        if not incoming or incoming.id != own_id or incoming.order.url or incoming.complete:
            return
        # After a cut some bytes come again, and what follows on a lost chunk is of no use.
        if offset <= incoming.next < offset + len(data):
            incoming.append(data[incoming.next - offset :])
        self._outlets.answer(self._state())
        self._go_on()

    def _go_on(self) -> None:
        """Do what what has come allows."""
        if not (incoming := self._incoming):
            self._phase = "trial" if self._trial else "idle"
        elif not incoming.complete:
            self._phase = "receiving"
        elif not incoming.order.install:
            self._phase, self._fetching = "offered", None
        else:
            self._fetching = None
            self._install(incoming)
        self._show()

    def _install(self, incoming: Incoming) -> None:
        """Try the bundle in a process of its own, then swap it in on trial."""
        self._phase = "testing"
        self._show()
        _check_contents(incoming)
        options = {**msgspec.structs.asdict(self._model), "bundle": incoming.files}
        self_test(options)
        old = self._live.current
        self._store.install(incoming)
        self._drop()
        try:
            fresh = self._load(self._store.bundle)
        except Exception as error:
            self._undo(old, f"it does not load beside the old one: {error}")
            return
        self._put_on_trial(fresh, lambda: old)
        self._outlets.swapped()
        log.info("%s captions, on trial for %d captions", self._running, FIRST_CAPTIONS)

    def _put_on_trial(self, fresh: Captions, load_old: Callable[[], Captions]) -> None:
        self._phase, self._trial_ends = "trial", time.monotonic() + TRIAL_S
        self._trial = Probation(fresh, load_old, self._notice, self._doubt)
        self._live.swap(self._trial)

    def _notice(self, good: int) -> None:
        """On the node's thread."""
        if good >= FIRST_CAPTIONS:
            self._hand(self._trust)

    def _doubt(self, old: Captions, reason: str) -> None:
        """On the node's thread."""
        self._live.swap(old)
        self._fault = partial(self._undo, old, reason)
        self._jobs.put(lambda: None)  # however many orders wait: no trial may outlive its fault

    def _trust(self) -> None:
        if not self._trial or not (fresh := self._trial.trust()):
            return
        self._live.swap(fresh)
        self._trial = None
        allocator.give_back_freed()
        self._store.trust(f"{self._running} captions")
        log.info("%s has proved itself", self._running)
        self._go_on()

    def _undo(self, old: Captions, reason: str) -> None:
        installed = self._store.installed
        said = f"version {installed.version if installed else '?'} of the model is rolled back: {reason}"
        log.warning("%s; %s captions", said, f"{old.model.name} {old.model.version}")
        self._trial = None
        self._failed_at = time.monotonic()
        self._live.swap(old)
        self._store.roll_back(said)
        self._outlets.swapped()
        self._go_on()

    def _fail(self, error: Exception) -> None:
        """Give up what is on its way; what runs goes on."""
        if not self._incoming:
            log.warning("updates: %s", _sentence(error))
            return
        own_id, said = self._incoming.id, f"the update to {self._incoming.update.label} fails: {_sentence(error)}"
        log.warning("%s; %s goes on", said, self._running)
        self._drop()
        self._phase, self._failed_at = "idle", time.monotonic()
        self._store.fail(own_id, said)
        self._show()
        self._outlets.answer(self._state())

    def _drop(self) -> None:
        """Forget what has come."""
        if self._fetching:
            self._fetching.close()
        self._incoming = self._fetching = None
        discard(self._store.incoming)

    def _state(self) -> UpdateState:
        incoming, model = self._incoming, self._live.model
        size = incoming.update.size if incoming else 0
        here = incoming.next if incoming else 0
        return UpdateState(
            state=self._phase,
            title=model.name,
            installed_version=model.version,
            latest_version=incoming.update.version if incoming else model.version,
            in_progress=self._phase not in ("idle", "offered"),
            update_percentage=100 * here // size if size and self._phase == "receiving" else None,
            update=incoming.id if incoming else None,
            next=here,
            size=size,
            error=self._store.state.failed,
        )

    def _show(self) -> None:
        state = self._state()
        step = (state.update_percentage or 0) // SHOWN_PERCENT
        if (shown := (state.state, state.installed_version, state.latest_version, state.error, step)) != self._shown:
            self._shown = shown
            self._outlets.show(state)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UpdateError("the head is not base64; edge-caption update sends it as it must be") from None


def _check_contents(incoming: Incoming) -> None:
    """See that the files are a bundle, and the one that the head names.

    Raises:
        BundleError, UpdateError: they are not.
    """
    bundle = open_bundle(incoming.files)
    bundle.verify()
    held = f"{bundle.manifest.name} {bundle.manifest.version}"
    if held != incoming.update.label:
        raise UpdateError(f"it holds {held}, not {incoming.update.label}; sign the bundle again")


def _sentence(error: Exception) -> Exception:
    """Return the error as one that may be told."""
    if isinstance(error, EdgeCaptionError):
        return error
    if isinstance(error, OSError):
        return UpdateError(f"the disk refuses it ({error.strerror or error}); free some space")
    return UpdateError("it failed unexpectedly; the node's log says more")
