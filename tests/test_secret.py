"""Secrets are references: read where they are, found wherever they are, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.faults import BadSettings
from gateway.secret import Secret
from gateway.settings import Settings


def test_a_secret_is_read_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    monkeypatch.setenv("MY_KEY", "sk-environment")
    assert Secret(reference=f"file:{file}").read() == "sk-file"
    assert Secret(reference="env:MY_KEY").read() == "sk-environment"


def test_a_secret_that_is_not_there_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    for reference, named in (("env:MY_KEY", "MY_KEY"), (f"file:{tmp_path / 'none'}", str(tmp_path / "none"))):
        with pytest.raises(BadSettings) as refused:
            Secret(reference=reference).read()
        assert named in refused.value.message


@pytest.mark.parametrize("written", ["sk-very-secret", "", "env:", "file:", "env:not a name", "ENV:A"])
def test_what_is_no_reference_is_refused_and_not_told_back(written: str) -> None:
    for given in (written, {"reference": written}):
        with pytest.raises(ValidationError) as refused:
            Settings.model_validate({"secret": given})
        assert "env:NAME or file:/path" in str(refused.value)
        assert "very-secret" not in str(refused.value) + repr(refused.value)


def test_a_secret_shows_as_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-environment")
    upstream = {"provider": "openai", "model": "m", "api_key": "env:MY_KEY"}
    settings = Settings.model_validate({"upstreams": {"a": upstream}})
    assert "sk-environment" not in repr(settings) + settings.model_dump_json()
    dumped = settings.model_dump(mode="json")
    assert dumped["upstreams"]["a"]["api_key"] == "env:MY_KEY"
    assert Settings.model_validate(dumped) == settings


def test_every_secret_is_found() -> None:
    upstreams = {
        "a": {"provider": "openai", "model": "m", "api_key": "env:A", "entra": {"client_secret": "file:/b"}},
        "c": {"provider": "litellm", "model": "m", "credentials": {"x": "env:C", "y": "env:D"}},
        "d": {"provider": "scripted"},
    }
    settings = Settings.model_validate({"secret": "file:/pepper", "upstreams": upstreams})
    found = sorted(secret.reference for secret in settings.secrets())
    assert found == ["env:A", "env:C", "env:D", "file:/b", "file:/pepper"]
    assert {secret.file for secret in settings.secrets()} == {None, Path("/b"), Path("/pepper")}
