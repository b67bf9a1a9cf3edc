"""The last known prompts on disk: whole or not there, and never a reason to fail."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.client.disk import Disk, Wanted

WANTED = (
    Wanted("greeter", "production", None),
    Wanted("greeter", "staging", None),
    Wanted("greeter", None, 3),
    Wanted("support/greeter", "production", None),
)


def test_each_prompt_is_kept_apart(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "new" / "folder", "http://gateway")
    for number, wanted in enumerate(WANTED):
        disk.keep(wanted, {"number": number})
    assert [disk.load(wanted) for wanted in WANTED] == [{"number": number} for number in range(4)]
    disk.keep(WANTED[0], {"number": 9})
    disk.forget(WANTED[1])
    disk.forget(WANTED[1])
    assert [disk.load(wanted) for wanted in WANTED[:2]] == [{"number": 9}, None]
    assert len(list(tmp_path.rglob("*.*"))) == 3


def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    Disk(tmp_path, "http://gateway").keep(WANTED[0], {})
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_what_is_broken_is_as_if_it_were_not_there(tmp_path: Path, content: bytes) -> None:
    disk = Disk(tmp_path, "http://gateway")
    disk.keep(WANTED[0], {})
    [file] = tmp_path.iterdir()
    file.write_bytes(content)
    assert disk.load(WANTED[0]) is None


def test_a_folder_that_cannot_be_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    disk = Disk(tmp_path / "file", "http://gateway")
    disk.keep(WANTED[0], {})
    disk.forget(WANTED[0])
    assert disk.load(WANTED[0]) is None
