"""The units, proxies and image steps of docs/deploy.md are valid."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from likewise.server.settings import MIB, Settings
from tests.eventually import eventually
from tests.likewise.server.conftest import png, real_gallery, serving
from tests.likewise.server.processes import ServerProcess
from tests.parsed import parsed

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "deploy" / "likewise.service"
PAGE = (ROOT / "docs" / "deploy.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
NOBODY = 65534

__all__ = ["real_gallery"]  # a fixture of the tests of the server


def block(kind: str, holding: str = "") -> str:
    """The page's block of a kind that holds some text."""
    result = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    [text] = [text for text in result if holding in text]
    return text


def tool(name: str, package: str) -> str:
    result = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert result, f"{name} is needed for this test: apt-get install {package}"
    return result


def output(*command: str | Path) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


# ------------------------------------------------------------------ systemd


def installed(text: str, path: Path) -> Path:
    """A unit as it would be installed, its command being that of this environment."""
    command = str(Path(sys.executable).parent / "likewise")
    path.write_text(text.replace("/opt/likewise/bin/likewise", command))
    return path


def reader_unit() -> str:
    line = next(line for line in block("sh", "sed ").replace("\\\n", "").splitlines())
    words = shlex.split(line.partition(">")[0])
    return subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


UNITS = {"likewise.service": UNIT.read_text, "likewise-reader@.service": reader_unit}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault_with_the_unit(name, tmp_path):
    unit = installed(UNITS[name](), tmp_path / name)
    assert output(tool("systemd-analyze", "systemd"), "verify", "--man=no", unit) == ""


@pytest.mark.slow
def test_the_unit_exposes_little(tmp_path):
    unit = installed(UNIT.read_text(), tmp_path / UNIT.name)
    command = (tool("systemd-analyze", "systemd"), "security", "--offline=yes", "--threshold=20")
    assert "OK" in output(*command, unit)


@pytest.mark.parametrize("name", UNITS)
def test_the_units_command_is_one_of_ours(name):
    [line] = re.findall(r"^ExecStart=\S+ serve (.*)", UNITS[name](), re.MULTILINE)
    asked = parsed(["serve", *shlex.split(line.replace("%i", "8001"))])
    assert (asked["host"], asked["read_only"]) == ("127.0.0.1", "reader" in name)


def test_the_unit_waits_for_longer_than_the_server_does():
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)", UNIT.read_text(), re.MULTILINE)
    assert int(seconds) > Settings().grace


def test_the_page_installs_as_the_dockerfile_does():
    steps = r"^(?:RUN )?(/opt/likewise/bin/python -m pip .*)"
    shown = re.findall(steps, block("sh", "useradd"), re.MULTILINE)
    assert shown == re.findall(steps, DOCKERFILE, re.MULTILINE)
    assert len(shown) == 2


# ------------------------------------------------------------------ proxies


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_proxies_take_bodies_as_large_as_the_server_does():
    settings = Settings()
    sizes = [settings.max_bytes // MIB, settings.max_upload // MIB]
    assert re.findall(r"client_max_body_size (\d+)m;", block("nginx")) == list(map(str, sizes))
    assert sorted(map(int, re.findall(r"max_size (\d+)MiB", block("caddyfile")))) == sizes


@pytest.mark.slow
def test_caddy_finds_no_fault_with_its_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "Caddyfile").write_text(block("caddyfile"))
    message = output(tool("caddy", "caddy"), "validate", "--config", tmp_path / "Caddyfile")
    assert "Valid configuration" in message


