"""Random requests: whatever is sent, nothing is a defect of ours. `make fuzz` sends more than the tests do.

The admin API is asked by schemathesis from its own description; the data plane, whose bodies are open to fields nobody
knows yet, from the tables of fields it checks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.schemas import APIOperation

from gateway.wire import chat, completions, embeddings, messages, responses
from tests.running import MANIFEST, RULES, Gateway, running_gateway

CASES = int(os.environ.get("SLUICE_FUZZ_CASES", "25"))
"""Of each route, or surface."""
RANDOM = settings(
    max_examples=CASES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of its own: what is sent here may revoke keys and change what serves."""
    upstreams = {"demo": {"provider": "scripted", "rules": [rule for rule in RULES if "status" not in rule]}}
    with running_gateway(tmp_path_factory.mktemp("fuzzed"), upstreams, MANIFEST) as started:
        yield started


def refused_well(reply: httpx.Response) -> None:
    """A refusal has OpenAI's four keys, or Anthropic's two."""
    error = reply.json()["error"]
    assert error.keys() in ({"message", "type", "param", "code"}, {"message", "type"})


# The admin API -------------------------------------------------------------------------------------------------------


def operations(gateway: Gateway) -> list[APIOperation[Any, Any, Any, Any]]:
    description = httpx.get(f"{gateway.url}/admin/openapi.json", headers=gateway.headers).json()
    schema = schemathesis.openapi.from_dict(description)
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.timeout(300)
def test_random_requests_to_the_admin_api(fuzzed: Gateway) -> None:
    described = operations(fuzzed)
    assert len(described) > 10
    with httpx.Client(base_url=fuzzed.url, headers=fuzzed.headers, timeout=30) as client:
        for operation in described:

            @RANDOM
            @given(case=operation.as_strategy())
            def ask(case: Any) -> None:
                reply = client.request(**sent(case))
                assert reply.status_code < 500, (case.method, case.formatted_path, case.body, reply.text)
                if reply.status_code >= 400 and reply.content:
                    refused_well(reply)

            ask()


def sent(case: Any) -> dict[str, Any]:
    """A case as httpx takes it, with our own key."""
    whole = case.as_transport_kwargs()
    headers = {
        name: value for name, value in (whole.get("headers") or {}).items() if name.lower() not in ("authorization",)
    }
    found = {"method": whole["method"], "url": case.formatted_path, "params": whole.get("params"), "headers": headers}
    if whole.get("json") is not None:
        found["json"] = whole["json"]
    elif isinstance(whole.get("data"), str | bytes):
        found["content"] = whole["data"]
    return found


# The data plane ------------------------------------------------------------------------------------------------------

TEXTS = st.text(max_size=20)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])
PARTS = st.sampled_from("text image_url input_audio file refusal tool_use tool_result thinking input_text".split())
CONTENT = (
    TEXTS | st.none() | st.lists(st.fixed_dictionaries({"type": PARTS}, optional={"text": TEXTS, "content": JSON}))
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": ROLES, "content": CONTENT}, optional={"tool_calls": JSON, "tool_call_id": JSON}),
    max_size=4,
)
ITEMS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from("message reasoning function_call function_call_output item_reference".split())},
        optional={"role": ROLES, "content": CONTENT, "call_id": TEXTS, "output": JSON, "id": JSON, "arguments": JSON},
    ),
    max_size=4,
)
SURFACES: dict[str, tuple[frozenset[str], st.SearchStrategy[dict[str, Any]]]] = {
    "chat/completions": (chat.FIELDS, st.fixed_dictionaries({"messages": MESSAGES})),
    "completions": (completions.FIELDS, st.fixed_dictionaries({"prompt": TEXTS})),
    "embeddings": (embeddings.FIELDS, st.fixed_dictionaries({"input": TEXTS})),
    "messages": (messages.FIELDS, st.fixed_dictionaries({"messages": MESSAGES, "max_tokens": st.just(9)})),
    "responses": (frozenset(responses.FIELDS), st.fixed_dictionaries({"input": TEXTS | ITEMS})),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("surface", SURFACES)
def test_random_requests_to_the_data_plane(fuzzed: Gateway, surface: str) -> None:
    known, good = SURFACES[surface]
    fields = st.dictionaries(st.sampled_from(sorted(known)) | TEXTS, JSON, max_size=3)
    models = st.sampled_from(["demo", "greeter", "support-bot"]) | JSON
    with httpx.Client(base_url=f"{fuzzed.api}/", headers=fuzzed.headers, timeout=30) as client:

        @RANDOM
        @given(good=good, model=models, more=fields, stream=st.booleans())
        def ask(good: dict[str, Any], model: Any, more: dict[str, Any], stream: bool) -> None:
            body = {"model": model, **good, "stream": stream, **more}
            reply = client.post(surface, content=written(body))
            assert reply.status_code in (200, 400, 404), (body, reply.text)
            if reply.status_code != 200:
                refused_well(reply)

        ask()


def written(body: Any) -> bytes:
    """JSON, with the numbers that JSON does not have in it as well."""
    return json.dumps(body).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("surface", SURFACES)
def test_random_bytes_to_the_data_plane(fuzzed: Gateway, surface: str) -> None:
    with httpx.Client(base_url=f"{fuzzed.api}/", headers=fuzzed.headers, timeout=30) as client:

        @RANDOM
        @given(st.binary(max_size=200))
        def ask(raw: bytes) -> None:
            reply = client.post(surface, content=raw)
            assert reply.status_code == 400
            refused_well(reply)

        ask()


def test_the_gateway_still_serves(fuzzed: Gateway) -> None:
    """After all that."""
    assert fuzzed.process.poll() is None
    assert httpx.get(f"{fuzzed.url}/healthz").status_code == 200
    assert "Traceback" not in (fuzzed.config.parent / "serve.log").read_text()
