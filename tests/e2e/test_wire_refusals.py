"""Every refusal has OpenAI's error object: four keys, a status the SDKs know, and the field that is at fault."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.running import Gateway

HELLO = [{"role": "user", "content": "hello"}]
GOOD: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "demo", "messages": HELLO},
    "/v1/completions": {"model": "demo", "prompt": "hello"},
    "/v1/responses": {"model": "demo", "input": "hello"},
    "/v1/embeddings": {"model": "demo", "input": "hello"},
    "/v1/messages": {"model": "demo", "max_tokens": 9, "messages": HELLO},
}
LIMIT = 32 * 1024 * 1024


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, headers=gateway.headers, timeout=20) as made:
        yield made


@pytest.fixture(scope="module")
def stranger(gateway: Gateway) -> dict[str, str]:
    """The headers of another key, without a role, that may use `demo` only."""
    new = {"name": "stranger", "upstreams": ["demo"], "endpoints": []}
    key = httpx.post(f"{gateway.url}/admin/keys", headers=gateway.headers, json=new).json()["key"]
    headers = {"authorization": f"Bearer {key}"}
    for _ in range(100):
        if httpx.get(f"{gateway.api}/models", headers=headers).status_code == 200:
            return headers
    raise AssertionError("the new key is not known")


def refused(reply: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The error of a refusal, once everything that holds for each of them was looked at."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"].startswith("req_")
    body = reply.json()
    if body.keys() == {"type", "error"}:  # Anthropic's
        assert body["type"] == "error"
    else:
        assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    assert code is None or error["code"] == code
    assert reply.headers["x-should-retry"] == ("true" if status in (429, 502, 503, 504) else "false")
    return error


# Whatever is refused before a model is asked --------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOOD)
def test_bodies_that_cannot_be_read(client: httpx.Client, path: str) -> None:
    for raw in (b"", b"{", b"[]", b"null", b"\xff", b'{"model": NaN}', b'{"model":"\\ud800"}', b"[" * 100_000):
        assert refused(client.post(path, content=raw), 400, "invalid_json")["param"] is None
    twice = b'{"model": "demo", "model": "other"}'
    assert refused(client.post(path, content=twice), 400, "duplicate_key")["param"] == "model"
    assert refused(client.post(path, json={**GOOD[path], "MODEL": "x"}), 400, "invalid_field_name")["param"] == "MODEL"


@pytest.mark.parametrize("path", GOOD)
def test_media_that_cannot_be_read(client: httpx.Client, path: str) -> None:
    for headers in ({"content-type": "text/plain"}, {"content-encoding": "gzip"}):
        reply = client.post(path, content=json.dumps(GOOD[path]), headers=headers)
        refused(reply, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", GOOD)
def test_keys_that_are_none(gateway: Gateway, path: str) -> None:
    for given, code in (({}, "missing_api_key"), ({"authorization": "Bearer sk-x"}, "invalid_api_key")):
        reply = httpx.post(f"{gateway.url}{path}", headers=given, json=GOOD[path])
        refused(reply, 401, code)
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", GOOD)
def test_models_that_are_not_there_and_models_of_others(
    client: httpx.Client, stranger: dict[str, str], path: str
) -> None:
    missing = refused(client.post(path, json={**GOOD[path], "model": "nobody"}), 404, "model_not_found")
    hidden = refused(client.post(path, json={**GOOD[path], "model": "other"}, headers=stranger), 404)
    assert missing["param"] == hidden["param"] == "model"
    assert hidden["message"] == missing["message"].replace("nobody", "other")


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("model", [None, 3, "", [], {}, True])
def test_models_that_are_no_name(client: httpx.Client, path: str, model: Any) -> None:
    assert refused(client.post(path, json={**GOOD[path], "model": model}), 400)["param"] == "model"


@pytest.mark.parametrize("path", GOOD)
def test_bodies_beyond_the_limit(client: httpx.Client, path: str) -> None:
    """Announced and never sent: the refusal does not wait for it."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=20)
    connection.putrequest("POST", path)
    connection.putheader("authorization", client.headers["authorization"])
    connection.putheader("content-length", str(LIMIT + 1))
    connection.endheaders()
    reply = connection.getresponse()
    body = json.loads(reply.read())
    connection.close()
    assert (reply.status, body["error"]["code"]) == (413, "request_too_large")
    assert body["error"].keys() == {"message", "type", "param", "code"}


