"""Speed and memory with photographs: `python -m bench.photographs FOLDER`, lines of Markdown.

FOLDER holds the Grocery Store photographs as `bench.picture_sets` names them. A thousand of them
are brought to 500 x 500 pixels and saved as JPEG.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import click
import numpy as np
from PIL import Image

from bench.child import likewise, peak_mib, python, run
from bench.cold import IMPORTS
from bench.command import Benchmark
from bench.floors import CORES, BareLiteRT, fastest, flat_index, over_the_cores
from bench.measure import Figure, compare, figure, seconds
from embedder.data.sources import load, records
from embedder.model import Embedder
from embedder.transfer.train import transfer
from index.decision import CheckOptions
from likewise.building import build
from likewise.bulk.stream import check_stream, embed_stream
from likewise.matcher import Matcher
from likewise.output.rows import json_line

COUNT, SIDE, K = 1000, 500, 5
ROUNDS = 3
READING = "ai_edge_litert.interpreter.Interpreter(model_path={!r}).allocate_tensors()"


class Photographs:
    """A thousand photographs as files, and a gallery of them."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.folder = folder
        train = source / "grocery" / "train"
        files = sorted(train.rglob("*.jpg"))
        if not files:
            raise click.UsageError(f"There are no photographs (*.jpg) in {train}.")
        self.paths = []
        for place in np.linspace(0, len(files) - 1, COUNT).astype(int).tolist():
            file = files[place]
            path = folder / "photographs" / file.parent.name / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.open(file).convert("RGB").resize((SIDE, SIDE)).save(path, quality=90)
            self.paths.append(path)

    @property
    def data(self) -> Path:
        """The folder of the photographs, in one folder for each kind."""
        return self.folder / "photographs"

    @cached_property
    def gallery(self) -> Path:
        """A gallery of them, by the photos model."""
        path = self.folder / "photographs.gallery"
        build(path, str(self.data), "photos").close()
        return path

    def listed(self, times: int) -> Path:
        """A list of the photographs, each under several ids."""
        path = self.folder / f"{times}.jsonl"
        with path.open("w") as file:
            for turn in range(times):
                for photograph in self.paths:
                    id = f"{turn}/{photograph.parent.name}/{photograph.name}"
                    row = {"path": str(photograph), "id": id, "label": photograph.parent.name}
                    file.write(json.dumps(row) + "\n")
        return path


@click.command(cls=Benchmark)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, type=click.Choice(["train", "check", "cold", "memory"]))
def main(folder: Path, names: tuple[str, ...]) -> None:
    """Measure with the photographs in FOLDER, or only the figures with these NAMES."""
    print("| figure | ours | floor | ratio | bar | |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="likewise-bench-") as work:
        photographs = Photographs(folder, Path(work))
        for name, figures in FIGURES.items():
            if name in (names or FIGURES):
                for row in figures(photographs):
                    print(_line(row), flush=True)


def _train(photographs: Photographs) -> Iterator[Figure]:
    """Training as a whole, beside embedding the same files three times."""
    embedder = Embedder.load("photos")

    def ours() -> None:
        with tempfile.TemporaryDirectory(dir=photographs.folder) as folder:
            transfer(load(photographs.data, keep=False), Path(folder) / "model")

    def floor() -> None:
        for _ in range(3):
            for _ in embed_stream(embedder, records(photographs.data)):
                pass

    times, floors = compare(ours, floor, 1)
    note = "floor: embedding them three times"
    yield figure(f"train {COUNT:,} photographs", "s", times, floors, "<= 2", note)


def _check(photographs: Photographs) -> Iterator[Figure]:
    """From paths to lines of JSON, beside decoding and scaling, embedding and searching alone."""
    paths, embedder = photographs.paths, Embedder.load("photos")
    side = embedder.input_shape[0]
    images = _scaled(paths, side)
    network = embedder.path / "model.tflite"
    litert = fastest(
        [
            BareLiteRT(network, batch, workers, CORES // workers)
            for batch in (1, 4, 16, 32)
            for workers in sorted({1, CORES})
        ],
        images[:192],
        rounds=3,
    )
    index = flat_index(litert(images))

    with Matcher.open(photographs.gallery) as matcher:

        def ours() -> None:
            for row in check_stream(matcher, records(photographs.data), CheckOptions(k=K)):
                json_line(row)

        def floor() -> float:
            decoding = over_the_cores(lambda: _scaled(paths, side))
            return decoding + seconds(lambda: index.search(litert(images), K))

        ours()
        floor()
        rounds = [(seconds(ours), floor()) for _ in range(ROUNDS)]
    times, floors = (list(column) for column in zip(*rounds, strict=True))
    note = f"floor: Pillow in one thread ÷ cores + LiteRT ({litert.layout}) + IndexFlatL2.search"
    yield figure(f"check {COUNT:,} photographs", "s", times, floors, "<= 1.2", note)


def _scaled(paths: list[Path], side: int) -> np.ndarray:
    """Pillow alone, one file after the other, in one thread."""
    resized = (Image.open(path).resize((side, side), Image.Resampling.BILINEAR) for path in paths)
    return np.stack([np.asarray(image) for image in resized])


def _cold(photographs: Photographs) -> Iterator[Figure]:
    """One query as a new process, beside one that imports the libraries and opens the model."""
    ours = likewise("query", photographs.gallery, photographs.paths[0])
    network = str(Embedder.load("photos").path / "model.tflite")
    floor = python(f"{IMPORTS}; {READING.format(network)}")
    times, floors = compare(lambda: run(ours), lambda: run(floor), 15)
    note = f"floor: python -c '{IMPORTS}; {READING.format('MODEL')}'"
    yield figure("query one photograph, cold process", "s", times, floors, "<= 1.5", note)


def _memory(photographs: Photographs) -> Iterator[Figure]:
    """Peak memory with ten times as many photographs."""
    lists = [photographs.listed(times) for times in (1, 10)]

    def built(source: Path) -> list[str]:
        gallery = source.with_suffix(".gallery")
        return likewise("build", gallery, source, "--model", "photos")

    def checked(source: Path) -> list[str]:
        return likewise("check", photographs.gallery, source, "-o", source.with_suffix(".rows"))

    commands: dict[str, Callable[[Path], list[str]]] = {"build": built, "check": checked}
    for name, command in commands.items():
        few, many = (peak_mib(command(source)) for source in lists)
        words = f"peak memory, {name} of {10 * COUNT:,} photographs"
        yield figure(words, "MiB", [many], [few], "<= 1.1", f"floor: of {COUNT:,}")


FIGURES: dict[str, Callable[[Photographs], Iterator[Figure]]] = {
    "train": _train,
    "check": _check,
    "cold": _cold,
    "memory": _memory,
}


def _line(row: Figure) -> str:
    ours, floor = (f"{value:.4g} {row.unit}" for value in (row.value, row.floor or 0))
    return f"| {row.figure} | {ours} | {floor} | {row.ratio:.2f} | {row.bar} | {row.note} |"


if __name__ == "__main__":
    main()
