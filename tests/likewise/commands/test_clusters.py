"""The options --ray, --shards and --parts, where there is no Ray, or no cluster."""

from __future__ import annotations

import socket
import sys

import pytest

from tests.likewise.commands.running import failure, run

ADDRESS = "postgresql://ann:s3cret@db.example/shop#shoes"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--ray", "auto"), "--ray needs -o FILE"),
        (("--ray", "auto", "--shard", "1/2", "-o", "rows.csv"), "Use --ray or --shard, not both"),
        (("--shards", "3", "-o", "rows.csv"), "--shards needs --ray"),
        (("--parts", "2"), "Use --ray and --parts together"),
        (("--ray", "auto", "--parts", "2", "--shards", "3"), "Use --parts alone"),
        (("--ray", "auto", "--parts", "2", "--shard", "1/2", "-o", "r.csv"), "Use --parts alone"),
    ],
)
def test_options_that_do_not_go_together_are_refused(gallery, options, reason):
    result = run("check", gallery, "mnist/test/00000", *options)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_without_ray_one_sentence_says_how_to_get_it(gallery, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    output = tmp_path / "rows.csv"
    sentence = failure("check", gallery, "mnist/test/00000", "-o", output, "--ray", "auto")
    assert sentence == (
        "Error: --ray needs Ray, which is not installed: pip install 'likewise[ray]'\n"
    )
    assert not list(tmp_path.glob("rows*"))


COMMANDS_IN_PARTS = {
    "query": ["mnist/test/00000"],
    "calibrate": ["--fpir", "0.1"],
    "evaluate": ["mnist/test/00000", "--out", "report"],
    "serve": [],
}


@pytest.mark.parametrize("command", COMMANDS_IN_PARTS)
@pytest.mark.parametrize("option", [("--ray", "auto"), ("--parts", "2")])
def test_parts_need_a_cluster_and_a_cluster_parts(gallery, command, option):
    result = run(command, gallery, *COMMANDS_IN_PARTS[command], *option)
    assert result.exit_code == 2
    assert "Use --ray and --parts together" in result.stderr


@pytest.mark.parametrize("command", ["query", "serve"])
def test_without_ray_there_are_no_parts(gallery, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = (command, gallery, *COMMANDS_IN_PARTS[command], "--ray", "auto", "--parts", "2")
    assert "--ray needs Ray, which is not installed" in failure(*words)


def test_an_address_with_a_password_is_not_brought_to_a_cluster():
    sentence = failure("serve", ADDRESS, "--ray", "auto", "--parts", "2")
    assert "put it into ~/.pgpass on every node" in sentence
    assert "s3cret" not in sentence


@pytest.fixture
def _a_ray_that_is_never_asked(monkeypatch):
    class Ray:
        def shutdown(self) -> None: ...

    monkeypatch.setitem(sys.modules, "ray", Ray())


@pytest.mark.usefixtures("_a_ray_that_is_never_asked")
def test_an_address_where_nobody_answers_is_one_sentence(fake, tmp_path):
    with socket.socket() as unheard:  # bound, but it does not listen
        unheard.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unheard.getsockname()[1]}"
        embed = ("embed", "mnist/test/00000", "-o", tmp_path / "vectors.npy", "--ray")
        assert failure(*embed, address).startswith(f"Error: No Ray cluster answers at {address} (")


@pytest.mark.usefixtures("_a_ray_that_is_never_asked")
@pytest.mark.parametrize("address", ["here", "ray://head:10001", ":6379", "head:"])
def test_what_is_no_address_is_refused(fake, tmp_path, address):
    embed = ("embed", "mnist/test/00000", "-o", tmp_path / "vectors.npy", "--ray", address)
    assert "A Ray cluster is auto or HOST:PORT" in failure(*embed)


def test_shards_of_an_input_that_cannot_be_counted_are_refused(gallery, tmp_path):
    check = ("check", gallery, "-", "-o", tmp_path / "rows.csv", "--ray", "auto", "--shards", 2)
    result = run(*check, input="mnist/test/00000\n")
    assert "--shards needs an input whose pictures can be counted" in result.stderr


def test_a_password_in_an_address_would_be_seen_and_is_refused():
    from click import ClickException

    from index.address import Address
    from likewise.commands.clusters import require_no_password

    with pytest.raises(
        ClickException, match=r"ann@db\.example/shop#shoes holds a password"
    ) as seen:
        require_no_password(Address.of(ADDRESS))
    assert "s3cret" not in str(seen.value)
    require_no_password(Address.of(ADDRESS.replace(":s3cret", "")))
