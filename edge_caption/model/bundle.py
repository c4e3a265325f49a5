"""The bundle: a folder that is all a device needs of a trained captioner, and the only thing it gets.

manifest.json           what everything is, with size and sha256 of every other file
manifest.sha256         the manifest's own digest, as sha256sum writes it
encoder.<flavour>.onnx  photo -> regions, keys, state
encoder.cpu.weights     what the encoders of processors have in common
decoder.<flavour>.onnx  one step: word -> next word; flavours may share one file
vocabulary.json         the words
calibration.json        activation ranges that the INT8 flavours were made with
MODEL_CARD.md           for people
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from edge_caption.bounds import Share
from edge_caption.errors import BundleError, ConfigError
from edge_caption.files import sha256_of
from edge_caption.model import preprocess
from edge_caption.model.backends.session import MAX_BEAMS
from edge_caption.model.confidence import Confidence
from edge_caption.model.vocabulary import START, Vocabulary
from edge_caption.text import decode_json, decode_text

SCHEMA = 1
"""Version of the manifest's form; a bundle of another version is refused."""

BUNDLES = {name: Path(__file__).parent.parent / "bundles" / name for name in ("accurate", "fast")}
"""Name -> folder of the bundles that ship with the package."""

DEFAULT = BUNDLES["accurate"]

MANIFEST, DIGEST = "manifest.json", "manifest.sha256"

MAX_WORDS = 100
"""That a sentence may have; a step takes its time for each."""

FLAVOUR_OF_MACHINE = {"x86_64": "cpu-x86", "amd64": "cpu-x86", "aarch64": "cpu-arm", "arm64": "cpu-arm"}

Count = Annotated[int, msgspec.Meta(gt=0)]

Shape = tuple[int | None, ...]
"""Of a graph's input or output; None is a size that the graph leaves open."""


class FileRecord(msgspec.Struct, frozen=True):
    """What a file of the bundle must be."""

    sha256: str
    size: int
    """Bytes."""


class Graphs(msgspec.Struct, frozen=True):
    """File names of a flavour's two graphs."""

    encoder: str
    decoder: str
    weights: str = ""
    """Of what the encoder's graph reads its weights from; empty where they are inside."""


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Dimensions of the graphs' inputs and outputs."""

    side: Count
    """Pixels of the encoder's square input."""
    grid: Count
    """Regions a row and a column."""
    region: Count
    attention: Count
    hidden: Count
    embedding: Count
    words: Count

    def encoder(self) -> dict[str, Shape]:
        """Return the encoder's inputs and outputs."""
        # The state's size is open: an LSTM's is twice `hidden`.
        return {"image": (1, self.side, self.side, 3), **self._seen(), "state": (1, None)}

    def decoder(self) -> dict[str, Shape]:
        """Return the decoder's; it goes on with any number of sentences."""
        return {
            "token": (None,),
            "state": (None, None),
            **self._seen(),
            "log_probs": (None, self.words),
            "next_state": (None, None),
            "attention": (None, self.grid**2),
        }

    def _seen(self) -> dict[str, Shape]:
        return {"regions": (1, self.grid**2, self.region), "keys": (1, self.grid**2, self.attention)}


