"""Make tests/data/tiny_bundle: a captioner of some 150 kB, so that tests of the runtime need no torch.

    python -m scripts.make_tiny_bundle

It goes through the real export; only its backbone is another, with a thousandth of MobileNetV2's weights. It learns, in
a minute, to say of a drawn rectangle how large it is, of what colour, where, and on what: "a small red box at the left
on blue", or the same in Chinese. Of a photograph it says such a sentence too. The same machine makes the same bytes
again.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from calibration.calibrate import calibrate
from edge_caption.model.vocabulary import END, PAD, SPECIAL, Vocabulary, start_word
from export.flavours import REFERENCE, SHIPPED, make_flavours
from export.to_onnx import to_onnx
from export.write_bundle import Contents, replacing, sizes_of, write_bundle
from training.model.caption_model import CaptionModel, Dimensions

TARGET = Path(__file__).parent.parent / "tests" / "data" / "tiny_bundle"

SIZE = Dimensions(region=32, attention=16, hidden=48, embedding=32)

PLANES = 16

COLOURS = {
    "red": (200, 30, 30),
    "green": (40, 160, 50),
    "blue": (40, 60, 200),
    "yellow": (230, 210, 50),
    "black": (20, 20, 20),
    "white": (240, 240, 240),
    "grey": (128, 128, 128),
    "brown": (120, 80, 40),
}
WIDTHS = {"small": 50, "big": 100}
PLACES = {"left": 60, "middle": 112, "right": 164}

CHINESE = dict(
    zip(
        [*WIDTHS, *PLACES, *COLOURS],
        ["小", "大", "左边", "中间", "右边", "红色", "绿色", "蓝色", "黄色", "黑色", "白色", "灰色", "棕色"],
        strict=True,
    )
)

ENGLISH_WORDS = ("a", "box", "at", "the", "on", *WIDTHS, *PLACES, *COLOURS)
CHINESE_WORDS = ("一个", "方块", "的", "在", *CHINESE.values())
VOCABULARY = Vocabulary((*SPECIAL, start_word("zh"), *ENGLISH_WORDS, *CHINESE_WORDS))

LONGEST = 11
"""Tokens of a sentence: nine words, start and end."""

STEPS = 600
BATCH = 32
CALIBRATION_PHOTOS = 24


class Residual(nn.Module):
    """A depthwise convolution and a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(PLANES, PLANES, 3, padding=1, groups=PLANES)

    def forward(self, planes: Tensor) -> Tensor:
        """Keep the shape (B, PLANES, height, width)."""
        moved: Tensor = self.depthwise(planes)
        return planes + moved


def make_model() -> CaptionModel:
    """Build an untrained captioner with MobileNetV2's kinds of layers and next to none of its weights."""
    model = CaptionModel(SIZE, len(VOCABULARY))
    model.encoder.backbone = nn.Sequential(
        nn.Conv2d(3, PLANES, 8, stride=8),  # 224 -> 28
        nn.ReLU6(),
        Residual(),
        nn.Conv2d(PLANES, PLANES, 3, stride=4, padding=1),  # 28 -> 7
        nn.ReLU6(),
    )
    model.encoder.project = nn.Conv2d(PLANES, SIZE.region, 1)
    return model


@dataclass(frozen=True)
class Drawing:
    """A rectangle and what is to be said of it."""

    picture: NDArray[np.uint8]
    """Shape (side, side, 3)."""
    english: list[str]
    chinese: list[str]


def draw(random: np.random.Generator) -> Drawing:
    """Draw a rectangle of a random size, colour and place."""
    ground, colour = random.choice(list(COLOURS), 2, replace=False)
    width, place = random.choice(list(WIDTHS)), random.choice(list(PLACES))
    picture = np.full((SIZE.side, SIZE.side, 3), COLOURS[ground], np.int16)
    half, centre, height = WIDTHS[width] // 2, PLACES[place], int(random.integers(70, 154))
    picture[height - half : height + half, max(centre - half, 0) : centre + half] = COLOURS[colour]
    picture += random.integers(-20, 21, picture.shape, np.int16)
    chinese = [CHINESE[word] for word in (ground, place, width, colour)]
    return Drawing(
        picture.clip(0, 255).astype(np.uint8),
        f"a {width} {colour} box at the {place} on {ground}".split(),
        ["在", chinese[0], "的", chinese[1], "一个", chinese[2], chinese[3], "方块"],
    )


def draw_batch(random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw BATCH pictures: (BATCH, side, side, 3) and tokens of a sentence in each language (BATCH, 2, T)."""
    drawings = [draw(random) for _ in range(BATCH)]
    pictures = np.stack([drawing.picture for drawing in drawings])
    tokens = [[to_tokens("en", drawing.english), to_tokens("zh", drawing.chinese)] for drawing in drawings]
    return torch.from_numpy(pictures), torch.tensor(tokens)


def to_tokens(language: str, words: list[str]) -> list[int]:
    """Return a sentence with the language's start, END and padding to LONGEST."""
    tokens = [VOCABULARY.start(language), *VOCABULARY.encode(words), END]
    return tokens + [PAD] * (LONGEST - len(tokens))


def train(model: CaptionModel) -> None:
    """Teach it to say what was drawn."""
    random = np.random.default_rng(1)
    optimizer = torch.optim.Adam(model.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, STEPS)
    for _ in range(STEPS):
        pictures, tokens = draw_batch(random)
        inputs, targets = tokens[..., :-1], tokens[..., 1:]
        logits, _ = model.decoder.teach(model.encoder(pictures), inputs, targets != PAD)
        optimizer.zero_grad()
        functional.cross_entropy(logits, targets[targets != PAD]).backward()
        optimizer.step()
        schedule.step()


def draw_photos(folder: Path) -> list[Path]:
    """Write pictures to calibrate on."""
    random = np.random.default_rng(2)
    files = [folder / f"{index}.png" for index in range(CALIBRATION_PHOTOS)]
    for file in files:
        cv2.imwrite(str(file), draw(random).picture[..., ::-1])
    return files


def make_tiny_bundle(target: Path) -> None:
    """Write the bundle."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    model = make_model()
    train(model)
    encoder, decoder = to_onnx(model.eval())
    with tempfile.TemporaryDirectory() as folder:
        table = calibrate(encoder, decoder, draw_photos(Path(folder)), "minmax")
    contents = Contents(
        name="tiny",
        version="1",
        model=make_flavours(encoder, decoder, table),
        table=table,
        vocabulary=VOCABULARY,
        sizes=sizes_of(SIZE, len(VOCABULARY)),
        trained_on={"data": "drawn rectangles, for tests", "terms": "none"},
        languages=("en", "zh"),
    )
    card = "# tiny\n\nDescribes drawn rectangles, for tests. Made by `python -m scripts.make_tiny_bundle`.\n"
    with replacing(target) as fresh:
        write_bundle(contents, (REFERENCE, *SHIPPED), card, fresh)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser("python -m scripts.make_tiny_bundle", description="Make tests/data/tiny_bundle.")
    parser.add_argument("--out", type=Path, default=TARGET)
    make_tiny_bundle(parser.parse_args().out)


if __name__ == "__main__":
    main()
