"""The metadata of a `.tflite` file is read; damaged metadata counts as missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.importing.metadata import Metadata, read_metadata

flatbuffers = pytest.importorskip("flatbuffers")


def table(builder, fields):
    """Write a table: values by the field's number, each an offset or `(kind, number)`."""
    builder.StartObject(1 + max(fields))
    for place, value in fields.items():
        if isinstance(value, tuple):
            getattr(builder, f"Prepend{value[0]}Slot")(place, value[1], 0)
        else:
            builder.PrependUOffsetTRelativeSlot(place, value, 0)
    return builder.EndObject()


def offsets(builder, entries):
    builder.StartVector(4, len(entries), 4)
    for entry in reversed(entries):
        builder.PrependUOffsetTRelative(entry)
    return builder.EndVector()


def floats(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


def metadata(licence="Apache-2.0", means=(127.5,), spreads=(127.5,), kind=1):
    """The metadata as MediaPipe writes it: licence, and the scaling of the first input."""
    builder = flatbuffers.Builder(0)
    text = builder.CreateString(licence)
    options = table(builder, {0: floats(builder, means), 1: floats(builder, spreads)})
    unit = table(builder, {0: ("Uint8", kind), 1: options})
    tensor = table(builder, {4: offsets(builder, [unit])})
    graph = table(builder, {2: offsets(builder, [tensor])})
    builder.Finish(table(builder, {2: offsets(builder, [graph]), 5: text}))
    return bytes(builder.Output())


def network(content, name="TFLITE_METADATA"):
    """A file whose second buffer has these contents, named as metadata."""
    builder = flatbuffers.Builder(0)
    empty, full = builder.CreateByteVector(b""), builder.CreateByteVector(content)
    buffers = offsets(builder, [table(builder, {0: empty}), table(builder, {0: full})])
    entry = table(builder, {0: builder.CreateString(name), 1: ("Uint32", 1)})
    builder.Finish(table(builder, {4: buffers, 6: offsets(builder, [entry])}))
    return bytes(builder.Output())


def test_licence_and_scaling_are_read():
    assert read_metadata(network(metadata())) == Metadata("Apache-2.0", 127.5, 127.5)


def test_equal_numbers_for_all_channels_count_as_one():
    same = metadata(means=(127.0,) * 3, spreads=(128.0,) * 3)
    assert read_metadata(network(same)) == Metadata("Apache-2.0", 127.0, 128.0)


@pytest.mark.parametrize(
    "other",
    [{"means": (123.0, 116.0, 103.0), "spreads": (58.0, 57.0, 57.0)}, {"kind": 2}],
    ids=["a number for each channel", "another kind of processing"],
)
def test_scaling_that_one_number_does_not_say_is_left_to_the_user(other):
    assert read_metadata(network(metadata(**other))) == Metadata("Apache-2.0")


def test_a_file_without_metadata_says_nothing():
    assert read_metadata(network(metadata(), name="min_runtime_version")) == Metadata()


@given(st.data())
def test_damaged_metadata_say_nothing_or_something_but_never_fail(data):
    content = bytearray(network(metadata()))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(read_metadata(bytes(content[: data.draw(st.integers(0, 900))])), Metadata)


def test_every_cut_of_a_file_is_read_or_says_nothing():
    content = network(metadata())
    for length in range(len(content)):
        assert isinstance(read_metadata(content[:length]), Metadata)