@pytest.fixture
def proxied(real_gallery, tmp_path) -> Iterator[tuple[httpx.Client, ServerProcess]]:
    """A client that speaks TLS to nginx, in front of a server with a key."""
    certificate, key = tmp_path / "likewise.pem", tmp_path / "likewise.key"
    output(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate),
    )
    (tmp_path / "keys").write_text("read a-key-that-may-read\n")
    (tmp_path / "keys").chmod(0o600)
    with ServerProcess(real_gallery, "--keys", tmp_path / "keys") as server:
        port = free_port()
        text = block("nginx").replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
        text = text.replace("/etc/ssl/private/likewise.key", str(key))
        text = text.replace("/etc/ssl/likewise.pem", str(certificate))
        (tmp_path / "nginx.conf").write_text(nginx_around(text, tmp_path))
        nginx = (tool("nginx", "nginx-light"), "-c", tmp_path / "nginx.conf", "-p", tmp_path)
        output(*nginx, "-t")
        proxy = subprocess.Popen(nginx)
        trust = ssl.create_default_context(cafile=str(certificate))
        try:
            with httpx.Client(base_url=f"https://localhost:{port}", verify=trust) as client:
                client.headers["Authorization"] = "Bearer a-key-that-may-read"
                wait_for(client, "/readyz")
                yield client, server
        finally:
            proxy.terminate()
            proxy.wait()


def nginx_around(text: str, folder: Path) -> str:
    """The rest of a configuration, with nothing of it outside a folder."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}{text}}}\n"
    )


def wait_for(client: httpx.Client, path: str) -> None:
    eventually(
        lambda: client.get(path).status_code,
        until=lambda status: status == 200,
        retry=httpx.TransportError,
    )


@pytest.mark.slow
def test_nginx_passes_on_pictures_jobs_and_ids_of_requests(proxied, queries):
    client, server = proxied
    headers = {"Content-Type": "image/png"}
    answer = client.post("/v1/check", content=png(queries[0]), headers=headers)
    assert answer.json()["rows"][0]["decision"] == "match"
    with server.client() as direct:
        direct.headers.update({**headers, "X-API-Key": "a-key-that-may-read"})
        assert answer.json() == direct.post("/v1/check", content=png(queries[0])).json()
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])  # nginx's own form
    assert client.post("/v1/check", content=bytes(65 * MIB), headers=headers).status_code == 413
    large = client.post("/v1/jobs/check", content=bytes(65 * MIB), headers=headers)
    assert large.status_code == 415  # from the server itself
    assert client.get("/metrics").status_code == 403


@pytest.mark.costly
def test_every_figure_worth_an_alarm_is_in_the_metrics(real_gallery):
    named = set(re.findall(r"`[^`]*(likewise_[a-z_]+)[^`]*`", PAGE))
    with serving(real_gallery) as client:
        message = set(re.findall(r"^(likewise_[a-z_]+)", client.get("/metrics").text, re.MULTILINE))
    assert len(named) >= 5
    assert named <= message


# ------------------------------------------------------------------ the image


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each line of the Dockerfile."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def argument(name: str) -> str:
    return next(rest for result, rest in instructions() if result == name)


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """A folder as an image's root would be: every step of the Dockerfile run in it."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)  # others than its owner may read it
        folder = root / "src"
        (root / "data").mkdir(mode=0o777)
        (root / "data").chmod(0o777)
        for instruction, rest in instructions():
            if instruction == "COPY" and "--from" not in rest:
                *sources, target = rest.split()
                for source in sources:
                    copied(ROOT / source, folder / target / (source if target == "./" else ""))
            if instruction == "RUN" and not rest.startswith("useradd "):  # which is the machine's
                folder.mkdir(exist_ok=True)
                step = re.sub("^python ", f"{base_python()} ", rest).replace(
                    "/opt/", f"{root}/opt/"
                )
                done = subprocess.run(step, shell=True, cwd=folder, capture_output=True, text=True)
                assert done.returncode == 0, done.stdout + done.stderr
        yield root


def copied(source: Path, target: Path) -> None:
    if source.is_dir():
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, ignore=unwanted, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def base_python() -> str:
    """A Python that the user of the image could run too."""
    code = "import ensurepip, sys; assert (3, 11) <= sys.version_info < (3, 14)"
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        try:
            if not subprocess.run([python, "-c", code], cwd="/", **unprivileged()).returncode:
                return python
        except OSError:
            continue
    return sys.executable


