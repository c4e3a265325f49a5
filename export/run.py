"""The whole export: checkpoint -> graphs -> calibration -> flavours -> proofs -> bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onnx import ModelProto

from calibration.calibrate import Progress, calibrate
from calibration.sampling import sample
from calibration.table import Table, load_table
from edge_caption.errors import ConfigError
from edge_caption.images.photos import read_photo
from edge_caption.model.backends import BACKENDS
from edge_caption.model.bundle import Decoding
from edge_caption.model.caption import Caption
from edge_caption.model.confidence import Confidence
from edge_caption.model.preprocess import to_input
from export.confidence_fit import fit_confidence
from export.flavours import FLAVOURS, REFERENCE, Model, check_kept, graphs_of, make_flavours
from export.fusion import prove_fusion
from export.judge import judge
from export.latency import time_flavours
from export.lint import prove_accepted, prove_built
from export.model_card import model_card
from export.noise import noisiest
from export.parity import prove_parity
from export.qdq import convolutions
from export.quality import Prover, Score, gate
from export.report import Report
from export.to_onnx import to_onnx
from export.write_bundle import Contents, check_target, replacing, sizes_of, write_bundle
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.words import never_last, words_of
from training.model.checkpoint import Checkpoint
from training.scoring.scores import parts_of

PARITY_PHOTOS = 20

STRANGE_SHARE, STRANGE_LEAST = 6, 5
"""The confidence sees a strange picture for so many dev photos, and one of each kind at least."""

CONFIDENCE_BEAM = 3
"""The beam that the confidence is fitted to beside greedy; one fit serves all."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to export, and how."""

    checkpoint: Checkpoint
    train: Sequence[CaptionedPhoto]
    """Calibration takes a sample of them."""
    dev: Mapping[str, Sequence[CaptionedPhoto]]
    """Language -> what the flavours are scored on; the gate and the confidence look at the checkpoint's first."""
    out: Path
    name: str
    version: str
    flavours: Sequence[str]
    """Which go into the bundle; fp32 is made besides, for it is what they are measured against."""
    method: str
    calibration_photos: int
    calibration: Path | None
    """A table made before, to be used again."""
    gate: float
    """CIDEr that a flavour may lose against fp32."""
    before: Path | None = None
    """The bundle that the checkpoint adapts, to be compared with."""
    test: Sequence[CaptionedPhoto] = ()
    """Photos that chose nothing, for that comparison."""
    force: bool = False
    """Write what is worse than `before`, too."""
    specific: float = 0.0
    """The bundle's default; all figures are measured with it."""
    kept: Sequence[str] = ()
    """Convolutions of the encoder that stay in float."""
    decoder_bits: int = 8
    """Of a weight of the decoder for processors and of trt's: 8 or 4."""


def export(job: Job, scores: Mapping[str, Score], progress: Progress) -> Report:
    """Make, prove and write a bundle; nothing is written unless every proof holds.

    Args:
        scores: language -> what scores the sentences about `job.dev`'s photos.

    Raises:
        EdgeCaptionError: one of several kinds, each with one sentence that says what is wrong.
    """
    if unknown := sorted(set(job.flavours) - set(FLAVOURS)):
        raise ConfigError(f"there is no flavour {unknown[0]}; choose of: {', '.join(FLAVOURS)}")
    first, *others = job.checkpoint.languages
    if missing := sorted({first, *others} - set(job.dev)):
        raise ConfigError(f"the checkpoint speaks {missing[0]}; give --captions {missing[0]}=FILE too, to score that")
    check_target(job.out)
    photos = sample(files_of(job.train), job.calibration_photos)
    given = load_table(job.calibration) if job.calibration else None
    encoder, decoder = to_onnx(job.checkpoint.model)
    check_kept(encoder, job.kept)
    if given:
        given.check(encoder, decoder)
    parity = prove_parity(
        job.checkpoint.model, encoder, decoder, progress(photos[:PARITY_PHOTOS], "comparing with torch")
    )
    table = given or calibrate(encoder, decoder, photos, job.method, progress)
    made = tuple(dict.fromkeys((REFERENCE, *job.flavours)))
    contents = _contents(job, make_flavours(encoder, decoder, table, made, job.kept, job.decoder_bits), table)
    runs_as = {name: _prove_running(contents.model, name, job.kept) for name in made if name != REFERENCE}
    with tempfile.TemporaryDirectory() as folder:
        proving = Path(folder)
        write_bundle(contents, made, "", proving)
        prove = Prover(proving, job.dev, scores, progress)
        said = {name: prove.caption(name, first) for name in made}
        confidence = _confidence(job, prove, said[job.flavours[0]])
        latency = time_flavours(proving, {name: FLAVOURS[name] for name in made}, job.checkpoint.model.size.side)
        quality = prove.measure(said, first)
        gate(quality, job.gate, _blame(job, encoder, decoder, table, photos[:PARITY_PHOTOS]))
        for language in others:
            figures = prove.measure({name: prove.caption(name, language) for name in made}, language)
            quality = {name: {**of, language: figures[name]} for name, of in quality.items()}
        contents = replace(contents, trained_on=contents.trained_on | _judged(job, proving, progress))
    contents = replace(contents, quality=quality, confidence=confidence)
    with replacing(job.out) as fresh:
        write_bundle(contents, job.flavours, model_card(contents, job.flavours, parity), fresh)
    return Report(parity, runs_as, quality, confidence, latency, {name: contents.model.size(name) for name in made})


