"""Who may do what."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from cli import main
from likewise.errors import LikewiseError
from likewise.server.auth import Keys, read_keys
from likewise.server.settings import Settings
from tests.likewise.server.conftest import image, serving
from tests.likewise.server.test_errors import raw

READ, WRITE = "read-key-0123456789", "write-key-0123456789"


@pytest.fixture
def keyed(gallery):
    """A client of a server with keys, which sends none by itself."""
    with serving(gallery, Settings(keys=Keys((READ,), (WRITE,)))) as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_nothing_but_the_page_and_the_health_is_served_without_a_key(keyed, queries):
    for path in ("/v1/gallery", "/v1/references", "/metrics", "/openapi.json", "/nothing"):
        answer = keyed.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert keyed.post("/v1/check", **image(queries[0])).status_code == 401
    assert keyed.get("/healthz").status_code == 200
    assert keyed.get("/readyz").status_code == 200


@pytest.mark.parametrize("headers", [bearer(READ), {"X-API-Key": READ}, bearer(WRITE)])
def test_a_key_that_may_read_asks(keyed, queries, headers):
    asked = image(queries[0])
    asked["headers"] |= headers
    assert keyed.post("/v1/check", **asked).status_code == 200
    assert keyed.get("/v1/gallery", headers=headers).status_code == 200


def test_of_two_keys_the_one_in_authorization_counts(keyed):
    both = {**bearer(READ), "X-API-Key": WRITE}
    assert keyed.get("/v1/gallery", headers=both).json()["writable"] is False
    other = {**bearer(WRITE), "X-API-Key": READ}
    assert keyed.get("/v1/gallery", headers=other).json()["writable"] is True
    basic = {"Authorization": "Basic x", "X-API-Key": WRITE}  # which is no key of ours
    assert keyed.get("/v1/gallery", headers=basic).json()["writable"] is True


@pytest.mark.parametrize("key", ["guessed-key-0123456789", READ[:-1], "", "\xe9" * 20])
def test_a_different_key_gives_no_access(keyed, key):
    headers = {"X-API-Key": key.encode("latin-1")}
    assert keyed.get("/v1/gallery", headers=headers).status_code == 401


def test_only_a_key_that_may_write_changes(keyed, queries):
    put = image(queries[0])
    put["headers"] |= bearer(READ)
    answer = keyed.put("/v1/references/x?label=7", **put)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for method, path in (
        ("DELETE", "/v1/references/x"),
        ("POST", "/v1/references"),
        ("POST", "/v1/references/delete"),
    ):
        assert keyed.request(method, path, headers=bearer(READ)).status_code == 403
    put["headers"] |= bearer(WRITE)
    assert keyed.put("/v1/references/x?label=7", **put).status_code == 201
    output = [keyed.get("/v1/gallery", headers=bearer(key)).json() for key in (READ, WRITE)]
    assert [item["writable"] for item in output] == [False, True]


def test_a_read_only_server_changes_nothing(gallery, queries):
    with serving(gallery, Settings(read_only=True)) as client:
        answer = client.put("/v1/references/x?label=7", **image(queries[0]))
        assert (answer.status_code, answer.json()["code"]) == (409, "read_only")
        output = client.get("/v1/gallery").json()
        assert (output["writable"], output["read_only"]) == (False, True)


def test_without_keys_only_names_of_this_machine_are_answered(shared):
    port = shared.base_url.port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[::2]", ""):
        answer = shared.get("/v1/gallery", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert shared.get("/v1/gallery", headers={"Host": host}).status_code == 200


def test_without_keys_no_other_sites_page_is_answered(shared, queries):
    own = f"http://127.0.0.1:{shared.base_url.port}"
    for origin, status in ((own, 200), ("https://evil.example", 403), ("null", 403)):
        asked = image(queries[0])
        asked["headers"]["Origin"] = origin
        assert shared.post("/v1/check", **asked).status_code == status


def test_without_keys_the_host_of_the_address_is_checked_like_the_header(shared):
    for host, status in (("evil.example", b"403"), (shared.base_url.netloc.decode(), b"200")):
        head = f"GET http://{host}/v1/gallery HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        answer = raw(shared, f"{head}Connection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 " + status), host
    asked = b"GET http://127.0.0.1/v1/gallery HTTP/1.1\r\nHost: evil.example\r\n"
    answer = raw(shared, asked + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")  # of the two hosts that of the address counts


LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
PICTURE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
FRAMED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "embed"}


@pytest.mark.parametrize(
    ("site", "more", "status"),
    [
        ("same-origin", PICTURE, 200),
        ("none", LINK, 200),  # typed by somebody
        ("cross-site", LINK, 200),
        ("same-site", LINK, 200),
        ("cross-site", PICTURE, 403),
        ("same-site", PICTURE, 403),  # of another port of this machine
        ("cross-site", FRAMED, 403),
        ("cross-site", {}, 403),
    ],
)
def test_without_keys_other_sites_may_link_here_and_take_no_parts_of_it(shared, site, more, status):
    for path in ("/", "/v1/gallery"):
        answer = shared.get(path, headers={"Sec-Fetch-Site": site, **more})
        assert answer.status_code == status


def test_without_keys_a_form_of_another_site_is_refused(shared, queries):
    asked = image(queries[0])
    asked["headers"] |= {"Sec-Fetch-Site": "cross-site", **LINK}
    assert shared.post("/v1/check", **asked).status_code == 403


def test_without_keys_a_server_listens_on_this_machine_alone(gallery):
    done = CliRunner().invoke(main, ["serve", str(gallery), "--host", "0.0.0.0"])
    assert done.exit_code == 1
    assert "Without keys a server listens only on this machine" in done.output


def test_keys_come_from_a_file_and_from_the_environment(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text(f"# of the scanner\nread {READ}\n\nwrite {WRITE}  # mine\n")
    path.chmod(0o600)
    result = read_keys(path, {"LIKEWISE_READ_KEYS": "other-key-0123456789, "})
    assert result == Keys((READ, "other-key-0123456789"), (WRITE,))


def test_a_key_may_hold_what_begins_a_comment_elsewhere(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text(f"read {READ}#1\nwrite #{WRITE} # mine\n#read none\n")
    path.chmod(0o600)
    with pytest.raises(LikewiseError, match="line 2: expected"):  # a # after a blank begins one
        read_keys(path, {})
    path.write_text(f"read {READ}#1\n")
    assert read_keys(path, {}) == Keys((f"{READ}#1",), ())


@pytest.mark.parametrize(
    ("text", "mode", "part"),
    [
        (f"read {READ}", 0o640, "can be read by others"),
        ("read short", 0o600, "at least 16"),
        (f"admin {READ}", 0o600, "line 1: expected"),
        ("read", 0o600, "line 1: expected"),
    ],
)
def test_keys_that_are_none_are_refused(tmp_path, text, mode, part):
    path = tmp_path / "keys.txt"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(LikewiseError, match=part):
        read_keys(path, {})


@pytest.mark.parametrize("kind", ["a folder", "a pipe or a device"])
def test_what_is_no_file_is_no_file_of_keys(tmp_path, kind):
    path = tmp_path / "keys"
    path.mkdir() if kind == "a folder" else os.mkfifo(path, 0o600)  # which nobody writes to
    with pytest.raises(LikewiseError) as refused:
        read_keys(path, {})
    assert str(refused.value).startswith(f"Expected a file of keys, but {path} is {kind}: ")
    assert "chmod" not in str(refused.value)


@pytest.mark.parametrize("environment", [{}, {"LIKEWISE_WRITE_KEYS": " ,"}])
def test_where_keys_are_wanted_and_none_is_there_nothing_is_served(tmp_path, environment):
    path = tmp_path / "keys.txt"
    path.write_text("# none yet\n")
    path.chmod(0o600)
    with pytest.raises(LikewiseError, match=f"Expected at least one key in {path}"):
        read_keys(path, environment)
    assert not read_keys(None, {})
    with pytest.raises(LikewiseError, match="at least one key in LIKEWISE_READ_KEYS,"):
        read_keys(None, {"LIKEWISE_READ_KEYS": ""})


def test_a_key_is_neither_in_an_error_nor_in_the_log(gallery):
    lines: list[str] = []
    settings = Settings(keys=Keys((READ,)), log_all=True)
    with serving(gallery, settings, tell=lines.append) as client:
        texts = [client.get("/v1/gallery", headers=bearer(key)).text for key in (READ, "guessed")]
    assert not [text for text in [*texts, *lines] if READ in text or "guessed" in text]
    assert any('"status": 401' in line for line in lines)
