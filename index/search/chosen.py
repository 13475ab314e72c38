"""The approximate search of a gallery whose owner chose one: made, kept up, and made anew.

It is made where the owner chooses it. Where its file is missing, damaged or another's, or the
gallery has doubled or lost a twentieth, search is exact until it is made again: by a server when it
starts, by a process that changed the gallery when it closes it, and by one that asks very many
queries.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from index.search import division
from index.search.exact import ExactIndex
from index.search.mark import Mark
from index.search.setting import CODES, SearchSetting
from index.search.ties import Namer
from likewise.arrays import Floats, Indices

if TYPE_CHECKING:  # not for galleries that are searched exactly
    from index.search.approximate import Approximation
    from index.search.promise import Promise
    from index.search.sample import Rows

_REPAID = 100_000  # queries whose exact search takes as long as making an approximate one
_TOGETHER = 64  # queries that may wait for it


class ChosenSearch:
    """What the owner's setting makes of an index.

    Args:
        setting: How the gallery is searched.

    Attributes:
        setting: The same.
        made: The approximate search, where one is made.
    """

    def __init__(self, setting: SearchSetting) -> None:
        self.setting = setting
        self.made: Approximation | None = None
        self._asked = 0  # queries that were answered exactly for want of it

    @property
    def unsaved(self) -> bool:
        """Whether it was made since it was saved."""
        return self.made is not None and self.made.unsaved

    def lacks(self, count: int) -> bool:
        """Whether it is to be made, for a number of references."""
        if self.setting.recall is None or count < division.FROM:
            return False
        return self.made is None or not self.made.fits(self.setting, count)

    def is_due(self, count: int, queries: int) -> bool:
        """Whether it is to be made now that queries are asked.

        Args:
            count: References.
            queries: How many are asked now.
        """
        if not self.lacks(count):
            return False
        self._asked += queries
        return self._asked >= _REPAID and queries >= _TOGETHER

    def make(self, rows: Rows) -> Promise:
        """Make it, and measure what it finds.

        Args:
            rows: All references.
        """
        from index.search.tuning import tuned

        self.made, self._asked = None, 0
        self.made = tuned(rows, self.setting)
        return self.made.promise

    def nearest(
        self, index: ExactIndex, slots: Indices, queries: Floats, k: int, namer: Namer
    ) -> tuple[Indices, Floats]:
        """The k nearest rows of each query: those that are found, where that is the owner's choice.

        Args:
            index: All rows.
            slots: Their slots, `(m,)`, ascending.
            queries: `(n, dim)`, float32.
            k: From 1 to m.
            namer: Returns the rows' ids, which order equal distances.
        """
        made = self.made
        if made is None or self.lacks(len(index)) or not made.answers(k):
            return index.nearest(queries, k, namer)
        return made.nearest(index.stored, slots, queries, k, namer, index.nearest)

    def appended(self, vectors: Floats, slots: Indices) -> None:
        """Note that rows were added.

        Args:
            vectors: `(n, dim)`, float32.
            slots: Their slots, `(n,)`.
        """
        if self.made is not None:
            self.made.append(vectors, slots)

    def read(self, directory: Path, mark: Mark, dim: int) -> None:
        """Read what is kept of the same rows, where an approximate search was chosen.

        Args:
            directory: The gallery's directory.
            mark: Which rows these are.
            dim: Length of the vectors.
        """
        if self.setting.recall is not None:
            from index.search.kept_codes import read_codes

            self.made = read_codes(directory, mark, dim)

    def write(self, directory: Path, mark: Mark) -> None:
        """Keep it in a gallery's directory, and nothing where there is none.

        Args:
            directory: The gallery's directory.
            mark: Which rows it is of.

        Raises:
            OSError: If it cannot be written.
        """
        if self.made is None:
            (directory / CODES).unlink(missing_ok=True)
            return
        from index.search.kept_codes import write_codes

        write_codes(directory, mark, self.made)
        self.made.unsaved = False
