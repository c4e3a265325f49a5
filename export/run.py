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
from edge_caption.images.photos import read_photo
from edge_caption.model.bundle import Decoding
from edge_caption.model.caption import Caption
from edge_caption.model.confidence import Confidence
from edge_caption.model.preprocess import to_input
from export.confidence_fit import Learnt, fit_confidence
from export.flavours import FLAVOURS, REFERENCE, Flavours, check_kept, make_flavours
from export.job import Job
from export.judge import judge
from export.latency import Latency, time_flavours
from export.model_card import model_card
from export.noise import noisiest
from export.parity import Parity, prove_parity
from export.qdq import convolutions
from export.quality import Prover, Quality, Score, gate
from export.report import Report
from export.running import prove_running
from export.to_onnx import to_onnx
from export.write_bundle import Contents, replacing, sizes_of, write_bundle
from training.data.captioned_photos import CaptionedPhoto, files_of
from training.data.words import never_last, words_of
from training.scoring.scores import parts_of

PARITY_PHOTOS = 20

STRANGE_SHARE, STRANGE_LEAST = 6, 5
"""The confidence sees a strange picture for so many dev photos, and one of each kind at least."""

LEARNT = 3000
"""Photos of each source that the confidence learns from what the captioner is good at."""

CONFIDENCE_BEAM = 3
"""The beam that the confidence is fitted to beside greedy; one fit serves all."""


@dataclass(frozen=True)
class Graphs:
    """A checkpoint as fp32 graphs, which say what it says, and what INT8 flavours are made from."""

    encoder: ModelProto
    decoder: ModelProto
    photos: Sequence[Path]
    """That they were calibrated with."""
    parity: Parity
    table: Table


@dataclass(frozen=True)
class Measured:
    """What the flavours say and cost, of those that passed the gate."""

    quality: Quality
    confidence: Confidence
    latency: Mapping[str, Latency]
    judged: Mapping[str, Any]
    """Beside the bundle that was adapted, for the manifest."""


def export(job: Job, scores: Mapping[str, Score], progress: Progress) -> Report:
    """Make, prove and write a bundle; nothing is written unless every proof holds.

    Each step takes what the step before has checked, so nothing is looked at twice.

    Args:
        scores: language -> what scores the sentences about `job.dev`'s photos.

    Raises:
        EdgeCaptionError: one of several kinds, each with one sentence that says what is wrong.
    """
    job.check()
    graphs = _convert(job, progress)
    model = make_flavours(graphs.encoder, graphs.decoder, graphs.table, job.made, job.kept, job.decoder_bits)
    runs_as = {name: prove_running(model, name, job.kept) for name in job.made if name != REFERENCE}
    contents = _contents(job, model, graphs.table)
    with tempfile.TemporaryDirectory() as proving:
        write_bundle(contents, job.made, "", Path(proving))
        measured = _measure(job, Path(proving), scores, progress, _blame(job, graphs))
    trained_on = {**contents.trained_on, **measured.judged}
    proved = replace(contents, quality=measured.quality, confidence=measured.confidence, trained_on=trained_on)
    with replacing(job.out) as fresh:
        write_bundle(proved, job.flavours, model_card(proved, job.flavours, graphs.parity), fresh)
    sizes = {name: model.size(name) for name in job.made}
    return Report(graphs.parity, runs_as, measured.quality, measured.confidence, measured.latency, sizes)


def _convert(job: Job, progress: Progress) -> Graphs:
    """Turn the checkpoint into graphs, prove that they say the same, and calibrate them.

    A table and names that were given are looked at before the work on photos.
    """
    encoder, decoder = to_onnx(job.checkpoint.model)
    check_kept(encoder, job.kept)
    given = load_table(job.calibration) if job.calibration else None
    if given:
        given.check(encoder, decoder)
    photos = sample(files_of(job.train), job.calibration_photos)
    compared = progress(photos[:PARITY_PHOTOS], "comparing with torch")
    parity = prove_parity(job.checkpoint.model, encoder, decoder, compared)
    table = given or calibrate(encoder, decoder, photos, job.method, progress)
    return Graphs(encoder, decoder, photos, parity, table)


