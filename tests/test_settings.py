"""The models of the configuration: what is frozen, what is refused, and that a secret never shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.settings import AnyUpstream, BadSettings, Part, Secret, Settings

UPSTREAM: TypeAdapter[AnyUpstream] = TypeAdapter(AnyUpstream)


@pytest.mark.parametrize("address", ["https://api.openai.com/v1", "http://127.0.0.1:9", "http://[::1]:8000/v1/"])
def test_an_address(address: str) -> None:
    fields = {"base_url": address, "headers": {"OpenAI-Organization": "org-1"}, "api_key_header": "api-key"}
    settings = UPSTREAM.validate_python({"provider": "openai", "model": "m", **fields})
    assert getattr(settings, "base_url", None) == address


# Secrets -------------------------------------------------------------------------------------------------------------


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


def test_every_setting_is_frozen_and_refuses_unknown_keys() -> None:
    def parts(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model}.union(*(parts(sub) for sub in model.__subclasses__()))

    assert len(parts(Part)) > 10
    for part in parts(Part):
        assert part.model_config.get("extra") == "forbid"
        assert part.model_config.get("frozen") is True
