"""The command `sluice` as a user types it, run inside this process: the same entry point, and what it prints."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from gateway.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = orjson.loads(self.out)
        return found

    @property
    def listed(self) -> list[dict[str, Any]]:
        """What the admin API would give as a list."""
        found = orjson.loads(self.out)
        assert found["object"] == "list"
        data: list[dict[str, Any]] = found["data"]
        return data


Sluice = Callable[..., Done]


@pytest.fixture
def sluice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sluice:
    """Runs in a folder of its own, with a `sluicegate.yaml` of scripted upstreams."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLUICE_CONFIG", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    upstreams = {"demo": {"provider": "scripted"}, "down": {"provider": "scripted", "down": True}}
    (tmp_path / "sluicegate.yaml").write_text(yaml.safe_dump({"server": {"port": 0}, "upstreams": upstreams}))

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["sluice", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.app()
        printed = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(code is not None), printed.out, printed.err)

    return run
