"""The evidence of a calibration: counted by hand, sealed, and kept beside the gallery."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.decision import CheckOptions
from index.errors import GalleryError, StoreError
from index.evidence import EVIDENCE, Evidence, evidence_path, read_evidence, write_evidence
from index.gallery import Gallery
from index.operating_point import OperatingPoint

UNKNOWN = np.array([0.75, 0.25, 0.5], np.float32)
POINT = OperatingPoint(threshold=0.5, fpir=0.01, gallery_size=60, generation=1)
floats = st.floats(0, 2, width=32)


@pytest.mark.costly
@given(st.lists(floats, max_size=30), floats)
def test_a_p_value_counts_the_unknowns_that_come_at_least_as_close(unknown, distance) -> None:
    closer = sum(other <= distance for other in unknown)
    ascending = np.sort(np.array(unknown, np.float32))
    expected = (closer + 1) / (len(unknown) + 1)
    shares = Evidence("", ascending).p_values(np.array([distance], np.float32))
    assert shares.tolist() == [expected]


def test_what_was_written_is_read_in_order_and_has_one_name(tmp_path: Path) -> None:
    ascending = np.sort(UNKNOWN)
    name = write_evidence(tmp_path, EVIDENCE, ascending)
    assert write_evidence(tmp_path, EVIDENCE, ascending) == name
    assert read_evidence(tmp_path, EVIDENCE, name).tolist() == ascending.tolist()
    assert [path.name for path in tmp_path.iterdir()] == [f"evidence-{name}.npy"]


@pytest.mark.parametrize("place", [0, 60, -1])
def test_a_flipped_byte_is_noticed(tmp_path: Path, place: int) -> None:
    name = write_evidence(tmp_path, EVIDENCE, UNKNOWN)
    content = bytearray(evidence_path(tmp_path, EVIDENCE, name).read_bytes())
    content[place] ^= 1
    evidence_path(tmp_path, EVIDENCE, name).write_bytes(content)
    with pytest.raises(StoreError, match=r"evidence-.*\.npy' was altered"):
        read_evidence(tmp_path, EVIDENCE, name)


def test_decisions_carry_evidence_where_it_is_asked_for(gallery: Gallery) -> None:
    gallery.points.store("strict", POINT, unknown=UNKNOWN)
    query = gallery.get("r00").vector[None]
    [plain] = gallery.check(query)
    [output] = gallery.check(query, CheckOptions(evidence=True))
    assert plain.p_value is None
    assert output.p_value == 1 / 4  # no unknown at a distance of 0
    far = np.full((1, 4), 100, np.float32)
    assert gallery.check(far, CheckOptions(evidence=True))[0].p_value == 1


def test_a_point_that_was_not_calibrated_has_no_evidence(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match=r"'eer' .* has no evidence"):
        gallery.check(gallery.get("r00").vector[None], CheckOptions(evidence=True))


def test_evidence_goes_with_a_copy_and_without_it_answers_are_plain(
    gallery: Gallery, tmp_path: Path
) -> None:
    gallery.points.store("strict", POINT, unknown=UNKNOWN)
    query = gallery.get("r00").vector[None]
    expected = gallery.check(query, CheckOptions(evidence=True))
    gallery.close()
    shutil.copytree(gallery.path, tmp_path / "copy")
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.check(query, CheckOptions(evidence=True)) == expected
        copy.verify()
    [file] = (tmp_path / "copy").glob("evidence-*")
    file.unlink()
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.check(query)[0].decision == "match"
        with pytest.raises(StoreError, match="Ask without evidence, or calibrate again"):
            copy.check(query, CheckOptions(evidence=True))
        with pytest.raises(StoreError, match="evidence"):
            copy.verify()


def test_evidence_that_no_point_names_any_more_goes(gallery: Gallery) -> None:
    gallery.points.store("a", POINT, unknown=UNKNOWN)
    gallery.points.store("b", POINT, unknown=UNKNOWN / np.float32(2))
    gallery.points.store("a", POINT, unknown=UNKNOWN / np.float32(4))
    names = {gallery.points[name].evidence for name in "ab"}
    assert {path.name for path in gallery.path.glob("evidence-*")} == {
        f"evidence-{name}.npy" for name in names
    }
