"""Measure a gallery's first threshold where its model brings none, and report it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.commands.console import note

if TYPE_CHECKING:
    from index.address import Place
    from index.gallery import Gallery


def measure(gallery: Gallery, place: Place) -> None:
    """Measure a threshold on the references where the model brings none; report and warn.

    Args:
        gallery: The new gallery.
        place: Its name for the user.
    """
    if not gallery.count_groups():
        note(f"Without labels there are no groups to check: likewise query {place} PICTURES")
        return
    if gallery.points.default is None:
        from likewise.calibration.own import measure_own

        note(measure_own(gallery).sentence(str(place)))
    if gallery.points.default is not None:
        from likewise.separation import warning

        if unseparated := warning(gallery.points.named()[1]):
            note(f"Warning: {unseparated}")