# The framework's own refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1"),
        ("POST", "/v1/images/generations"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "//v1/chat/completions"),
        ("GET", "/v1/responses/"),
        ("GET", "/admin/nowhere"),
    ],
)
def test_paths_that_are_none(gateway: Gateway, client: httpx.Client, method: str, path: str) -> None:
    refused(client.request(method, f"{gateway.url}{path}"), 404, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("OPTIONS", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/v1/responses/resp_1", "GET, DELETE"),
        ("DELETE", "/admin/calls", "GET"),
    ],
)
def test_methods_a_path_does_not_take(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    reply = client.request(method, path)
    refused(reply, 405, "method_not_allowed")
    assert set(reply.headers["allow"].split(", ")) == set(allowed.split(", "))


def test_the_admin_api_refuses_in_the_same_shape(
    gateway: Gateway, client: httpx.Client, stranger: dict[str, str]
) -> None:
    refused(httpx.get(f"{gateway.url}/admin/keys"), 401, "missing_api_key")
    refused(client.get("/admin/keys", headers=stranger), 403, "insufficient_permissions")
    refused(client.get("/metrics", headers=stranger), 403, "insufficient_permissions")
    for name in (3, "", "a\0b", "line\n", "x" * 101):
        assert refused(client.post("/admin/keys", json={"name": name}), 400)["param"] == "name"
    json_type = {"content-type": "application/json"}
    for raw in (b"{", b"\xff", b"nothing"):
        assert refused(client.post("/admin/keys", content=raw, headers=json_type), 400, "invalid_json")["param"] is None
    for raw in (b"", b'"x"', b"[]", b"[" * 100_000):
        refused(client.post("/admin/keys", content=raw, headers=json_type), 400)


# What a client may ask wrongly ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("/v1/chat/completions", {"messages": [{"role": [], "content": "x"}]}, "messages[0].role"),
        ("/v1/chat/completions", {"messages": []}, "messages"),
        ("/v1/chat/completions", {"max_tokens": -1}, "max_tokens"),
        ("/v1/chat/completions", {"max_tokens": 10**30}, "max_tokens"),
        ("/v1/chat/completions", {"n": 0}, "n"),
        ("/v1/chat/completions", {"n": 1000}, "n"),
        ("/v1/chat/completions", {"logit_bias": {"the": 1}}, "logit_bias.the"),
        ("/v1/chat/completions", {"stream": False, "stream_options": {}}, "stream_options"),
        ("/v1/chat/completions", {"tools": [{"type": "function"}]}, "tools[0].function"),
        ("/v1/chat/completions", {"stop": [3]}, "stop"),
        ("/v1/completions", {"prompt": [[]]}, "prompt[0]"),
        ("/v1/completions", {"best_of": 0}, "best_of"),
        ("/v1/responses", {"input": [{"type": "reasoning", "role": "system", "content": "x"}]}, "input[0].role"),
        ("/v1/responses", {"previous_response_id": "resp_none"}, "previous_response_id"),
        ("/v1/responses", {"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ("/v1/responses", {"messages": HELLO}, "messages"),
        ("/v1/responses", {"seed": "x"}, "seed"),
        ("/v1/embeddings", {"dimensions": 0}, "dimensions"),
        ("/v1/embeddings", {"encoding_format": "int8"}, "encoding_format"),
        ("/v1/embeddings", {"input": ["a", 1]}, "input"),
        ("/v1/embeddings", {"input": ["x"] * 2049}, "input"),
        ("/v1/messages", {"max_tokens": None}, "max_tokens"),
        ("/v1/messages", {"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    ],
)
def test_the_field_at_fault_is_named(client: httpx.Client, path: str, fields: dict[str, Any], param: str) -> None:
    for stream in ({}, {"stream": True}) if "stream" not in fields and path != "/v1/embeddings" else ({},):
        assert refused(client.post(path, json={**GOOD[path], **stream, **fields}), 400)["param"] == param


# Models and stored responses ------------------------------------------------------------------------------------------


def test_the_list_of_models(client: httpx.Client, stranger: dict[str, str]) -> None:
    listed = client.get("/v1/models").json()
    assert listed.keys() == {"object", "data"}
    assert listed["object"] == "list"
    for model in listed["data"]:
        assert model.keys() - {"shutdown_date"} == {"id", "object", "created", "owned_by"}
        assert model["object"] == "model"
        assert isinstance(model["created"], int)
        assert client.get(f"/v1/models/{model['id']}").json() == model
    assert [model["id"] for model in client.get("/v1/models", headers=stranger).json()["data"]] == ["demo"]
    head = client.head("/v1/models")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("model", ["nobody", "demo%20", "a/b", "%2e%2e", "%00", "%ff"])
def test_a_model_that_is_not_there(client: httpx.Client, model: str) -> None:
    assert refused(client.get(f"/v1/models/{model}"), 404, "model_not_found")["param"] == "model"


def test_a_response_belongs_to_its_key_and_is_deleted_once(client: httpx.Client, stranger: dict[str, str]) -> None:
    made = client.post("/v1/responses", json=GOOD["/v1/responses"]).json()["id"]
    place = f"/v1/responses/{made}"
    for method, path in (
        ("GET", place),
        ("GET", f"{place}/input_items"),
        ("DELETE", place),
        ("POST", f"{place}/cancel"),
    ):
        assert refused(client.request(method, path, headers=stranger), 404, "not_found")["param"] == "id"
    more = {**GOOD["/v1/responses"], "previous_response_id": made}
    refused(client.post("/v1/responses", json=more, headers=stranger), 400, "previous_response_not_found")
    refused(client.post(f"{place}/cancel"), 400, "not_cancellable")
    assert client.delete(place).json() == {"id": made, "object": "response", "deleted": True}
    refused(client.delete(place), 404, "not_found")
    refused(client.get(place), 404, "not_found")


def test_a_response_in_the_making_can_be_deleted_and_not_gone_on_from(client: httpx.Client) -> None:
    made = client.post("/v1/responses", json={"model": "demo", "input": "slow", "background": True}).json()["id"]
    more = {**GOOD["/v1/responses"], "previous_response_id": made}
    assert refused(client.post("/v1/responses", json=more), 400)["param"] == "previous_response_id"
    assert client.delete(f"/v1/responses/{made}").json()["deleted"]
    refused(client.get(f"/v1/responses/{made}"), 404, "not_found")


def test_the_input_of_a_response_is_given_in_pages_and_the_response_whole(client: httpx.Client) -> None:
    turns = [{"role": "user", "content": word} for word in ("one", "two", "three")]
    place = f"/v1/responses/{client.post('/v1/responses', json={'model': 'demo', 'input': turns}).json()['id']}"
    first = client.get(f"{place}/input_items?limit=2&order=asc").json()
    assert first["has_more"]
    rest = client.get(f"{place}/input_items?limit=2&order=asc&after={first['last_id']}").json()
    assert not rest["has_more"]
    texts = [item["content"][0]["text"] for item in first["data"] + rest["data"]]
    assert texts == ["one", "two", "three"]
    for query in ("limit=0", "order=up", "after=nothing", "include[]=message.input_image.image_url"):
        param = query.partition("=")[0].removesuffix("[]")
        assert refused(client.get(f"{place}/input_items?{query}"), 400)["param"] == param
    for query in ("stream=true", "starting_after=1", "include=reasoning.encrypted_content"):
        assert refused(client.get(f"{place}?{query}"), 400)["param"] == query.partition("=")[0]
    assert client.get(f"{place}?stream=false&unknown=x").status_code == 200
