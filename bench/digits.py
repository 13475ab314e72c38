"""Digits of other writers and scanners: `python -m bench.digits zip.test.gz [--model DIR]`.

The 2,007 USPS test digits (16 x 16, from the file that is named) and the 1,797 of UCI (8 x 8, in
scikit-learn) are written as PNG files, ink on paper, 40 x 40 within 64 x 64, and checked against
MNIST's 60,000 training digits at the model's default threshold. Then some of UCI's are enrolled,
and the others asked. They are never for training or for choosing. One line of JSON for each.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

from bench.command import Benchmark
from bench.elsewhere import on_paper
from bench.strangers import strangers
from embedder.data.sources import Record, records
from embedder.model import Embedder
from index.decision import Decision
from likewise.matcher import Matcher

ENROLLED = (20, 400)
SEED = 1

Inks = npt.NDArray[np.float64]  # (n, h, w), 0 paper to 1 ink


@click.command(cls=Benchmark)
@click.argument("usps", type=click.Path(exists=True, path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="[default: the shipped one]")
def main(usps: Path, model: Path | None) -> None:
    """Measure."""
    embedder = Embedder.load(model)
    with tempfile.TemporaryDirectory(prefix="likewise-digits-") as name:
        folder = Path(name)
        with Matcher.create(folder / "gallery", embedder) as matcher:
            matcher.add(records("mnist/train"))
            _tell("MNIST test", _shares(matcher, list(records("mnist/test"))))
            for kind, pictures in strangers().items():
                near = matcher.check(pictures)
                matched = np.mean([decision.decision == "match" for decision in near])
                _tell(kind, {"pictures": len(pictures), "matched": round(float(matched), 4)})
            _tell("USPS", _shares(matcher, _written(folder / "usps", *_usps(usps))))
            others = _written(folder / "uci", *_uci())
            _tell("UCI", _shares(matcher, others))
            order = np.random.default_rng(SEED).permutation(len(others))
            for count in ENROLLED:
                matcher.add([others[row] for row in order[:count]])
                asked = [others[row] for row in order[count:]]
                _tell(f"UCI, {count} enrolled", _shares(matcher, asked))


def _usps(path: Path) -> tuple[Inks, list[str]]:
    """Rows of a label and 256 values from -1 to 1."""
    try:
        rows = np.loadtxt(path)
    except ValueError as error:
        raise click.UsageError(f"Expected rows of 257 numbers in {path}: {error}.") from error
    return (rows[:, 1:].reshape(-1, 16, 16) + 1) / 2, [str(int(label)) for label in rows[:, 0]]


def _uci() -> tuple[Inks, list[str]]:
    digits = load_digits()
    return digits.images / 16, [str(label) for label in digits.target]


def _written(folder: Path, inks: Inks, labels: Sequence[str]) -> list[Record]:
    """Write PNG files, and give them as labelled records."""
    folder.mkdir()
    for row, ink in enumerate(inks):
        digit = 255 - np.rint(255 - 255 * ink).astype(np.uint8)
        on_paper(digit, 64).save(folder / f"{folder.name}-{row:04d}.png")
    read = sorted(records(folder), key=lambda record: record.id)
    return [Record(r.id, label, r.image) for r, label in zip(read, labels, strict=True)]


def _shares(matcher: Matcher, asked: Sequence[Record]) -> dict[str, float]:
    decisions = matcher.check(list(asked))
    pairs = [(d, record.label) for d, record in zip(decisions, asked, strict=True)]
    return {
        "pictures": len(asked),
        "right": _share([d.decision == "match" and d.label == label for d, label in pairs]),
        "wrong": _share([d.decision == "match" and d.label != label for d, label in pairs]),
        "nearest right": _share([_nearest(d) == label for d, label in pairs]),
    }


def _nearest(decision: Decision) -> str | None:
    return decision.neighbours[0].label if decision.neighbours else None


def _share(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 4)


def _tell(name: str, figures: dict[str, float]) -> None:
    click.echo(json.dumps({"pictures of": name, **figures}))


if __name__ == "__main__":
    main()
