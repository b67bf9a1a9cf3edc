"""From an upstream's settings to the upstream: every kind is built without its model, its secrets read at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from gateway.errors import UpstreamFailed
from gateway.faults import BadSettings
from gateway.http.base import Timeouts
from gateway.pricing import PriceTable
from gateway.providers.base import Ask
from gateway.providers.build import Builder
from gateway.providers.credentials import EntraToken, StaticKey
from gateway.providers.openai import OpenAIProvider
from gateway.settings import AnyUpstream
from gateway.upstreams import Upstream

pytestmark = pytest.mark.anyio
SETTINGS: TypeAdapter[Any] = TypeAdapter(AnyUpstream)
KINDS: dict[str, dict[str, Any]] = {
    "openai": {"model": "m"},
    "litellm": {"model": "anthropic/m"},
    "llamacpp": {},
    "transformers": {},
    "sentence-transformers": {},
    "scripted": {},
}


@pytest.fixture
async def builder() -> AsyncIterator[Builder]:
    made = Builder(PriceTable("v", {}))
    yield made
    await made.close()


def build(builder: Builder, provider: str, **fields: Any) -> Upstream:
    return builder.build("u", SETTINGS.validate_python({"provider": provider, **KINDS[provider], **fields}))


def test_every_kind_of_settings_is_here() -> None:
    kinds = {get_args(kind.model_fields["provider"].annotation)[0] for kind in get_args(get_args(AnyUpstream)[0])}
    assert kinds == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_built_and_closed(builder: Builder, kind: str) -> None:
    upstream = build(builder, kind, drop=["seed"], shutdown_date="2027-01-01", timeouts={"idle": 7})
    assert (upstream.name, upstream.kind) == ("u", kind)
    assert (upstream.drops, upstream.shutdown_date) == (frozenset(["seed"]), "2027-01-01")
    assert upstream.timeouts == Timeouts(5, 600, 7, 600)
    assert upstream.provider.operations <= {"chat", "completions", "embeddings"}
    await upstream.provider.close()


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"litellm"}))
def test_building_loads_no_model(kind: str) -> None:
    """Nor what would run one: a gateway must be ready before its models are."""
    script = (
        "import sys, asyncio\n"
        "from pydantic import TypeAdapter\n"
        "from gateway.pricing import PriceTable\n"
        "from gateway.providers.build import Builder\n"
        "from gateway.settings import AnyUpstream\n"
        "async def main():\n"
        f"    spec = TypeAdapter(AnyUpstream).validate_python({ {'provider': kind, **KINDS[kind]}!r})\n"
        "    Builder(PriceTable('v', {})).build('u', spec)\n"
        "asyncio.run(main())\n"
        "print(*({'torch', 'transformers', 'xllamacpp', 'sentence_transformers'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


async def test_only_transformers_has_adapters(builder: Builder, tmp_path: Path) -> None:
    assert build(builder, "transformers", adapters={"v1": tmp_path, "v2": tmp_path}).adapters == ("v1", "v2")
    assert build(builder, "scripted").adapters == ()


@pytest.mark.parametrize("kind", ["openai", "litellm"])
async def test_what_a_server_cannot_honour_is_configured(builder: Builder, kind: str) -> None:
    assert "seed" in build(builder, kind, refuses=["seed"]).provider.refuses
    assert "seed" not in build(builder, kind).provider.refuses


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]"])
async def test_an_upstream_is_at_a_metadata_address_only_where_it_may_be(builder: Builder, host: str) -> None:
    """Refused before anything is sent."""
    upstream = build(builder, "openai", base_url=f"http://{host}/v1")
    with pytest.raises(UpstreamFailed) as refused:
        await upstream.provider.send(Ask("chat", {"messages": []}))
    assert refused.value.code == "upstream_address"
    allowed = build(builder, "openai", base_url=f"http://{host}/v1", link_local=True).provider
    assert isinstance(allowed, OpenAIProvider)
    assert allowed._client is builder._anywhere


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "other"},
        {"base_url": "http://elsewhere/v1"},
        {"api_key": "file:/dev/null"},
        {"api_key_header": "api-key"},
        {"query": {"a": "b"}},
        {"headers": {"a": "b"}},
        {"rename": {"a": "b"}},
        {"refuses": ["seed"]},
        {"proxy": "http://proxy:1"},
        {"timeouts": {"idle": 7}},
        {"price": {"input": 1}},
        {"drop": ["seed"]},
        {"shutdown_date": "2027-01-01"},
    ],
)
async def test_the_digest_names_everything_that_matters_to_a_call(builder: Builder, fields: dict[str, Any]) -> None:
    assert build(builder, "openai").digest == build(builder, "openai").digest
    assert build(builder, "openai", **fields).digest != build(builder, "openai").digest


# Credentials ---------------------------------------------------------------------------------------------------------


async def credential_of(upstream: Upstream) -> Any:
    assert isinstance(upstream.provider, OpenAIProvider)
    return upstream.provider._credential


async def test_an_api_key_is_read(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k\n")
    plain = await credential_of(build(builder, "openai", api_key=f"file:{tmp_path / 'key'}"))
    assert isinstance(plain, StaticKey)
    assert plain.current == ((b"authorization", b"Bearer k"),)
    azure = await credential_of(build(builder, "openai", api_key=f"file:{tmp_path / 'key'}", api_key_header="api-key"))
    assert azure.current == ((b"api-key", b"k"),)
    assert await credential_of(build(builder, "openai")) is None


async def test_entra_outranks_a_key(builder: Builder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("shh")
    entra = {"tenant_id": "t", "client_id": "c", "client_secret": f"file:{tmp_path / 'secret'}"}
    assert isinstance(await credential_of(build(builder, "openai", entra=entra)), EntraToken)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("openai", {"api_key": "env:SLUICE_TEST_NO_SUCH_KEY"}),
        ("openai", {"entra": {"client_secret": "env:SLUICE_TEST_NO_SUCH_KEY"}}),
        ("litellm", {"credentials": {"api_key": "env:SLUICE_TEST_NO_SUCH_KEY"}}),
    ],
)
async def test_a_secret_that_is_not_there_is_named_at_the_start(
    builder: Builder, kind: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(BadSettings) as refused:
        build(builder, kind, **fields)
    assert "SLUICE_TEST_NO_SUCH_KEY" in refused.value.message
