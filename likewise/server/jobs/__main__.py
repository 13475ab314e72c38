"""The processes of jobs: `python -P -m likewise.server.jobs TASK ARGUMENTS`.

| task | arguments | |
|---|---|---|
| `run` | JOB GALLERY SECONDS | run one job |
| `look` | SECONDS BYTES POLITE | count the pictures of uploads, one after the other |
"""

import sys
from pathlib import Path

from likewise.shadowing import ShadowedError, refuse_shadowing


def main(task: str, *arguments: str) -> None:
    """Run a task, unless a foreign module hides one of ours.

    Args:
        task: `run` or `look`.
        arguments: See the table above. SECONDS limits the processor time for each picture (`run`)
            or each upload (`look`); BYTES limits memory; POLITE is 1 for a low priority.
    """
    try:
        refuse_shadowing()
    except ShadowedError as error:
        sys.exit(f"Error: {error}")
    if task == "look":
        from embedder.decoders.loop import answer_all
        from likewise.server.jobs.look import answer

        seconds, memory, polite = arguments
        answer_all(answer, float(seconds), int(memory), polite == "1")
        return
    from index.address import place_of
    from likewise.server.jobs.worker import main as work

    directory, gallery, seconds = arguments
    work(Path(directory), place_of(gallery), float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
