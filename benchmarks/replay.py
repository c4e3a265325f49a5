"""What a flavour says of photos, and which words it would choose in sentences that another flavour said.

A program that needs nothing but the wheel, so that `scripts/arm python` can run it too, on an emulated processor:

    python benchmarks/replay.py < job.json > said.json
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from edge_caption.images.photos import read_photo
from edge_caption.model.backends.onnx import OnnxSession
from edge_caption.model.bundle import open_bundle
from edge_caption.model.decoder import Decoder, greedy
from edge_caption.model.encoder import Encoder, Seen
from edge_caption.model.preprocess import to_input


class Job(msgspec.Struct, frozen=True):
    """What to say, and of what."""

    bundle: str
    flavour: str
    photos: Sequence[str]
    sentences: Sequence[tuple[int, ...]] | None = None
    """Tokens of the sentence to go along with, one a photo; what it says itself if None."""


class Said(msgspec.Struct, frozen=True):
    """What came of one photo."""

    pixels: str
    """SHA-256 of the encoder's input."""
    encoding: str
    """SHA-256 of the encoder's outputs."""
    text: str
    tokens: tuple[int, ...]
    """Of its own sentence, greedy."""
    choices: tuple[int, ...]
    """The likeliest token at each step of the given sentence, whatever was chosen before; one more than its words."""
    log_probs: tuple[float, ...]
    """Natural logarithms of the probabilities of the given sentence's words."""


def replay(job: Job) -> list[Said]:
    """Caption each photo, then go along with its sentence.

    Raises:
        EdgeCaptionError: a photo or the bundle can't be used.
    """
    opened = open_bundle(Path(job.bundle))
    _, encoder_file, decoder_file = opened.graphs(job.flavour)
    vocabulary, decoding = opened.vocabulary(), opened.manifest.decoding
    language, joiner = opened.manifest.speak(None)
    encoder = Encoder(OnnxSession(encoder_file, 1))
    not_last = vocabulary.encode(decoding.not_last)
    decoder = Decoder(OnnxSession(decoder_file, 1), vocabulary.start(language), vocabulary.special, not_last)
    said = []
    for number, photo in enumerate(job.photos):
        image = to_input(read_photo(Path(photo)), opened.manifest.sizes.side)
        seen = encoder(image)
        tokens = greedy(decoder, seen, decoding.max_words).tokens
        choices, log_probs = go_along(decoder, seen, job.sentences[number] if job.sentences else tokens)
        encoding = sha256(b"".join(part.tobytes() for part in (seen.regions, seen.keys, seen.state))).hexdigest()
        text = joiner.join(vocabulary.decode(tokens))
        said.append(Said(sha256(image.tobytes()).hexdigest(), encoding, text, tokens, choices, log_probs))
    return said


def go_along(decoder: Decoder, seen: Seen, sentence: Sequence[int]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the likeliest token at each step of T given words, T + 1, and the log-probabilities of the T."""
    state, choices, log_probs = seen.state, [], []
    for before, word in zip((decoder.start, *sentence), (*sentence, None), strict=True):
        scores, state, _ = decoder.step(np.array([before], np.int64), state, seen)
        choices.append(int(scores[0].argmax()))
        if word is not None:
            log_probs.append(float(scores[0, word]))
    return tuple(choices), tuple(log_probs)


def main() -> None:
    """Run the job on stdin."""
    sys.stdout.buffer.write(msgspec.json.encode(replay(msgspec.json.decode(sys.stdin.buffer.read(), type=Job))))


if __name__ == "__main__":
    main()
