"""Which operating point judges a pair."""

from index.operating_point import OperatingPoint
from likewise.comparison import pair_point


def test_a_pair_is_judged_by_the_models_point_for_pairs_until_the_gallery_is_calibrated(matcher):
    gallery = matcher.gallery
    gallery.points.store("default", OperatingPoint(threshold=0.1))
    assert pair_point(gallery) == "eer"
    assert pair_point(gallery, "default") == "default"
    gallery.points.store("fmr-0.001", OperatingPoint(threshold=0.2))
    assert pair_point(gallery) == "fmr-0.001"


def test_a_calibrated_point_of_the_name_default_judges_pairs_too(matcher):
    matcher.gallery.points.store(
        "default", OperatingPoint(threshold=0.1, gallery_size=300, fpir=0.01)
    )
    assert pair_point(matcher.gallery) == "default"


def test_a_gallery_with_one_point_judges_pairs_by_it(matcher):
    assert pair_point(matcher.gallery) == "eer"
