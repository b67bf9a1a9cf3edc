"""Programs that are no part of the development tools, since they bring much and pin narrowly: each in a virtual
environment of its own, laid over this one's packages, so that only what is missing is installed."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

NO_INDEX = ("No matching distribution found", "Could not find a version")


def installed(name: str, *requirements: str) -> Path:
    """The folder of its commands. Made once, in this environment's folder, and again where the requirements change.
    Skips the test where pip finds no package index."""
    folder = Path(sys.prefix) / "overlays" / name
    stamp, wanted = folder / ".installed", "\n".join((sys.version, *requirements))
    if not stamp.exists() or stamp.read_text() != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        (python,) = (folder / "bin").glob("python3.*")
        (folder / "lib" / python.name / "site-packages" / "below.pth").write_text(sysconfig.get_path("purelib"))
        _run(str(python), "-m", "pip", "install", "--quiet", *requirements)
        stamp.write_text(wanted)
    return folder / "bin"


def _run(*command: str) -> None:
    ended = subprocess.run(command, text=True, capture_output=True)
    if ended.returncode and any(said in ended.stderr for said in NO_INDEX):
        pytest.skip(f"pip has no index to install from: {ended.stderr[-300:]}")
    assert ended.returncode == 0, ended.stdout + ended.stderr
