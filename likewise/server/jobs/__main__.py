"""The processes of jobs: `python -P -m likewise.server.jobs TASK ARGUMENTS`.

| task | arguments | |
|---|---|---|
| `run` | JOB GALLERY SECONDS | run one job |
| `look` | SECONDS BYTES POLITE | look into one upload after the other |
"""

import sys
from pathlib import Path

from likewise.shadowing import ShadowedError, refuse_shadowing


def main(task: str, *arguments: str) -> None:
    """Run a job or look into an upload, unless a foreign module hides one of ours.

    Args:
        task: `run` or `look`.
        arguments: Those in the table above. SECONDS limits the processor time for one picture, or
            for one upload; BYTES limits memory.
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
    from likewise.server.jobs.worker import main as work

    directory, gallery, seconds = arguments
    work(Path(directory), Path(gallery), float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
