"""Which pictures belong to a shard, and where its number comes from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.data.records import Record
from likewise.bulk.shard import Shard, ShardError, Taken

SLURM = {
    "SLURM_ARRAY_TASK_ID": "3",
    "SLURM_ARRAY_TASK_MIN": "1",
    "SLURM_ARRAY_TASK_MAX": "4",
    "SLURM_ARRAY_TASK_COUNT": "4",
}
AGAIN = {**SLURM, "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_MAX": "3"}  # --array=3
AGAIN["SLURM_ARRAY_TASK_COUNT"] = "1"
STEPS = {**SLURM, "SLURM_ARRAY_TASK_MAX": "5", "SLURM_ARRAY_TASK_COUNT": "3"}  # --array=1-5:2
KUBERNETES = {"JOB_COMPLETION_INDEX": "2"}
PICTURE = np.zeros((2, 2), np.uint8)


def records(count: int) -> list[Record]:
    return [Record(f"{place}.png", None, PICTURE) for place in range(count)]


@pytest.mark.parametrize(
    ("text", "variables", "shard"),
    [
        ("2/4", {}, Shard(2, 4)),
        ("1/1", SLURM, Shard(1, 1)),
        ("auto", SLURM, Shard(3, 4)),
        ("auto/8", SLURM, Shard(3, 8)),
        ("auto/4", AGAIN, Shard(3, 4)),  # one task again
        ("auto/8", KUBERNETES, Shard(3, 8)),  # indices from 0
    ],
)
def test_a_shard_is_named_by_the_user_or_by_what_runs_the_job(text, variables, shard):
    assert Shard.named(text, variables) == shard


@pytest.mark.parametrize(
    ("text", "variables", "reason"),
    [
        ("0/4", {}, "count from 1 to N"),
        ("5/4", {}, "count from 1 to N"),
        ("1/1001", {}, "at most 1000"),
        ("2", {}, "A shard is I/N"),
        ("a/b", {}, "A shard is I/N"),
        ("²/4", {}, "A shard is I/N"),
        ("-1/4", {}, "A shard is I/N"),
        ("auto", {}, "SLURM_ARRAY_TASK_ID"),
        ("auto", KUBERNETES, "--shard auto/16"),
        ("auto", AGAIN, "--shard auto/16"),
        ("auto", STEPS, "--shard auto/16"),
        ("auto", {"SLURM_ARRAY_TASK_ID": "x"}, "is no number: 'x'"),
        ("auto/8", {"JOB_COMPLETION_INDEX": "-1"}, "is no number: '-1'"),
        ("auto/x", SLURM, "A shard is I/N"),
        ("auto/0", SLURM, "count from 1 to N"),
        ("1/99999999999999999999", {}, "at most 1000"),
        ("auto/2", KUBERNETES, "count from 1 to N"),
    ],
)
def test_another_name_is_refused_with_what_was_expected(text, variables, reason):
    with pytest.raises(ShardError, match=reason):
        Shard.named(text, variables)


@given(st.integers(0, 60), st.integers(1, 12))
def test_each_picture_is_in_one_shard_and_shards_agree_on_the_whole(total, count):
    shards = [Shard(number, count) for number in range(1, count + 1)]
    takers = [Taken(shard, records(total)) for shard in shards]
    taken = [[record.id for record in taker] for taker in takers]
    assert sorted(id for ids in taken for id in ids) == sorted(r.id for r in records(total))
    assert [len(ids) for ids in taken] == [shard.share(total) for shard in shards]
    assert {taker.end["pictures"] for taker in takers} == {total}
    assert len({taker.end["ids"] for taker in takers}) == 1


def test_inputs_that_differ_only_in_a_picture_of_another_shard_have_other_digests():
    these, those = records(3), [*records(2), Record("other.png", None, PICTURE)]
    takers = [Taken(Shard(1, 3), given) for given in (these, those)]
    assert [[record.id for record in taker] for taker in takers] == [["0.png"], ["0.png"]]
    assert takers[0].end["ids"] != takers[1].end["ids"]