def unprivileged() -> dict[str, Any]:
    """What makes a process one of nobody's, where the tests are root's."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def inside(image: Path, words: Sequence[str], port: int) -> list[str]:
    """A command of the image as one of this machine."""
    return [
        word.replace("/opt/", f"{image}/opt/").replace("/data", f"{image}/data")
        .replace("8000", str(port)).replace("0.0.0.0", "127.0.0.1")
        for word in words
    ]  # fmt: skip


@pytest.mark.slow
def test_the_images_commands_serve_in_an_empty_environment_as_another_user(image, queries):
    port, read = free_port(), "a-key-that-may-read"
    entry = json.loads(argument("ENTRYPOINT"))
    environment = {"LIKEWISE_READ_KEYS": read, "PYTHONDONTWRITEBYTECODE": "1"}
    as_user = {"env": environment, "cwd": image / "data", **unprivileged()}
    build = inside(image, [*entry, "build", "/data/digits.gallery", "mnist/test"], port)
    subprocess.run(build, check=True, capture_output=True, **as_user)
    health = inside(image, json.loads(argument("HEALTHCHECK").partition("CMD ")[2]), port)
    served = inside(image, [*entry, *json.loads(argument("CMD"))], port)
    with subprocess.Popen(served, stderr=subprocess.PIPE, **as_user) as server:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_for(client, "/readyz")
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0
            subprocess.run(health, check=True, **as_user)
            headers = {"Content-Type": "image/png", "X-API-Key": read}
            answer = client.post("/v1/check", content=png(queries[0]), headers=headers)
            assert answer.json()["rows"][0]["decision"] == "match"
            assert client.post("/v1/check").status_code == 401
        server.terminate()
        assert server.wait(timeout=60) == 0
    assert subprocess.run(health, capture_output=True, **as_user).returncode != 0


STUBS = {  # of what would change the machine: it is recorded
    "useradd": 'echo "useradd $*" >> "$RECORD"',
    "systemctl": 'echo "systemctl $*" >> "$RECORD"',
    "runuser": 'shift 3; exec "$@"',
}


@pytest.mark.slow
def test_the_steps_of_the_page_install_a_service_with_keys(image, tmp_path):
    for name, script in STUBS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)
    steps = block("sh", "useradd").replace("mnist/train", "mnist/test")
    steps = steps.replace("python3 -m venv", f"{base_python()} -m venv")
    steps = re.sub(r" -o likewise -g likewise", "", steps)
    steps = re.sub(r"/(opt|var|etc)/", rf"{image}/\1/", steps)
    (image / "etc" / "systemd" / "system").mkdir(parents=True)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", steps], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PATH": path, "RECORD": str(tmp_path / "record")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    record = (tmp_path / "record").read_text().splitlines()
    assert record[0].startswith("useradd --system")
    assert record[1:] == ["systemctl daemon-reload", "systemctl enable --now likewise"]
    keys = image / "etc" / "likewise" / "keys.env"
    assert keys.stat().st_mode & 0o077 == 0
    assert re.fullmatch(
        r"LIKEWISE_READ_KEYS=\w{48}\nLIKEWISE_WRITE_KEYS=\w{48}\n", keys.read_text()
    )
    unit = image / "etc" / "systemd" / "system" / "likewise.service"
    assert unit.read_text() == UNIT.read_text()
    gallery = image / "var" / "lib" / "likewise" / "digits.gallery"
    message = output(image / "opt" / "likewise" / "bin" / "likewise", "info", gallery)
    assert "references: 10000" in message


@pytest.mark.slow
def test_the_image_holds_no_tensorflow_and_no_tests(image):
    python = image / "opt" / "likewise" / "bin" / "python"
    held = {line.partition("==")[0] for line in output(python, "-m", "pip", "freeze").splitlines()}
    assert {"fastapi", "uvicorn"} <= held
    assert not held & {"tensorflow", "keras", "pytest"}
    assert output(python, "-m", "pip", "check") == "No broken requirements found.\n"


def test_the_image_runs_as_no_root_with_everything_locked():
    assert argument("USER") == "10001:10001"
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "--require-hashes -r requirements/serve.txt" in DOCKERFILE


def test_the_image_copies_only_what_is_sent_to_the_engine():
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copies = [rest.split()[:-1] for name, rest in instructions() if name == "COPY"]
    assert {source for words in copies for source in words if "--from" not in words[0]} == sent
