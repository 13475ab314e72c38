"""A PostgreSQL server for tests: its own user, a free loopback port, a temporary directory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.eventually import eventually

USER = "postgres"  # whom Debian makes for the server, which refuses to run as root
PASSWORD = "s3cret/of:the@owner"


def binaries() -> Path | None:
    """The folder of the server's programs; None if there are none."""
    found = shutil.which("pg_ctl")  # it lies beside the server
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0),
    )
    return debian[-1].parent if debian else Path(found).parent if found else None


class Server:
    """A server that can be stopped, killed and started again; its data stay until `remove`.

    Args:
        primary: The running server that it is a standby of, or None.
    """

    def __init__(self, primary: Server | None = None) -> None:
        place = binaries()
        assert place is not None
        self._binaries = place
        self.folder = Path(tempfile.mkdtemp(prefix="likewise-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self._as: dict[str, Any] = {"user": USER, "group": USER} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self.folder, USER, USER)
        self.folder.chmod(0o755)
        self.port = _free_port()
        if primary is None:
            self._initialise()
        else:
            self._copy(primary)
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, name: str, user: str = "owner", password: str | None = None) -> str:
        """The address of a gallery; the owner's password is in the environment."""
        secret = "" if password is None else f":{password}"
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/postgres#{name}"

    def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        command = [
            *(self._binaries / "postgres", "-D", self.data, "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"),
            *("-c", "shared_buffers=32MB", "-c", "max_connections=60"),
            *options,
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), cwd="/", stdout=log, stderr=log, **self._as
            )
        eventually(self.answers)

    def answers(self) -> bool:
        """Whether it lets somebody in."""
        command = [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(list(map(str, command)), check=False).returncode == 0

    def kill(self) -> None:
        """End it and all its children as a power cut would, but for what the disk holds."""
        assert self.process is not None
        for child in _children(self.process.pid):
            _signal(child, signal.SIGKILL)
        _signal(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it in an orderly way, without waiting for clients."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()

    def remove(self) -> None:
        """End it and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the server's superuser, over its socket."""
        import psycopg

        where = f"host={self.folder} port={self.port} user=root dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def _initialise(self) -> None:
        self._run("initdb", "-D", self.data, "-U", "root", "-E", "UTF8", "--locale=C", "-N")
        rules = [
            "local all root trust",
            "local replication root trust",
            "host all all 127.0.0.1/32 scram-sha-256",
        ]
        (self.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "promote", "-w", "-D", self.data)

    def _copy(self, primary: Server) -> None:
        where = ("-h", primary.folder, "-p", str(primary.port), "-U", "root")
        self._run("pg_basebackup", *where, "-D", self.data, "-R", "-c", "fast")

    def _run(self, program: str, *words: object) -> None:
        command = [str(self._binaries / program), *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._as)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _children(parent: int) -> Sequence[int]:
    """The processes of a parent, from the process table."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
