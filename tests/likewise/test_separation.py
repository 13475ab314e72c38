"""Warnings of a threshold that misses most pictures, wherever it is used."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli import main
from embedder.manifest import read_manifest, write_manifest
from embedder.model import Embedder
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from likewise.building import build
from likewise.matcher import Matcher
from likewise.separation import warning

MISSED = "of known pictures are missed: the model does not separate these groups"


def point(missed):
    return OperatingPoint(threshold=0.5, mated=40, missed=missed, fnir=missed / 40)


def test_half_of_the_known_pictures_are_most():
    assert warning(point(19)) is None
    assert warning(OperatingPoint(threshold=0.5)) is None
    assert warning(OperatingPoint(threshold=0.5, fnir=0.5)) is not None  # as trainings write it
    sentence = warning(point(20))
    assert sentence is not None
    assert f"At the threshold 0.5000, 50 % {MISSED}" in sentence


@pytest.mark.parametrize(
    ("name", "missed", "warned"),
    [
        ("own", 19, []),
        ("own", 30, ["check", "info"]),
        ("fpir-0.01", 30, ["info"]),  # `calibrate` said so when it was asked for
    ],
)
def test_check_and_info_warn_of_the_threshold_in_use(gallery, fake, scans, name, missed, warned):
    with Matcher.open(gallery) as matcher:
        stored = replace(point(missed), rate="fpir", target=0.01, fpir=0.01)
        matcher.gallery.points.store(name, stored, unknown=np.zeros(1, "f4"), contents=[])
    for command, pictures in (("check", [str(scans / "00.png")]), ("info", [])):
        done = CliRunner().invoke(main, [command, str(gallery), *pictures])
        assert done.exit_code == 0, done.output
        assert (MISSED in done.output) == (command in warned)


def test_a_model_that_separates_nothing_is_warned_of_when_a_gallery_is_built(tmp_path, rng):
    from likewise.calibration.own import measure_own

    with Gallery.create(tmp_path / "g", dim=8, fingerprint="0123456789ab") as gallery:
        vectors = rng.normal(size=(400, 8)).astype("f4")  # all alike, whatever their group
        gallery.add([f"r{n}" for n in range(400)], vectors, [f"g{n % 20}" for n in range(400)])
        measured = measure_own(gallery).point
    assert measured is not None
    assert MISSED in str(warning(measured))


def test_a_model_whose_own_threshold_misses_most_is_warned_of_when_a_gallery_is_built(
    tmp_path, queries
):
    model = shutil.copytree(Embedder.load().path, tmp_path / "model")
    manifest = read_manifest(model)
    manifest["operating_points"]["default"]["fnir"] = 0.8
    write_manifest(model, manifest)
    with pytest.warns(UserWarning, match=f"80 % {MISSED}"):
        build(tmp_path / "a.gallery", queries[:20], model).close()
    folder = tmp_path / "7"
    folder.mkdir()
    Image.fromarray(queries[0].pixels()).save(folder / "a.png")
    built = CliRunner().invoke(
        main, ["build", str(tmp_path / "b.gallery"), str(tmp_path / "7"), "--label-each",
               "--model", str(model)]
    )  # fmt: skip
    assert built.exit_code == 0, built.output
    assert f"80 % {MISSED}" in built.stderr
