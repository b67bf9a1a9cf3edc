"""The models of the configuration: what is an address, and that every part is frozen and knows its keys."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.secret import Part
from gateway.settings import AnyUpstream, Settings

UPSTREAM: TypeAdapter[AnyUpstream] = TypeAdapter(AnyUpstream)


@pytest.mark.parametrize("address", ["https://api.openai.com/v1", "http://127.0.0.1:9", "http://[::1]:8000/v1/"])
def test_an_address(address: str) -> None:
    fields = {"base_url": address, "headers": {"OpenAI-Organization": "org-1"}, "api_key_header": "api-key"}
    settings = UPSTREAM.validate_python({"provider": "openai", "model": "m", **fields})
    assert getattr(settings, "base_url", None) == address


def test_every_setting_is_frozen_and_refuses_unknown_keys() -> None:
    def parts(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model}.union(*(parts(sub) for sub in model.__subclasses__()))

    assert len(parts(Part)) > 10
    for part in parts(Part):
        assert part.model_config.get("extra") == "forbid"
        assert part.model_config.get("frozen") is True


def test_an_upstream_at_fault_is_not_missed_by_its_pool() -> None:
    upstreams = {"bad": {"provider": "nowhere"}, "one": {"provider": "scripted"}}
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"upstreams": upstreams, "pools": {"chat": {"members": {"one": 1}}}})
    assert {error["loc"][0] for error in refused.value.errors()} == {"upstreams"}