def _confidence(job: Job, prove: Prover, greedy: Sequence[Caption]) -> Confidence:
    """Fit the confidence of the first flavour in the first language, given its greedy captions of dev."""
    flavour, language = job.flavours[0], job.checkpoint.languages[0]
    photos = job.dev[language]
    count = max(STRANGE_LEAST, len(photos) // STRANGE_SHARE)
    return fit_confidence(
        {1: greedy, CONFIDENCE_BEAM: prove.caption(flavour, language, CONFIDENCE_BEAM)},
        [photo.captions for photo in photos],
        {beam: prove.caption_strange(flavour, language, beam, count) for beam in (1, CONFIDENCE_BEAM)},
        {name: places for name, (_, places) in parts_of(photos).items()},
    )


def _judged(job: Job, bundle: Path, progress: Progress) -> dict[str, Any]:
    """Compare with the bundle that was adapted, where there is one; return what goes into the manifest."""
    if job.before is None or not job.test:
        return {}
    verdict = judge(bundle, job.before, job.test, progress)
    if not job.force:
        verdict.check()
    return {"judged": {"photos": verdict.photos, "cider_before": verdict.before, "cider": verdict.after}}


def _blame(
    job: Job, encoder: ModelProto, decoder: ModelProto, table: Table, photos: Sequence[Path]
) -> Callable[[str], list[str]]:
    def blame(flavour: str) -> list[str]:
        def quantize(kept: Collection[str]) -> ModelProto:
            made = make_flavours(encoder, decoder, table, (flavour,), [*job.kept, *kept])
            return made.graphs[FLAVOURS[flavour].encoder]

        names = [name for name in convolutions(encoder) if name not in job.kept]
        side = job.checkpoint.model.size.side
        return noisiest(encoder, names, quantize, [to_input(read_photo(photo), side) for photo in photos])

    return blame


def _contents(job: Job, model: Model, table: Table) -> Contents:
    checkpoint = job.checkpoint
    return Contents(
        name=job.name,
        version=job.version,
        model=model,
        table=table,
        vocabulary=checkpoint.vocabulary,
        sizes=sizes_of(checkpoint.model.size, len(checkpoint.vocabulary)),
        trained_on=checkpoint.trained_on,
        languages=checkpoint.languages,
        decoding=Decoding(not_last=_not_last(job), specific=job.specific),
    )


def _not_last(job: Job) -> tuple[str, ...]:
    """Return the words that the training sentences never end with, as far as the captioner knows them."""
    known = set(job.checkpoint.vocabulary.words)
    return tuple(
        word for word in never_last(words for photo in job.train for words in words_of(photo)) if word in known
    )


def _prove_running(model: Model, flavour: str, kept: Sequence[str]) -> list[str]:
    """Prove that what a flavour is made for runs it as meant; return what was seen, a line each."""
    encoder, decoder = ((name, model.graphs[name]) for name in graphs_of(flavour))
    if flavour in BACKENDS["tensorrt"].flavours:
        return _prove_tensorrt(encoder, decoder)
    fused = prove_fusion(encoder[1], encoder[0], kept) + prove_fusion(decoder[1], decoder[0])
    return [f"{count} {kind}" for kind, count in sorted(fused.items())]


def _prove_tensorrt(*graphs: tuple[str, ModelProto]) -> list[str]:
    for name, graph in graphs:
        prove_accepted(graph, name)
    built = {prove_built(graph, name) for name, graph in graphs}
    return [f"builds with {version}" if version else "passes the lint; not built" for version in built]
