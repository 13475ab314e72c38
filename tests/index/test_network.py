"""Network disks are found in Linux's list of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.storage.network import network_disk

MOUNTS = r"""22 28 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:44 / /data rw,relatime shared:2 - nfs4 server:/data rw,vers=4.2
41 22 0:45 / /data/local rw,relatime shared:3 - ext4 /dev/sdb1 rw
42 22 0:46 / /sealed ro,relatime shared:4 - nfs4 server:/sealed ro
43 22 0:47 / /with\040blank rw,relatime - cifs //server/share rw
44 22 0:48 / /twice rw - nfs server:/old rw
45 44 0:49 / /twice rw - tmpfs tmpfs rw
"""


@pytest.fixture
def mounts(tmp_path) -> Path:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    return tmp_path / "mountinfo"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/digits.gallery", "nfs4"),
        ("/database", None),
        ("/data/local/digits.gallery", None),
        ("/sealed/digits.gallery", None),  # nobody here writes to it
        ("/with blank/digits.gallery", "cifs"),
        ("/twice/digits.gallery", None),
        ("/home/digits.gallery", None),
    ],
)
def test_the_innermost_mount_decides(mounts, path, kind):
    assert network_disk(Path(path), mounts) == kind


def test_without_a_list_of_mounts_a_disk_is_local(tmp_path):
    assert network_disk(tmp_path, tmp_path / "missing") is None
