"""Valid files with the wrong contents in a gallery are rebuilt, or refused by name."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from index.decision import CheckOptions
from index.doctor import examine
from index.errors import StoreError
from index.evidence import EVIDENCE, PICTURES
from index.gallery import Gallery
from index.operating_point import OperatingPoint
from index.references.local import Store
from index.references.rows import NewRow
from index.search.mark import Mark
from index.search.note import Note, read_note, write_note
from index.storage.files import read_sealed, write_sealed

DIM = 4
QUERIES = np.random.default_rng(1).normal(size=(20, DIM)).astype(np.float32)


@pytest.fixture
def path(gallery: Gallery) -> Path:
    gallery.points.store(
        "calibrated",
        OperatingPoint(threshold=0.5),
        unknown=np.array([0.5, 0.25], np.float32),
        contents=[b"0123456789abcdef"],
    )
    gallery.close()
    return gallery.path


def answers(path: Path) -> object:
    with Gallery.open(path) as gallery:
        near = gallery.search(QUERIES, 5)
        return near.ids.tolist(), near.labels.tolist(), near.distances.tolist()


# ---------------------------------------------------------------- the derived index

Vectors = np.ndarray


def flat(vectors: Vectors) -> Any:
    index = faiss.IndexFlatL2(DIM)
    index.add(vectors)
    return index


def trained(factory: str) -> Callable[[Vectors, Vectors], Any]:
    def make(vectors: Vectors, slots: Vectors) -> Any:
        index = faiss.index_factory(DIM, factory)
        index.train(vectors)
        index.add_with_ids(vectors, slots)
        return index

    return make


def mapped(dim: int, kind: Any = faiss.IndexFlatL2) -> Callable[[Vectors, Vectors], Any]:
    def make(vectors: Vectors, slots: Vectors) -> Any:
        index: Any = faiss.IndexIDMap(kind(dim))
        index.add_with_ids(np.resize(vectors, (len(slots), dim)), slots)
        return index

    return make


def reordered(change: Callable[[Vectors], Vectors]) -> Callable[[Vectors, Vectors], Any]:
    def make(vectors: Vectors, slots: Vectors) -> Any:
        order = change(np.arange(len(slots)))
        return mapped(DIM)(vectors[order], slots[order])

    return make


FOREIGN_INDEXES: dict[str, Callable[[Vectors, Vectors], Any]] = {
    "flat, without slots": lambda vectors, slots: flat(vectors),
    "HNSW": trained("IDMap,HNSW8"),
    "HNSW, without slots": lambda vectors, slots: faiss.IndexHNSWFlat(DIM, 8),
    "product quantizer": trained("IDMap,PQ2x4"),
    "scalar quantizer": trained("IDMap,SQ8"),
    "inverted lists": trained("IVF2,Flat"),
    "inverted lists with a map": trained("IDMap,IVF2,Flat"),
    "behind a transform": trained("IDMap,PCA2,Flat"),
    "inner product": mapped(DIM, faiss.IndexFlatIP),
    "L1": mapped(DIM, lambda dim: faiss.IndexFlat(dim, faiss.METRIC_L1)),
    "eight dimensions": mapped(8),
    "one row too few": reordered(lambda order: order[:-1]),
    "no rows": reordered(lambda order: order[:0]),
    "one row twice": reordered(lambda order: np.concatenate([order, order[-1:]])),
    "rows the other way round": reordered(lambda order: order[::-1]),
    "two rows exchanged": reordered(lambda order: np.r_[1, 0, order[2:]]),
    "slots that were never given": lambda vectors, slots: mapped(DIM)(vectors, slots + 1000),
    "negative slots": lambda vectors, slots: mapped(DIM)(vectors, slots - 61),
}


@pytest.mark.parametrize("make", FOREIGN_INDEXES.values(), ids=FOREIGN_INDEXES)
def test_a_foreign_index_with_a_note_that_fits_it_is_built_again(
    path: Path, make: Callable[[Vectors, Vectors], Any]
) -> None:
    before = answers(path)
    with Gallery.open(path) as gallery:
        vectors, slots = gallery.references()[2], np.arange(1, 61)
    faiss.write_index(make(vectors, slots), str(path / "vectors.faiss"))
    content = (path / "vectors.faiss").read_bytes()
    note = read_note(path)
    assert note is not None
    write_note(path, replace(note, size=len(content), sha256=hashlib.sha256(content).hexdigest()))
    assert answers(path) == before
    with Gallery.open(path) as gallery:
        gallery.remove(["r00"])
        assert examine(gallery).broken == []


FOREIGN_NOTES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an object as dim": lambda note: note.update(dim={}),
    "a text as size": lambda note: note.update(size="170"),
    "a number as digest": lambda note: note.update(sha256=7),
    "a list as mark": lambda note: note.update(mark=[60, 0, 60, 0]),
    "a text as slot": lambda note: note["mark"].update(last_slot="60"),
    "a fraction as count": lambda note: note["mark"].update(count=60.0),
    "no sum": lambda note: note["mark"].pop("total"),
    "a field too many": lambda note: note["mark"].update(more=1),
    "another format": lambda note: note.update(format=2),
    "nothing": lambda note: note.clear(),
}


@pytest.mark.parametrize("change", FOREIGN_NOTES.values(), ids=FOREIGN_NOTES)
def test_a_foreign_note_is_not_a_note(
    path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    before = answers(path)
    note = read_sealed(path / "vectors.json")
    change(note)
    write_sealed(path / "vectors.json", note)
    assert read_note(path) is None
    assert answers(path) == before


def test_what_is_written_as_a_note_is_read_as_that_note(tmp_path: Path) -> None:
    note = Note(4, 170, "ab", Mark(5, -7, 9, 4))
    write_note(tmp_path, note)
    assert read_note(tmp_path) == note


# ---------------------------------------------------------------- gallery.json


def point(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda manifest: manifest["operating_points"]["calibrated"].update(fields)


FOREIGN_MANIFESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "points as a list": lambda manifest: manifest.update(operating_points=[1]),
    "no points": lambda manifest: manifest.pop("operating_points"),
    "a point that is a number": lambda manifest: manifest["operating_points"].update(eer=0.5),
    "a point that is nothing": lambda manifest: manifest["operating_points"].update(eer=None),
    "a point without a threshold": lambda manifest: manifest["operating_points"].update(eer={}),
    "dim as a text": lambda manifest: manifest.update(dim="4"),
    "dim as a fraction": lambda manifest: manifest.update(dim=4.0),
    "dim as a truth": lambda manifest: manifest.update(dim=True),
    "dim of nothing": lambda manifest: manifest.update(dim=0),
    "dim beyond all bounds": lambda manifest: manifest.update(dim=10**30),
    "no dim": lambda manifest: manifest.pop("dim"),
    "fingerprint as a number": lambda manifest: manifest.update(fingerprint=7),
    "no fingerprint": lambda manifest: manifest.pop("fingerprint"),
    "default point as a list": lambda manifest: manifest.update(default_point=["eer"]),
    "default point as an object": lambda manifest: manifest.update(default_point={}),
    "format as a text": lambda manifest: manifest.update(format="1"),
    "threshold as a text": point(threshold="0.5"),
    "threshold as a truth": point(threshold=True),
    "a negative threshold": point(threshold=-1),
    "a rate as a text": point(fpir="0.01"),
    "a rate's name as a number": point(rate=1),
    "a count as a fraction": point(false=1.5),
    "a generation as a text": point(generation="3"),
    "a size as a list": point(gallery_size=[60]),
    "an interval of three": point(interval=[0, 1, 2]),
    "an interval of texts": point(interval=["0", "1"]),
    "an interval as a number": point(interval=1),
    "unknowns as a text": point(unknown="many"),
    "unknowns as numbers by kind": point(unknown={"letters": 3}),
    "thresholds by group as a list": point(group_thresholds=[0.5]),
    "a threshold of a group as a text": point(group_thresholds={"a": "0.5"}),
    "a least margin as a list": point(min_margin=[1]),
    "evidence as a number": point(evidence=1),
    "evidence of another folder": point(evidence="../../../../etc/passwd"),
    "pictures as an object": point(pictures={}),
}

QUESTIONS: dict[str, Callable[[Gallery], object]] = {
    "size": len,
    "search": lambda gallery: gallery.search(QUERIES, 3),
    "check": lambda gallery: gallery.check(QUERIES, CheckOptions(k=3)),
    "points": lambda gallery: gallery.points.all(),
    "verify": lambda gallery: gallery.verify(),
    "evidence": lambda gallery: gallery.points.evidence(),
    "outdated": lambda gallery: gallery.points.outdated(),
}


@pytest.mark.parametrize("change", FOREIGN_MANIFESTS.values(), ids=FOREIGN_MANIFESTS)
def test_a_foreign_manifest_is_refused_by_name(
    path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    manifest = read_sealed(path / "gallery.json")
    change(manifest)
    write_sealed(path / "gallery.json", manifest)
    with pytest.raises(StoreError, match=r"gallery\.json'"):
        Gallery.open(path)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_manifest_that_turns_foreign_while_it_is_open_is_refused_by_name(
    path: Path, question: Callable[[Gallery], object]
) -> None:
    with Gallery.open(path) as gallery:
        question(gallery)
        manifest = read_sealed(path / "gallery.json")
        manifest["operating_points"]["calibrated"]["threshold"] = [0.5]
        write_sealed(path / "gallery.json", manifest)
        try:
            question(gallery)  # what needs no point goes on
        except StoreError as error:
            assert "gallery.json'" in str(error)  # noqa: PT017 - it need not be raised


def test_a_point_with_fields_that_are_not_known_here_is_kept(path: Path) -> None:
    manifest = read_sealed(path / "gallery.json")
    manifest["operating_points"]["calibrated"]["lens"] = ["macro"]
    write_sealed(path / "gallery.json", {**manifest, "owner": 7})
    with Gallery.open(path) as gallery:
        assert gallery.points["calibrated"].to_json()["lens"] == ["macro"]


# ---------------------------------------------------------------- evidence


def saved(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


FOREIGN_EVIDENCE = {
    "not an array": b"hello",
    "nothing": b"",
    "float64": saved(np.array([0.25, 0.5])),
    "whole numbers": saved(np.array([1, 2])),
    "a matrix": saved(np.zeros((2, 2), np.float32)),
    "a single number": saved(np.array(1, np.float32)),
    "not ascending": saved(np.array([0.5, 0.25], np.float32)),
    "not numbers": saved(np.array([np.nan, 1], np.float32)),
    "negative": saved(np.array([-1, 1], np.float32)),
    "objects": saved(np.array([{}, []], object)),
    "texts": saved(np.array(["a", "b"])),
    "an archive": b"PK\x03\x04" + bytes(40),
    "a header cut off": saved(np.zeros(4, np.float32))[:40],
    "a header of many rows": saved(np.zeros(4, np.float32)).replace(
        b"(4,), }        ", b"(99999999999,), }"[:17]
    ),
    "a header that lies": saved(np.zeros(4, np.float32)).replace(b"(4,)", b"(9,)"),
}


@pytest.mark.parametrize("content", FOREIGN_EVIDENCE.values(), ids=FOREIGN_EVIDENCE)
@pytest.mark.parametrize("kind", [EVIDENCE, PICTURES])
def test_foreign_evidence_under_a_name_that_fits_it_is_refused_by_name(
    path: Path, kind: str, content: bytes
) -> None:
    name = hashlib.blake2b(content, digest_size=16).hexdigest()
    (path / f"{kind}-{name}.npy").write_bytes(content)
    manifest = read_sealed(path / "gallery.json")
    manifest["operating_points"]["calibrated"][kind] = name
    write_sealed(path / "gallery.json", manifest)
    with Gallery.open(path) as gallery:
        asked: Callable[[], object] = (
            gallery.points.evidence if kind == EVIDENCE else gallery.points.calibrated_on
        )
        for question in (asked, gallery.verify):
            with pytest.raises(StoreError, match=f"{kind}-{name}.npy'"):
                question()


# ---------------------------------------------------------------- the references


def test_references_of_another_gallery_are_refused_by_name(path: Path) -> None:
    for file in (*path.glob("references.*"), *path.glob("vectors.*")):
        file.unlink()
    Store.create(path / "references.sqlite")
    store = Store(path / "references.sqlite")
    vector = np.zeros(8, "<f4").tobytes()
    store.add([NewRow("a", "x", b"c" * 16, None, vector, None)])
    store.close()
    with Gallery.open(path) as gallery:
        for question in (
            lambda: gallery.search(QUERIES, 1),
            gallery.stored,
            gallery.verify,
            lambda: gallery.get("a"),
            lambda: gallery.vectors_of([b"c" * 16]),
        ):
            with pytest.raises(StoreError, match=r"references\.sqlite' belongs to another gallery"):
                question()


@pytest.mark.parametrize("metadata", ["no JSON", "[1]"])
def test_a_row_that_likewise_did_not_write_is_refused_by_name(path: Path, metadata: str) -> None:
    store = Store(path / "references.sqlite")
    vector = np.zeros(DIM, "<f4").tobytes()
    store.add([NewRow("odd", "x", None, metadata, vector, b"\\x09\\x02")])
    store.close()
    with Gallery.open(path) as gallery, pytest.raises(StoreError, match=r"references\.sqlite'"):
        gallery.get("odd")
