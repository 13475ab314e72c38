"""`--ray auto` where no cluster runs: one is started for the command, and says nothing of it."""

from __future__ import annotations

import pytest

from tests.ray.running import command

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
PASSWORD = "pa55-that-nobody-logs"


def test_auto_starts_a_cluster_whose_logs_name_no_picture_and_no_password(
    real, scans, tmp_path, ray_folder
):
    scans.rename(tmp_path / "unnamed-scans")
    (tmp_path / "unnamed-scans" / "00.png").rename(tmp_path / "unnamed-scans" / "unnamed.png")
    check = ("check", real, tmp_path / "unnamed-scans", "-o")
    assert command(*check, tmp_path / "whole.csv", folder=ray_folder).returncode == 0
    output = tmp_path / "rows.csv"
    secret = {"PGPASSWORD": PASSWORD}
    done = command(*check, output, "--ray", "auto", folder=ray_folder, **secret)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Ray: no cluster runs on this machine, so one was started")
    assert (ray_folder / ".ray" / "auth_token").is_file(), "whoever has no token is kept out"
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    logs = [path for path in ray_folder.rglob("*") if path.is_file()]
    assert any("worker" in path.name for path in logs)
    words = (b"unnamed", PASSWORD.encode())
    assert not [path for path in logs if any(word in path.read_bytes() for word in words)]
