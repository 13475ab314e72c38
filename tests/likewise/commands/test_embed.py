"""`likewise embed`."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from likewise.matcher import Matcher
from tests.likewise.commands.running import done, run


def test_embed_writes_an_array_or_a_table(fake, tmp_path, scans):
    result = done("embed", scans, "-o", tmp_path / "v.npy")
    assert "40 rows of 16 numbers" in result.stderr
    assert "unreadable: 05.png: truncated" in result.stderr
    done("embed", scans, "-o", tmp_path / "v.parquet")
    vectors = pq.read_table(tmp_path / "v.parquet")["embedding"].to_pylist()
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy")[7], np.float32(vectors[7]))


def test_the_model_of_a_gallery_without_a_threshold_will_do(fake, tmp_path, scans):
    fake.operating_points = {}
    with Matcher.create(tmp_path / "pets.gallery", fake):
        pass
    embed = ("embed", scans, "--gallery", tmp_path / "pets.gallery", "-o")
    assert "40 rows of 16 numbers" in done(*embed, tmp_path / "v.npy").stderr


@pytest.mark.parametrize("labels", [["--label-level", "1"], ["--label-from", "(?P<label>.)"]])
def test_labels_are_not_asked_for_where_the_file_has_none(fake, tmp_path, scans, labels):
    refused = run("embed", scans, "-o", tmp_path / "v.npy", *labels)
    assert refused.exit_code == 2
    assert "A .npy file has no labels" in refused.stderr