def _measure(
    job: Job, bundle: Path, scores: Mapping[str, Score], progress: Progress, blame: Callable[[str], list[str]]
) -> Measured:
    """Caption dev with every flavour; the gate is asked as soon as the first language is scored."""
    prove = Prover(bundle, job.dev, scores, progress)
    said = {name: prove.caption(name, job.language) for name in job.made}
    quality = prove.measure(said, job.language)
    gate(quality, job.gate, blame)
    for language in job.checkpoint.languages[1:]:
        figures = prove.measure({name: prove.caption(name, language) for name in job.made}, language)
        quality = {name: {**of, language: figures[name]} for name, of in quality.items()}
    return Measured(
        quality,
        confidence=_confidence(job, prove, said[job.flavours[0]]),
        latency=time_flavours(bundle, {name: FLAVOURS[name] for name in job.made}, job.checkpoint.model.size.side),
        judged=_judged(job, bundle, progress),
    )


def _confidence(job: Job, prove: Prover, greedy: Sequence[Caption]) -> Confidence:
    """Fit the confidence of the first flavour in the first language, given its greedy captions of dev."""
    flavour, language = job.flavours[0], job.language
    photos = job.dev[language]
    count = max(STRANGE_LEAST, len(photos) // STRANGE_SHARE)
    return fit_confidence(
        {1: greedy, CONFIDENCE_BEAM: prove.caption(flavour, language, CONFIDENCE_BEAM)},
        [photo.captions for photo in photos],
        {beam: prove.caption_strange(flavour, language, beam, count) for beam in (1, CONFIDENCE_BEAM)},
        {name: places for name, (_, places) in parts_of(photos).items()},
        _learnt(job, prove),
    )


def _learnt(job: Job, prove: Prover) -> Learnt:
    """Caption up to LEARNT photos of each source that people wrote of, which the captioner learnt from.

    Where people wrote of none, models' sentences judge.
    """
    spoken = [photo.by_people() for photo in job.train if photo.language == job.language]
    by_people = [photo for photo in spoken if all(source.written_by == "people" for source in photo.sources)]
    by_source: dict[str, list[CaptionedPhoto]] = {}
    for photo in by_people or spoken:
        by_source.setdefault(photo.origin, []).append(photo)
    photos = [photo for some in by_source.values() for photo in some[:: -(-len(some) // LEARNT)]]
    said = prove.caption(job.flavours[0], job.language, photos=photos)
    return Learnt(said, [photo.captions for photo in photos])


def _judged(job: Job, bundle: Path, progress: Progress) -> dict[str, Any]:
    """Compare with the bundle that was adapted, where there is one; return what goes into the manifest."""
    if job.before is None or not job.test:
        return {}
    verdict = judge(bundle, job.before, job.test, progress)
    if not job.force:
        verdict.check()
    return {"judged": {"photos": verdict.photos, "cider_before": verdict.before, "cider": verdict.after}}


def _blame(job: Job, graphs: Graphs) -> Callable[[str], list[str]]:
    def blame(flavour: str) -> list[str]:
        def quantize(kept: Collection[str]) -> ModelProto:
            made = make_flavours(graphs.encoder, graphs.decoder, graphs.table, (flavour,), [*job.kept, *kept])
            return made.graphs[FLAVOURS[flavour].encoder]

        names = [name for name in convolutions(graphs.encoder) if name not in job.kept]
        side = job.checkpoint.model.size.side
        images = [to_input(read_photo(photo), side) for photo in graphs.photos[:PARITY_PHOTOS]]
        return noisiest(graphs.encoder, names, quantize, images)

    return blame


def _contents(job: Job, model: Flavours, table: Table) -> Contents:
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
        decoding=Decoding(not_last=_not_last(job), specific=job.specific, sure=job.sure),
    )


def _not_last(job: Job) -> tuple[str, ...]:
    """Return the words that the training sentences never end with, as far as the captioner knows them."""
    known = set(job.checkpoint.vocabulary.words)
    return tuple(
        word for word in never_last(words for photo in job.train for words in words_of(photo)) if word in known
    )
