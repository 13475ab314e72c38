"""The processes of jobs: `python -P -m likewise.server.jobs run JOB GALLERY SECONDS`, or `look`."""

import json
import os
import sys
from pathlib import Path

from likewise.shadowing import ShadowedError, refuse_shadowing


def main(task: str, *arguments: str) -> None:
    """Run a job or look into an upload, unless a foreign module hides one of ours.

    Args:
        task: `run`, or `look`, whose arguments come from stdin.
        arguments: The job's directory, the gallery's, and the seconds that decoding a picture may
            take of a processor.
    """
    try:
        refuse_shadowing()
    except ShadowedError as error:
        sys.exit(f"Error: {error}")
    if task == "look":
        from likewise.server.jobs.look import answer

        os.write(1, json.dumps(answer(sys.stdin.buffer.read())).encode())
        return
    from likewise.server.jobs.worker import main as work

    directory, gallery, seconds = arguments
    work(Path(directory), Path(gallery), float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
