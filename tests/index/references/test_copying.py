"""A copy that is cut off goes on, and is at its end what the source is, whatever changed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.references import copying
from index.references.local import Store
from index.references.rows import NewRow


class CutOffError(Exception):
    """The copy's process went."""


def new(id: str, value: int = 0) -> NewRow:
    return NewRow(id, "cat", None, None, bytes([value] * 4), b"a picture")


def cut_after(rows: int) -> Callable[[int], None]:
    """A progress that fails once at least so many rows are there."""
    done = 0

    def progress(more: int) -> None:
        nonlocal done
        done += more
        if done >= rows:
            raise CutOffError

    return progress


def copy_until(store: Store, path: Path, rows: int) -> None:
    """Copy until a number of rows is there, and fail then."""
    with store.reading(), pytest.raises(CutOffError):
        Store.copy_of(store, path, cut_after(rows))


def require_same(store: Store, path: Path) -> list[int]:
    """Copy to the end; returns the steps by which rows came."""
    steps: list[int] = []
    with store.reading():
        Store.copy_of(store, path, steps.append)
    copy = Store(path)
    try:
        copy.verify()
        assert copy.state() == store.state()
        assert list(copy.whole_rows()) == list(store.whole_rows())
        assert copy.removed() == store.removed()
    finally:
        copy.close()
    return steps


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Ten rows, of which two go into each step."""
    monkeypatch.setattr(copying, "_STEP", 2)
    Store.create(tmp_path / "references.sqlite")
    store = Store(tmp_path / "references.sqlite")
    store.add([new(f"r{place}", place) for place in range(10)])
    yield store
    store.close()


def test_what_was_copied_is_not_copied_again(store, tmp_path):
    copy_until(store, tmp_path / "copy", 6)
    assert require_same(store, tmp_path / "copy") == [6, 2, 2]


def test_what_was_removed_meanwhile_goes_and_the_rest_stays(store, tmp_path):
    copy_until(store, tmp_path / "copy", 6)
    store.remove(["r1"])
    store.add([new("r2", 99)])  # a new row at the end
    assert require_same(store, tmp_path / "copy") == [4, 2, 2, 1]  # of 9: r0, r3, r4 and r5


def test_rows_of_another_gallery_all_go(store, tmp_path):
    copy_until(store, tmp_path / "copy", 6)
    Store.create(tmp_path / "other.sqlite")
    other = Store(tmp_path / "other.sqlite")
    other.add([new(f"r{place}", place + 1) for place in range(3)])
    assert require_same(other, tmp_path / "copy") == [0, 2, 1]
    other.close()


def test_a_file_that_is_no_copy_is_begun_again(store, tmp_path):
    (tmp_path / "copy").write_bytes(b"half a header")
    assert require_same(store, tmp_path / "copy") == [0, 2, 2, 2, 2, 2]


def test_a_finished_copy_is_brought_up_to_date(store, tmp_path):
    require_same(store, tmp_path / "copy")
    store.remove(["r9"])
    assert require_same(store, tmp_path / "copy") == [9]


CHANGES = st.lists(
    st.tuples(st.booleans(), st.sets(st.sampled_from("abcdefgh"), min_size=1)), max_size=6
)


@settings(max_examples=40, deadline=None)
@given(rounds=st.lists(st.tuples(CHANGES, st.integers(1, 9)), min_size=1, max_size=4), last=CHANGES)
def test_whatever_changes_between_attempts_the_copy_is_the_same(rounds, last):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "_STEP", 1)
        Store.create(Path(folder, "references.sqlite"))
        store, value = Store(Path(folder, "references.sqlite")), 0

        def change(steps):
            nonlocal value
            for adds, ids in steps:
                value = (value + 1) % 256
                if adds:
                    store.add([new(id, value) for id in sorted(ids)])
                else:
                    store.remove(sorted(ids))

        for steps, rows in rounds:
            change(steps)
            try:
                with store.reading():
                    Store.copy_of(store, Path(folder, "copy"), cut_after(rows))
            except CutOffError:
                continue
        change(last)
        require_same(store, Path(folder, "copy"))
        store.close()
