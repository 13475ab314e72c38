"""Parts in this process, each with a gallery of its own, as other processes have it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from index.gallery import Gallery
from index.parts.asked import answer
from index.parts.contract import Parts
from index.parts.part import Part, Standing
from index.parts.share import Share
from index.references.rows import Row, State


class Here(Parts):
    """Attributes: `parts`; `asked`, how many questions came; `galleries`, what each part reads."""

    def __init__(self, path: Path | str, of: int, block: int = 1) -> None:
        self.epoch = 0
        self.asked = 0
        self.lent: list[Row] = []
        self.galleries = [Gallery.open(path) for _ in range(of)]
        dim = self.galleries[0].dim
        self.parts = [Part(Share(place, of, block), dim) for place in range(of)]

    def lose(self, place: int) -> None:
        """Let a part come back empty."""
        self.parts[place].clear()
        self.epoch += 1

    def follow(self, state: State, lent: Sequence[Row], *, anew: bool) -> list[Standing]:
        self.lent += lent
        for part in self.parts if anew else ():
            part.clear()
        return [
            part.follow(gallery.parts()[1], state, lent)
            for part, gallery in zip(self.parts, self.galleries, strict=True)
        ]

    def answers(self, state: State, question: str, arguments: tuple[Any, ...]) -> list[Any]:
        self.asked += 1
        return [answer(part, state, question, arguments) for part in self.parts]

    def require_ready(self) -> None:
        pass

    def close(self) -> None:
        for gallery in self.galleries:
            gallery.close()
