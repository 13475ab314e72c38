"""Non-digit pictures by kind, for `open_set.py`, made differently from those in training.

Letters come from the typefaces that Matplotlib brings, photographs from scikit-learn; doodles are
smooth curves. Letters that a typeface draws like a digit are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]

LETTERS = "ACEFGHJKMNPRTUVWXYadefhkmnprtuvwxy"
LIKE_DIGITS = "BDILOQSZbcgijloqsz"  # 8 0 1 1 0 0 5 2 6 c=0 9 1 1 1 0 9 5 2
TYPEFACES = (
    "DejaVuSans",
    "DejaVuSans-Oblique",
    "DejaVuSerif",
    "DejaVuSansMono-Bold",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmtt10",
    "cmss10",
)
SIDE = 96
NOISES = DOODLES = 300
CROPS = 300


def strangers() -> dict[str, list[Picture]]:
    """Pictures of each kind: uint8 `(h, w)` or `(h, w, 3)`, of several sizes."""
    return {
        "letters": list(_letters()),
        "doodles": [_doodle(np.random.default_rng([1, seed])) for seed in range(DOODLES)],
        "photograph crops": list(_crops(np.random.default_rng(2))),
        "noise": [_noise(np.random.default_rng([3, seed])) for seed in range(NOISES)],
        "blank": [np.full((28, 28), grey, np.uint8) for grey in range(0, 256, 5)],
    }


def _letters() -> Iterator[Picture]:
    """Draw each letter dark on white in each typeface."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for face in TYPEFACES:
        font = ImageFont.truetype(str(folder / f"{face}.ttf"), 60)
        for letter in LETTERS:
            paper = Image.new("L", (SIDE, SIDE), 255)
            ImageDraw.Draw(paper).text((SIDE / 2,) * 2, letter, fill=0, font=font, anchor="mm")
            yield np.asarray(paper)


def _doodle(rng: np.random.Generator) -> Picture:
    """Draw a closed curve of a few waves, crossing itself, and one or two more beside it."""
    paper = Image.new("L", (SIDE, SIDE), 255)
    turn = np.linspace(0, 2 * np.pi, 200)
    for _ in range(rng.integers(2, 4)):
        waves = rng.normal(size=(2, 2, 5)) / np.arange(1, 6)  # (x or y, cos or sin, wave)
        angles = turn[:, None] * np.arange(1, 6)
        curve = [np.cos(angles) @ cosine + np.sin(angles) @ sine for cosine, sine in waves]
        spots = SIDE * (0.5 + 0.13 * np.stack(curve, axis=1)) + rng.normal(0, 6, 2)
        ImageDraw.Draw(paper).line([(x, y) for x, y in spots.tolist()], fill=0, width=5)
    return np.asarray(paper)


def _crops(rng: np.random.Generator) -> Iterator[Picture]:
    """Cut squares of several sizes out of two photographs."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    for crop in range(CROPS):
        photograph = photographs[crop % len(photographs)]
        side = int(rng.integers(28, 200))
        y, x = (int(rng.integers(length - side)) for length in photograph.shape[:2])
        yield photograph[y : y + side, x : x + side]


def _noise(rng: np.random.Generator) -> Picture:
    """Draw noise of one of four kinds: uniform, normal, salt and pepper, smoothed."""
    sort = rng.integers(4)
    if sort == 0:
        return rng.integers(0, 256, (28, 28)).astype(np.uint8)
    if sort == 1:
        return np.clip(rng.normal(128, rng.uniform(10, 60), (28, 28)), 0, 255).astype(np.uint8)
    if sort == 2:
        return np.where(rng.random((28, 28)) < rng.uniform(0.02, 0.3), 255, 0).astype(np.uint8)
    fine = Image.fromarray(rng.integers(0, 256, (9, 9)).astype(np.uint8))
    return np.asarray(fine.resize((28, 28), Image.Resampling.BICUBIC))
