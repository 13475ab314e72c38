"""Labels as one text: every way to read them gives the same."""

from __future__ import annotations

import pytest

from index.search.label_table import LabelTable

LABELS = sorted(["a", "größe", "ß", "日本", "\U0001f600", "plain", "é\u0301"])


def test_all_labels_are_those_that_were_put_in():
    assert LabelTable.of(LABELS).all() == LABELS


@pytest.mark.parametrize(
    "span",
    [slice(0, 0), slice(2, 5), slice(5, 2), slice(-3, None), slice(4, 99), slice(None, None, 2)],
    ids=str,
)
def test_a_span_of_labels_is_that_of_the_list(span):
    assert LabelTable.of(LABELS)[span] == LABELS[span]


def test_an_empty_table_has_no_labels():
    assert LabelTable.of([]).all() == []