class Decoding(msgspec.Struct, frozen=True, kw_only=True):
    """How sentences are searched unless the caller says otherwise."""

    language: str = "en"

    beam: Annotated[int, msgspec.Meta(ge=1, le=MAX_BEAMS)] = 1
    max_words: Annotated[int, msgspec.Meta(ge=1, le=MAX_WORDS)] = 20
    length_penalty: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.7
    """Exponent of the length that a beam's log-probability is divided by (Wu et al. 2016, simplified)."""
    specific: Share = 0.0
    """How much words are preferred that fit this picture better than any; 0 is the likeliest sentence."""
    sure: Share = 0.0
    """Probability from which on an object is said as it is; less sure ones are said in a general word, or left out."""
    not_last: tuple[str, ...] = ()
    """Words that no sentence ends with: a, the, with, …"""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `manifest.json` holds."""

    schema: int
    name: str
    version: str
    preprocessing: str
    sizes: Sizes
    decoding: Decoding
    languages: Annotated[dict[str, str], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: {"en": " "}
    )
    """Language -> what stands between its words."""
    flavours: Annotated[dict[str, Graphs], msgspec.Meta(min_length=1)]
    files: dict[str, FileRecord]
    training: dict[str, Any]
    """Data set, terms, recipe."""
    quality: dict[str, dict[str, Any]]
    """Flavour -> figures of this very artifact."""
    made_with: dict[str, str]
    """Package -> version."""
    confidence: Confidence | None = None
    """What makes a caption's confidence a probability; None in a bundle that was made without."""

    def speak(self, language: str | None) -> tuple[str, str]:
        """Return a language (the bundle's own choice if None) and what stands between its words.

        Raises:
            ConfigError: the bundle does not speak it.
        """
        language = language or self.decoding.language
        if language not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise ConfigError(f"the bundle {self.name} does not speak {language!r}; choose one of: {known}")
        return language, self.languages[language]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest was read; files are checked when they are asked for."""

    folder: Path
    manifest: Manifest
    sha256: str
    """Of the manifest, and so of everything."""

    def file(self, name: str) -> Path:
        """Return a file's path after checking it against the manifest.

        Raises:
            BundleError: it is missing, altered or not named there.
        """
        record = self._record(name)
        path = self.folder / name
        try:
            whole = path.stat().st_size == record.size and sha256_of(path) == record.sha256
        except OSError as error:
            raise BundleError(f"{path} can't be read ({error.strerror}); copy the whole bundle again") from error
        except ValueError as error:  # a zero byte
            raise self._foreign_manifest(f"names {name!r}, which no file can be called") from error
        if not whole:
            raise BundleError(
                f"{path} is not the file that {MANIFEST} names (altered or cut short); copy the bundle again"
            )
        return path

    def _record(self, name: str) -> FileRecord:
        record = self.manifest.files.get(name)
        if record is None:
            raise BundleError(f"{self.folder / MANIFEST} does not name {name}; copy the whole bundle again")
        return record

    def bytes_of(self, flavour: str) -> dict[str, int]:
        """Return the sizes of a flavour's encoder, weights included, and decoder, by the manifest.

        Raises:
            BundleError: it does not name one of the files.
        """
        graphs = self.manifest.flavours[flavour]
        weights = self._record(graphs.weights).size if graphs.weights else 0
        return {"encoder": self._record(graphs.encoder).size + weights, "decoder": self._record(graphs.decoder).size}

    def graphs(self, flavour: str | None = None) -> tuple[str, Path, Path]:
        """Return the flavour (the machine's if None) and its checked encoder and decoder.

        Raises:
            BundleError: the bundle lacks it, or a file is wrong.
        """
        flavour = flavour or self.default_flavour()
        graphs = self.manifest.flavours.get(flavour)
        if graphs is None:
            have = ", ".join(sorted(self.manifest.flavours))
            raise BundleError(f"{self.folder} has no flavour {flavour}; choose one of: {have}")
        if graphs.weights:
            self.file(graphs.weights)
        return flavour, self.file(graphs.encoder), self.file(graphs.decoder)

    def default_flavour(self) -> str:
        """Return the flavour made for this machine, or fp32 where there is none."""
        return FLAVOUR_OF_MACHINE.get(platform.machine().lower(), "fp32")

    def vocabulary(self) -> Vocabulary:
        """Return the checked vocabulary.

        Raises:
            BundleError: the file is wrong, or has another number of words than the graphs.
        """
        vocabulary = Vocabulary.load(self.file("vocabulary.json"))
        if len(vocabulary) != self.manifest.sizes.words:
            raise BundleError(
                f"{self.folder} has {len(vocabulary)} words for {self.manifest.sizes.words}; copy it again"
            )
        return vocabulary

    def verify(self) -> None:
        """Check the manifest against its digest, every file, and that the settings go together.

        Raises:
            BundleError: naming the first that is wrong.
        """
        if not (self.folder / DIGEST).is_file():
            raise BundleError(f"{self.folder} has no {DIGEST}, so its manifest can't be checked; export it again")
        for name in self.manifest.files:
            self.file(name)
        if self.manifest.decoding.language not in self.manifest.languages:
            raise self._foreign_manifest(f"speaks {self.manifest.decoding.language!r} by default, but not at all")
        vocabulary, others = self.vocabulary(), set(self.manifest.languages) - {self.manifest.decoding.language}
        if mute := sorted(language for language in others if vocabulary.start(language) == START):
            raise self._foreign_manifest(f"speaks {mute[0]!r}, for which the vocabulary has no beginning")
        known = vocabulary.words
        if strange := [word for word in self.manifest.decoding.not_last if word not in known]:
            raise self._foreign_manifest(f"lets no sentence end with {strange[0]!r}, which the vocabulary lacks")

    def _foreign_manifest(self, how: str) -> BundleError:
        return BundleError(f"{self.folder / MANIFEST} {how}; copy the whole bundle again")


def check_shapes(graph: Path, actual: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    """Compare a graph's inputs and outputs with those that the manifest's sizes mean.

    Raises:
        BundleError: they have other names, another order, or a size that the graph does not leave open differs.
    """
    if list(actual) != list(expected):
        raise _foreign(graph, f"has {', '.join(actual)}, not {', '.join(expected)}")
    for name, shape in expected.items():
        if len(shape) != len(actual[name]) or any(
            ours != theirs for ours, theirs in zip(shape, actual[name], strict=True) if None not in (ours, theirs)
        ):
            raise _foreign(graph, f"has {name} of shape {actual[name]}, not {shape}")


def _foreign(graph: Path, how: str) -> BundleError:
    return BundleError(f"{graph} is not the graph that {MANIFEST} describes ({how}); copy the whole bundle again")


def folder_of(bundle: Path | None) -> Path:
    """Return the folder of a bundle that ships, by its name, or of any other; the default's if None."""
    return DEFAULT if bundle is None else BUNDLES.get(str(bundle), bundle)


def open_bundle(bundle: Path | None = None) -> Bundle:
    """Read a bundle's manifest.

    Args:
        bundle: its folder, or the name of one that ships; the default if None.

    Raises:
        BundleError: there is none, or it is of another version or preprocessing.
    """
    folder = folder_of(bundle)
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        check_digest(folder / DIGEST, digest)
        text = decode_text(data)
        schema = decode_json(text, dict[str, Any]).get("schema")
        if schema != SCHEMA:
            raise BundleError(f"{path} has schema {schema} and this program reads {SCHEMA}; use a bundle made for it")
        manifest = decode_json(text, Manifest)
    except OSError as error:
        raise BundleError(
            f"{folder} is not a bundle ({MANIFEST}: {error.strerror}); give {', '.join(BUNDLES)}, or a bundle's folder"
        ) from error
    except (UnicodeError, msgspec.DecodeError) as error:
        raise BundleError(f"{path} is damaged ({error}); copy the whole bundle again") from error
    if manifest.preprocessing != preprocess.NAME:
        raise BundleError(
            f"{path} wants preprocessing {manifest.preprocessing}, not {preprocess.NAME}; update the program"
        )
    if manifest.confidence and len(manifest.confidence.regions) not in (0, manifest.sizes.region):
        raise BundleError(f"{path} has a confidence of other regions than the graphs; copy the whole bundle again")
    return Bundle(folder, manifest, digest)


def check_digest(file: Path, digest: str) -> None:
    """Compare the manifest's digest with the one that was written beside it; bundles before version 6 have none.

    Raises:
        BundleError: they differ.
    """
    if file.is_file() and file.read_bytes() != digest_line(digest):
        manifest = file.parent / MANIFEST
        raise BundleError(f"{manifest} is not what {file.name} says (altered); copy the whole bundle again")


def digest_line(digest: str) -> bytes:
    """Return what `sha256sum manifest.json` prints of a manifest with this digest."""
    return f"{digest}  {MANIFEST}\n".encode()
