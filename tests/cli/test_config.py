"""`sluice config`: what is wrong with a file, for people and machines, and what a file comes to."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

from gateway.settings import Settings
from tests.cli.conftest import Sluice

BAD = "server:\n  prot: 1\nupstreams:\n  a: {provider: openai}\n"


def test_a_good_file(sluice: Sluice) -> None:
    done = sluice("config", "check")
    assert (done.code, done.out) == (0, "sluicegate.yaml can be used.\n")


def test_without_a_file_the_built_in_settings_are_checked(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").unlink()
    assert sluice("config", "check").out == "The built-in settings can be used.\n"


@pytest.mark.parametrize("named", [("bad.yaml",), ("--config", "bad.yaml")])
def test_every_fault_is_a_line(sluice: Sluice, tmp_path: Path, named: tuple[str, ...]) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = sluice("config", "check", *named)
    assert done.code == 1
    assert done.out.splitlines() == [
        "bad.yaml:2: server.prot: unknown key; did you mean `port`?",
        "bad.yaml:4: upstreams.a.model: this key is required",
    ]


def test_faults_for_machines(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    found = orjson.loads(sluice("config", "check", "bad.yaml", "--json").out)
    assert (found["file"], found["ok"]) == ("bad.yaml", False)
    assert found["faults"][0] == {
        "what": "unknown key; did you mean `port`?",
        "key": "server.prot",
        "source": "bad.yaml",
        "line": 2,
    }


def test_a_file_that_is_not_there(sluice: Sluice) -> None:
    done = sluice("config", "check", "missing.yaml")
    assert done.code == 1
    assert done.out == "missing.yaml cannot be read: No such file or directory.\n"


def test_a_secret_that_is_elsewhere_is_noted_only(sluice: Sluice, tmp_path: Path) -> None:
    """A file is checked where its secrets are not, as in CI."""
    (tmp_path / "good.yaml").write_text(
        "upstreams: {a: {provider: openai, model: m, api_key: env:SLUICEGATE_NO_SUCH_VARIABLE}}"
    )
    done = sluice("config", "check", "good.yaml")
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("note: The environment variable SLUICEGATE_NO_SUCH_VARIABLE is not set")
    assert orjson.loads(sluice("config", "check", "good.yaml", "--json").out)["ok"] is True


def test_what_is_shown_is_a_configuration_again(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "sluicegate.yaml").write_text(
        "secret: env:PEPPER\ndatabase: postgresql+psycopg://sluice:hunter2@db/sluice\n"
        "upstreams: {a: {provider: openai, model: m, api_key: file:/run/key}}"
    )
    done = sluice("config", "show")
    assert done.code == 0
    assert "hunter2" not in done.out
    whole = yaml.safe_load(done.out)
    assert whole["database"] == "postgresql+psycopg://sluice:***@db/sluice"
    assert (whole["secret"], whole["upstreams"]["a"]["api_key"]) == ("env:PEPPER", "file:/run/key")
    assert whole["server"]["port"] == 8080, "defaults are filled in"
    assert Settings.model_validate(whole).upstreams.keys() == {"a"}
    assert orjson.loads(sluice("config", "show", "--json").out) == whole
