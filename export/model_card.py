"""MODEL_CARD.md: the bundle for people (after Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from calibration.table import Table
from edge_caption.model.confidence import Confidence
from export.flavours import REFERENCE
from export.parity import Parity
from export.write_bundle import Contents
from training.languages import LANGUAGES
from training.model.backbones import BACKBONES
from training.model.caption_model import Dimensions

USES = """\
It says in one sentence ({languages}) what a photograph or camera frame shows. It is small enough for a device: the
photo never has to leave it.

## Limits

- It knows {words} words and the kinds of scenes of its training photos; of anything else it says the nearest thing it
  knows, fluently and wrong. Its confidence was measured on photos like those; of others it may say anything.
- Its figures below are for photos like those it was trained on. Expect less in the dark, of odd angles, of small or
  many things.
- People wrote the training sentences: their habits and prejudices, of sex and age above all, are in its sentences.
- Not for decisions about people, nor where somebody could come to harm by a wrong sentence."""


def model_card(contents: Contents, flavours: Sequence[str], parity: Parity) -> str:
    """Write the card."""
    sections = [
        f"# {contents.name} {contents.version}",
        USES.format(words=len(contents.vocabulary), languages=", ".join(contents.languages)),
        _training(contents.trained_on),
        _figures(contents.quality, flavours),
        *([_confidence(contents.confidence)] if contents.confidence else []),
        _making(contents.table, parity),
        _licence(contents.trained_on),
    ]
    return "\n\n".join(sections) + "\n"


def _training(trained_on: Mapping[str, Any]) -> str:
    size = msgspec.convert(trained_on.get("recipe", {}).get("model", {}), Dimensions)
    return (
        f"## Training\n\n{_data(trained_on)}"
        f"- Backbone: {size.encoder}, which began with {BACKBONES[size.encoder].origin} ImageNet weights.\n"
        f"- Decoder: {size.cell.upper()} with additive attention over {size.grid}x{size.grid} regions. "
        "The whole recipe is in manifest.json."
    )


def _data(trained_on: Mapping[str, Any]) -> str:
    """Say what the weights were made from, and then what the checkpoint was that they began with."""
    photos, captions = trained_on.get("photos", "?"), trained_on.get("captions", "?")
    before = _data(trained_on["started_from"]) if "started_from" in trained_on else ""
    terms = f"- Terms of the data: {trained_on.get('terms', 'not stated')}.\n"
    now = f"- Data: {trained_on.get('data', 'not stated')}, {photos} photos with {captions} sentences.\n"
    now += _sources(trained_on["sources"]) if "sources" in trained_on else terms
    return now if before.startswith(now) else now + before


def _sources(sources: Sequence[Mapping[str, Any]]) -> str:
    """List the sources of a mixture."""
    columns = ("name", "language", "written_by", "photos", "captions", "terms")
    rows = [f"| {' | '.join(str(source[column]) for column in columns)} |\n" for source in sources]
    head = "| source | language | sentences written by | photos | sentences | terms |\n|---|---|---|---|---|---|\n"
    return f"\n{head}{''.join(rows)}\n"


def _figures(quality: Mapping[str, dict[str, Any]], flavours: Sequence[str]) -> str:
    shown = [REFERENCE, *(flavour for flavour in flavours if flavour != REFERENCE)]
    photos = quality[REFERENCE]["photos"]
    rows = [
        f"| {flavour} | {of['cider']:.3f} | {of['bleu_4']:.3f} | {of['same_as_fp32']:.1%} |"
        for flavour, of in quality.items()
        if flavour in shown
    ]
    rows += [
        f"| {flavour}, {language} | {of['cider']:.3f} | {of['bleu_4']:.3f} | {of['same_as_fp32']:.1%} |"
        for flavour, figures in quality.items()
        for language, of in figures.items()
        if flavour in shown and language in LANGUAGES
    ]
    return (
        "## Figures\n\n"
        f"Measured by the export through these very graphs: greedy decoding, {photos} dev photos (coco-caption).\n\n"
        "| flavour | CIDEr | BLEU-4 | same sentence as fp32 |\n|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
    ) + _sets(quality, shown)


def _sets(quality: Mapping[str, dict[str, Any]], flavours: Sequence[str]) -> str:
    """Say of each set of dev photos how good the captions are, and whether people are named where they are."""
    rows = [
        f"| {flavour} | {name} | {of['photos']} | {_number(of.get('cider'))} | {_rate(of['people']['found'])} | "
        f"{_rate(of['people']['invented'])} |"
        for flavour, figures in quality.items()
        for name, of in figures.get("sets", {}).items()
        if flavour in flavours and "people" in of
    ]
    return (
        "People found: of the photos of which most references name people, the share whose caption does. People\n"
        "invented: of the photos of which no reference does, the share whose caption does all the same.\n\n"
        "| flavour | dev set | photos | CIDEr | people found | people invented |\n|---|---|---|---|---|---|\n"
        + "\n".join(rows)
    )


def _number(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def _rate(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "-"
    low, high = share["interval_95"]
    return f"{share['share']:.1%} ({low:.0%} to {high:.0%}) of {share['photos']}"


def _confidence(confidence: Confidence) -> str:
    rows = [
        f"| {name.replace('_', ' ')} | {of['captions']} | {of['right']:.1%} | {of['mean_confidence']:.1%} | "
        f"{of['ece']:.3f} | {of['brier']:.3f} | {'-' if of['auroc'] is None else format(of['auroc'], '.3f')} |"
        for name, of in confidence.figures.items()
    ]
    return (
        "## Confidence\n\n"
        "A caption's confidence is the probability that it is right, where right means: it\n"
        f"{confidence.meaning}. That is a rule that a program can check, not a person's\n"
        "judgement. Measured on dev photos that each fit had not seen (5 folds):\n\n"
        "| search | captions | right | mean confidence | ECE | Brier | AUROC |\n|---|---|---|---|---|---|---|\n"
        + "\n".join(rows)
    )


def _making(table: Table, parity: Parity) -> str:
    return (
        "## Making\n\n"
        f"- The fp32 graphs match the checkpoint within {max(parity.encoder, parity.decoder):.0e}, with equal words, "
        f"on {parity.photos} photos.\n"
        f"- INT8 ranges: {table.method} over {table.photos} training photos (calibration.json)."
    )


def _licence(trained_on: Mapping[str, Any]) -> str:
    return (
        "## Licence of the weights\n\n"
        "Apache-2.0, like the program, as far as they are ours to license. They were made from photos and sentences\n"
        f"under these terms: {trained_on.get('terms', 'not stated')};\n"
        "and from ImageNet weights. Whether such terms bind a model is not settled everywhere: train on your own data\n"
        "where that matters."
    )
