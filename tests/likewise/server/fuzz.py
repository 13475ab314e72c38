"""Variations of valid picture files, for the tests of trust: each is damaged in some way.

Run as a script it decodes many of them as the server does and prints what came of it.
"""

from __future__ import annotations

import io
import json
import random
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

SIZE = (28, 28)
INTERESTING = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)

# Format, mode and options of each seed: all that the decoders of the six formats branch on.
SEEDS: list[tuple[str, str, dict[str, Any]]] = [
    *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("JPEG", mode, {}) for mode in ("L", "RGB", "CMYK")),
    ("JPEG", "RGB", {"progressive": True, "quality": 30}),
    ("GIF", "P", {}),
    ("GIF", "P", {"save_all": True, "interlace": True}),
    *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")),
    ("WEBP", "RGB", {}),
    *(("WEBP", "RGBA", {"lossless": lossless}) for lossless in (True, False)),
    *(("TIFF", mode, {}) for mode in ("L", "RGBA", "I;16", "F")),
    *(("TIFF", "RGB", {"compression": kind}) for kind in ("tiff_lzw", "tiff_deflate", "packbits")),
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "1", {"compression": "group4"}),
]


def seeds() -> list[bytes]:
    """The valid files: a gradient with some noise, in every format and mode."""
    chance = random.Random(1)
    grey = Image.frombytes("L", SIZE, bytes((8 * (i % 28) + chance.randrange(32)) % 256
                                            for i in range(SIZE[0] * SIZE[1])))  # fmt: skip
    files = []
    for kind, mode, options in SEEDS:
        picture = (
            grey.convert("RGB").convert(mode) if mode in ("CMYK", "RGBA") else grey.convert(mode)
        )
        stream = io.BytesIO()
        more = {"append_images": [picture.rotate(90)]} if options.get("save_all") else {}
        picture.save(stream, kind, **options, **more)
        files.append(stream.getvalue())
    return files


def variations(count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged files, the same for the same seed."""
    chance, files = random.Random(seed), seeds()
    for _ in range(count):
        content = bytearray(chance.choice(files))
        for _ in range(chance.choice((1, 1, 2, 3))):
            chance.choice(DAMAGES)(content, chance, files)
        if content[:4] == b"\x89PNG" and chance.random() < 0.7:
            repair_sums(content)
        yield bytes(content)


def flip(content: bytearray, chance: random.Random, files: list[bytes]) -> None:
    for _ in range(chance.choice((1, 2, 8, 40))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def truncate(content: bytearray, chance: random.Random, files: list[bytes]) -> None:
    del content[chance.randrange(len(content)) + 1 :]


def splice(content: bytearray, chance: random.Random, files: list[bytes]) -> None:
    other = chance.choice(files)
    start = chance.randrange(len(other))
    part = other[start : start + chance.randrange(1, 200)]
    place = chance.randrange(len(content))
    content[place : place + chance.choice((0, len(part), 300))] = part


def edit_header(content: bytearray, chance: random.Random, files: list[bytes]) -> None:
    for _ in range(chance.choice((1, 2, 4))):
        content[chance.randrange(min(64, len(content)))] = chance.choice(INTERESTING)


def edit_number(content: bytearray, chance: random.Random, files: list[bytes]) -> None:
    """Write a size or an offset of two or four bytes somewhere, in either order of bytes."""
    width, order = chance.choice((("H", 2), ("I", 4))), chance.choice("<>")
    value = chance.choice((0, 1, 2, 3, 255, 256, 4096, 30_000, 65_535, chance.getrandbits(31)))
    packed = struct.pack(order + width[0], value & ((1 << 8 * width[1]) - 1))
    place = chance.randrange(max(1, min(len(content) - width[1], chance.choice((64, 10_000)))))
    content[place : place + width[1]] = packed


def repeat(content: bytearray, chance: random.Random, files: list[bytes]) -> None:
    start = chance.randrange(len(content))
    part = content[start : start + chance.randrange(1, 100)]
    content[start:start] = part * chance.randrange(1, 30)


DAMAGES = (flip, truncate, splice, edit_header, edit_number, repeat)


def repair_sums(content: bytearray) -> None:
    """Let the checksums of a PNG fit again, or nothing but them would be tried."""
    place = 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + 8 + length
        if end + 4 > len(content):
            return
        struct.pack_into(">I", content, end, zlib.crc32(content[place + 4 : end]))
        place = end + 4


def main(count: int, seed: int) -> None:
    """Decode and embed variations; print what became of them as one JSON object."""
    from embedder.data.images import read_image
    from embedder.errors import ImageError
    from embedder.model import Embedder

    embedder = Embedder.load(threads=1)
    became: Counter[str] = Counter()
    slowest, worst = 0.0, b""
    for content in variations(count, seed):
        started = time.process_time()
        try:
            vectors = embedder.embed(embedder.prepare([read_image(content)]))
            assert vectors.shape == (1, embedder.dim)
            became["read"] += 1
        except ImageError as error:
            became["refused"] += 1
            if not str(error).strip() or "\n" in str(error):
                became[f"told badly: {str(error)!r}"] += 1
        except Exception as error:
            became[f"leaked {type(error).__name__}: {error}"[:200]] += 1
        seconds = time.process_time() - started
        if seconds > slowest:
            slowest, worst = seconds, content
    # Not ru_maxrss, which a process has from the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    print(json.dumps({"became": became, "slowest": slowest, "peak": peak, "worst": worst.hex()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
