"""`likewise import`: its output and exit status."""

import pytest
from click.testing import CliRunner

from cli import main

pytest.importorskip("h5py")
FIXTURE = "tests/data/keras2/siamese.keras"


def run(*arguments):
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


@pytest.mark.costly
def test_without_pixels_it_is_wrong_usage_and_the_five_choices_are_named(tmp_path):
    result = run(FIXTURE, "--out", tmp_path / "m")
    assert result.exit_code == 2
    for choice in ("0..1", "-1..1", "0..255", "imagenet", "caffe"):
        assert choice in result.stderr


@pytest.mark.parametrize("name", ["nothing.keras", "network.onnx", "weights.pt"])
def test_what_is_not_a_model_that_can_be_imported_is_bad_input(tmp_path, name):
    if not name.startswith("nothing"):
        (tmp_path / name).write_bytes(b"12345678")
    result = run(tmp_path / name, "--out", tmp_path / "m", "--pixels", "0..1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert name in result.stderr


@pytest.mark.parametrize("size", ["224", "0x3", "axb", "-1x4"])
def test_a_size_is_a_height_and_a_width(tmp_path, size):
    result = run(FIXTURE, "--out", tmp_path / "m", "--size", size)
    assert result.exit_code == 2
    assert "224x224" in result.stderr


@pytest.mark.costly
def test_an_imported_model_is_named_with_its_source_and_goes_into_a_gallery(tmp_path):
    result = run(FIXTURE, "--out", tmp_path / "m", "--pixels", "0..1")
    assert result.exit_code == 0, result.stderr
    assert "siamese.keras (Keras 2" in result.stderr
    gallery = str(tmp_path / "g")
    for command in (
        ["build", gallery, "mnist/test/00000", "--model", str(tmp_path / "m")],
        ["query", gallery, "mnist/test/00000"],
        ["check", gallery, "mnist/test/00000", "--threshold", "0.1"],
        ["info", gallery],
        ["doctor", gallery],
    ):
        assert CliRunner().invoke(main, command).exit_code == 0, command


@pytest.mark.costly
def test_a_gallery_of_digits_is_upgraded_to_an_imported_model(tmp_path):
    assert run(FIXTURE, "--out", tmp_path / "m", "--pixels", "0..1").exit_code == 0
    digits = [f"mnist/test/{place:05}" for place in range(4)]
    gallery = str(tmp_path / "g")
    assert CliRunner().invoke(main, ["build", gallery, *digits]).exit_code == 0
    upgrade = ["upgrade", gallery, "--model", str(tmp_path / "m"), *digits]
    result = CliRunner().invoke(main, upgrade)
    assert result.exit_code == 0, result.stderr
    assert "Embedded 4 references" in result.stderr
    again = CliRunner().invoke(main, upgrade)
    assert again.exit_code == 1  # it is the gallery's model now


@pytest.mark.costly
def test_data_that_do_not_suffice_for_thresholds_end_it_after_the_model_is_written(tmp_path):
    result = run(
        *(FIXTURE, "--out", tmp_path / "m", "--pixels", "0..1", "--data", "mnist/test/00000")
    )
    assert result.exit_code == 1
    assert "do not suffice to measure thresholds" in result.stderr
    assert (tmp_path / "m" / "model.json").is_file()


@pytest.mark.costly
def test_misspelt_data_end_it_before_the_model_is_read(tmp_path):
    result = run(FIXTURE, "--out", tmp_path / "m", "--pixels", "0..1", "--data", "mnist/tset")
    assert result.exit_code == 1
    assert "mnist/tset" in result.stderr
    assert not (tmp_path / "m").exists()
