"""Servers as separate processes, started as a user does, which can be killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import httpx

from tests.eventually import eventually

ROOT = Path(__file__).parents[3]


class ServerProcess:
    """`likewise serve GALLERY OPTIONS`, once it says that it serves.

    Attributes:
        url: Where it answers.
        log: The lines that it has written to stderr since.
    """

    def __init__(
        self,
        gallery: Path | str,
        *options: str | Path,
        port: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from cli import main; main()", "serve", gallery),
                *("--port", str(port), *options),
            ],
            cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.log: list[str] = []
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if result := re.search(r"Serving \S+ on (http://\S+)/", line):
                self.url = result[1]
                break
        else:
            raise RuntimeError("".join(self.log))
        self._reader = Thread(target=self.log.extend, args=[self.process.stderr])
        self._reader.start()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, *, timeout: float = 60) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=timeout)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Tell it to stop; give the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()


@contextmanager
def serving_process(gallery: Path, *options: str | Path) -> Iterator[httpx.Client]:
    """A client of a server process, ready, and killed with the block."""
    with ServerProcess(gallery, *options) as server, server.client() as client:
        eventually(lambda: client.get("/readyz").status_code, until=lambda status: status == 200)
        yield client


def processes_of(word: str) -> list[int]:
    """The processes whose command line holds a word."""
    result = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (process / "cmdline").read_bytes():
                result.append(int(process.name))
        except OSError:
            continue
    return result
