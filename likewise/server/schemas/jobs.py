"""Jobs: large uploads, their progress and results."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from likewise.server.schemas.answers import Error
from likewise.server.schemas.fields import Strict
from likewise.server.schemas.questions import CheckParameters


class JobOptions(CheckParameters):
    """Options of a job."""

    name: str = Field(
        "upload",
        min_length=1,
        max_length=200,
        description="Name of the upload, with which the ids of a CSV's rows begin.",
        examples=["digits.csv"],
    )


class JobInfo(BaseModel):
    """A job and its progress."""

    id: str = Field(
        description="Id of the job; later jobs have greater ids.",
        examples=["0650b8d2f1a3c4-5e6f7a8b"],
    )
    state: Literal["waiting", "running", "done", "failed"] = Field(
        description="`waiting` for earlier jobs, `running`, `done` once the result is there, or "
        "`failed`.",
        examples=["running"],
    )
    created: str = Field(
        description="When it was accepted, UTC, ISO 8601.", examples=["2026-11-24T22:10:31+00:00"]
    )
    name: str = Field(description="The client's name for the upload.", examples=["scans.zip"])
    done: int = Field(ge=0, description="Rows so far, one for each picture.", examples=[2048])
    total: int | None = Field(
        ge=0, description="Number of pictures; null if unknown.", examples=[10000]
    )
    decisions: dict[str, int] = Field(
        description="Count of each decision so far.",
        examples=[{"match": 2040, "no_match": 8}],
    )
    error: Error | None = Field(description="Why it failed, or why it waits.", examples=[None])
    notes: list[str] = Field(
        description="Sentences about parts of the upload that have no row, once the job is done.",
        examples=[["Passed over in scans.zip: 1 file not named as a picture (1 .txt), as a.txt."]],
    )


class JobList(BaseModel):
    """All jobs, of all keys."""

    jobs: list[JobInfo] = Field(
        description="The latest first.",
        examples=[
            [
                {
                    **{"id": "0650b8d2f1a3c4-5e6f7a8b", "state": "done", "name": "scans.zip"},
                    **{"created": "2026-11-24T22:10:31+00:00", "done": 1, "total": 1},
                    **{"decisions": {"match": 1}, "error": None, "notes": []},
                }
            ]
        ],
    )


class ResultOptions(Strict):
    """Options of a result."""

    format: Literal["jsonl", "csv", "parquet"] = Field(
        "jsonl",
        description="JSON lines, CSV or Parquet, as written by `likewise check -o`.",
        examples=["csv"],
    )
