"""The operator's settings: limits, keys, read-only mode."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from likewise.errors import LikewiseError
from likewise.server.auth import Keys

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one server.

    Attributes:
        keys: API keys that may read or write; None serves this machine only.
        read_only: Whether every change is refused, with any key.
        max_bytes: Largest body of a request.
        max_pixels: Largest picture, width times height, at most what
            `embedder.data.images` reads; a larger one is not decoded.
        max_images: Most pictures or vectors in a request.
        max_in_flight: Maximum number of requests that are answered at a time, and of bodies that
            are waited for; further requests get 429.
        timeout: Maximum duration of a request in seconds, upload included.
        decode_timeout: Maximum processor time to decode one picture, in seconds.
        jobs: Directory for large uploads and results; None for one beside the gallery.
        max_upload: Largest body of a job, in bytes.
        max_transfers: Maximum number of concurrent uploads and results of jobs; further ones get
            429.
        min_rate: Least bytes per second of an upload or result, over `timeout` seconds.
        max_jobs: Maximum number of waiting jobs; further ones get 429.
        keep_jobs: Seconds for which a finished job is kept.
        log_all: Whether every request is logged, not only notable ones.
        grace: Seconds to finish accepted requests during shutdown.
        ray: Address of the Ray cluster that holds the references; None where this process does.
        parts: Number of processes there.
    """

    keys: Keys | None = None
    read_only: bool = False
    max_bytes: int = 64 * MIB
    max_pixels: int = 40_000_000
    max_images: int = 2_000
    max_in_flight: int = 256
    timeout: float = 30.0
    decode_timeout: float = 5.0
    jobs: Path | None = None
    max_upload: int = 1024 * MIB
    max_transfers: int = 32
    min_rate: int = 10_000
    max_jobs: int = 32
    keep_jobs: float = 7 * 24 * 3600.0
    log_all: bool = False
    grace: float = 35.0
    ray: str | None = None
    parts: int | None = None

    def __post_init__(self) -> None:
        limits = (self.timeout, self.decode_timeout)
        if not all(map(math.isfinite, limits)) or math.isnan(self.keep_jobs):
            raise LikewiseError(
                "Expected a number of seconds for timeout, decode_timeout and keep_jobs. "
                f"Received: {self.timeout}, {self.decode_timeout} and {self.keep_jobs}."
            )
