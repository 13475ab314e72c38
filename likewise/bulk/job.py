"""A bulk check into a file, which can be resumed after a kill."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from embedder.data.records import Record
from index.decision import CheckOptions
from likewise.bulk.elsewhere import Checking, Machines, Settings
from likewise.bulk.journal import Journal, ResumeError, journal_path, require_whole
from likewise.bulk.shard import Shard, Taken
from likewise.bulk.stream import check_stream
from likewise.bulk.summary import Summary
from likewise.matcher import Matcher
from likewise.output.columns import columns
from likewise.output.rows import together

_ROWS_AT_ONCE = 256  # the most rows that a kill can lose
_NAMED_INPUTS = 20


class Job:
    """A check of all pictures of its inputs, written to a file.

    Attributes:
        columns: Columns of a CSV of the rows.
        summary: Counts of the rows of this run.
        earlier: Number of rows from earlier runs.

    Args:
        matcher: Embedder and gallery.
        records: The pictures.
        inputs: Names of the inputs, the same from every working directory: a job is resumed only
            with the inputs that it was started with.
        options: As for `check_stream`.
        progress: Called with the number of further pictures that are done.
        machines: Who does the work; None for this process.

    Raises:
        EmptyGalleryError: If there are no references.
        GalleryError: If there is no such operating point, or no evidence with it.
    """

    def __init__(
        self,
        matcher: Matcher,
        records: Iterable[Record],
        inputs: Sequence[str],
        options: CheckOptions,
        progress: Callable[[int], object],
        machines: Machines | None = None,
    ) -> None:
        self._matcher = matcher
        self._machines = machines
        self._records = records
        self._inputs = list(inputs)
        self._progress = progress
        matcher.gallery.require_groups()
        self._options = replace(options, k=matcher.gallery.neighbours_of(options.k))
        self._rule = matcher.gallery.points.rule(options)
        self.columns = columns(self._options.k, decided=True, evidence=options.evidence)
        self.summary = Summary()
        self.earlier = 0

    def write(self, output: Path, *, resume: bool = False, shard: Shard | None = None) -> None:
        """Write the rows to a file, which appears once it is complete.

        Args:
            output: `.jsonl`, `.csv` or `.parquet`; until it is complete the rows are in a journal
                beside it.
            resume: Continue the journal of an interrupted run.
            shard: Write these pictures only, into the shard's part of `output`. A whole part of the
                same job is resumed too: nothing is left to do.

        Raises:
            ResumeError: If there is a journal and `resume` is not set, or it is another job's; or
                if there is none to go on with, but a file that a job has finished.
        """
        output = output if shard is None else shard.part(output)
        settings = self._settings()
        taken = None
        if shard is not None:
            settings |= shard.settings() | {"references": self._matcher.gallery.checksum}
            taken = Taken(shard, self._records)
        if resume and output.exists() and not journal_path(output).exists():
            if taken is not None:  # run again by what lost sight of its end
                deque(taken, maxlen=0)
                self.earlier = require_whole(output, settings, taken.end)
                return
            raise ResumeError(
                f"{output} is complete already, so there is nothing to resume. Leave out --resume "
                "to replace it, or choose another output file."
            )
        with Journal(output, settings, self.columns, resume=resume) as journal:
            self.earlier = journal.done
            self._progress(journal.done)
            self._write_remaining(journal, self._records if taken is None else taken)
            if taken is None:
                journal.finish()
            else:
                journal.finish_part(taken)

    def _write_remaining(self, journal: Journal, all_records: Iterable[Record]) -> None:
        records = journal.remaining(all_records)
        if self._machines is not None:
            self._write_from(journal, self._machines, records)
            return
        stream = check_stream(self._matcher, records, self._options, rule=self._rule)
        with closing(stream), closing(self.summary.counted(stream, self._progress)) as rows:
            for batch in together(rows, _ROWS_AT_ONCE):
                journal.write(batch)

    def _write_from(self, journal: Journal, machines: Machines, records: Iterable[Record]) -> None:
        """Write rows as other machines make them."""
        started, gallery = time.monotonic(), self._matcher.gallery
        rule, settings = self._rule, Settings.of_this_process()
        place = gallery.place
        work = Checking(
            place.absolute() if isinstance(place, Path) else place,
            gallery.checksum,
            gallery.fingerprint,
            self._options,
            rule,
            settings,
        )
        with closing(machines.results(work, records)) as results:
            for lines, part in results:
                journal.write_lines(lines)
                self.summary.include(part)
                self._progress(part.total)
        self.summary.seconds = time.monotonic() - started

    def _settings(self) -> dict[str, Any]:
        """All settings that determine the rows."""
        gallery, rule = self._matcher.gallery, self._rule
        return {
            "job": "check",
            "format": 1,
            "gallery": gallery.identity,
            "gallery_generation": gallery.generation,
            "model": gallery.fingerprint,
            "k": self._options.k,
            "group": rule.group,
            "threshold": rule.limits.threshold,
            "group_thresholds": dict(rule.limits.groups),
            "min_margin": rule.min_margin,
            "operating_point": rule.point,
            "evidence": None if rule.evidence is None else rule.evidence.name,
            "inputs": _named(self._inputs),
        }


def _named(inputs: list[str]) -> list[str]:
    """Describe the inputs; a long list of files by a digest."""
    if len(inputs) <= _NAMED_INPUTS:
        return inputs
    digest = hashlib.sha256("\0".join(inputs).encode("utf-8", "surrogateescape")).hexdigest()
    return [inputs[0], f"and {len(inputs) - 1} more: sha256 {digest}"]
