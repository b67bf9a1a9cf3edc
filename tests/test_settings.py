"""The models of the configuration: what is an address, and that every part is frozen and knows its keys."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter

from gateway.secret import Part
from gateway.settings import AnyUpstream

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
