"""The process that runs one job: `python -P -m likewise.server.jobs JOB GALLERY`."""

import sys
from pathlib import Path

from likewise.shadowing import ShadowedError, refuse_shadowing


def main(directory: Path, gallery: Path) -> None:
    """Run a job, unless a foreign module hides one of ours.

    Args:
        directory: The job's directory.
        gallery: The gallery's directory.
    """
    try:
        refuse_shadowing()
    except ShadowedError as error:
        sys.exit(f"Error: {error}")
    from likewise.server.jobs.worker import main as work

    work(directory, gallery)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
