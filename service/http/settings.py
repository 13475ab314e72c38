"""What an operator may set: limits, keys, and whether the gallery may be changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.http.keys import Keys

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How one server answers.

    Attributes:
        keys: Who may read and who may write; without any, only this machine is answered.
        read_only: Whether every change is refused, whatever the key.
        max_bytes: Largest body of a request.
        max_pixels: Largest picture, width times height, at most what `embedder.images` reads; a
            larger one is not decoded.
        max_images: Most pictures or vectors in a request.
        max_in_flight: Requests worked on at a time; further ones are sent away with 429.
        timeout: Seconds that a request may take, its upload included.
        log_all: Whether every request is logged, and not only those worth it.
        grace: Seconds in which a server that is told to stop finishes what it accepted.
    """

    keys: Keys = field(default_factory=Keys)
    read_only: bool = False
    max_bytes: int = 64 * MIB
    max_pixels: int = 40_000_000
    max_images: int = 2_000
    max_in_flight: int = 256
    timeout: float = 30.0
    log_all: bool = False
    grace: float = 35.0
