"""Manifests: the YAML of prompts and endpoints, every fault named with its place."""

from __future__ import annotations

import pytest

from gateway.allowances import Scope
from gateway.amounts import Allowance
from gateway.errors import BadRequest
from gateway.parameters import NOT_PARAMETERS
from gateway.releases.manifest import Manifest, parse

WHOLE = """
prompts:
  greeter:
    variables: {name: string, tone: {type: string, default: warm}}
    messages:
      - {role: user, content: "Greet {{ name }}."}
endpoints:
  support-bot:
    description: Answers.
    prompt: greeter@2
    upstream: demo
    parameters: {temperature: 0.1}
    tools: [{type: function, function: {name: f}}]
    response_format: {type: json_object}
    limits: {requests_per_minute: 600, concurrent: 8, budget: 0.10usd/day}
"""


def fault(text: str) -> str:
    with pytest.raises(BadRequest) as refused:
        parse(text, "manifest.yaml")
    assert refused.value.code == "invalid_manifest"
    assert refused.value.message.startswith("manifest.yaml")
    return refused.value.message


def test_a_whole_manifest() -> None:
    manifest = parse(WHOLE, "m")
    prompt, endpoint = manifest.prompts["greeter"], manifest.endpoints["support-bot"]
    assert prompt.messages == ({"role": "user", "content": "Greet {{ name }}."},)
    assert prompt.variables["required"] == ["name"]
    assert (endpoint.prompt, endpoint.upstream, endpoint.description) == ("greeter@2", "demo", "Answers.")
    assert endpoint.parameters == {"temperature": 0.1}
    assert endpoint.tools == ({"type": "function", "function": {"name": "f"}},)
    assert endpoint.response_format == {"type": "json_object"}
    assert endpoint.limits is not None
    assert endpoint.limits.allowance(Scope("endpoint", "support-bot")) == Allowance(
        "endpoint:support-bot", requests_per_minute=600, concurrent=8, budget=100_000, budget_period="day"
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n", "prompts: {}", "{}"])
def test_nothing_declared_is_a_manifest(text: str) -> None:
    assert parse(text, "m") == Manifest()


def test_documents_are_laid_together() -> None:
    one, two, three = (
        "prompts: {a/x: {messages: [{role: user, content: a}]}}",
        "endpoints: {b: {upstream: u}}",
        "endpoints: {c: {upstream: u}}",
    )
    manifest = parse("\n---\n".join((one, two, three)), "m")
    assert (list(manifest.prompts), list(manifest.endpoints)) == (["a/x"], ["b", "c"])


def test_what_is_declared_twice_is_refused() -> None:
    assert "endpoints.b is declared twice" in fault("endpoints: {b: {upstream: u}}\n---\nendpoints: {b: {upstream: v}}")
    assert "the key 'b' is given twice" in fault("endpoints:\n  b: {upstream: u}\n  b: {upstream: v}")
    assert "the key 'upstream' is given twice" in fault("endpoints: {b: {upstream: u, upstream: v}}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("prompt: {}", "prompt: "),
        ("prompts: []", "prompts: "),
        ("prompts: {a: {}}", "prompts.a.messages: "),
        ("prompts: {a: {messages: []}}", "prompts.a.messages: "),
        ("prompts: {a: {messages: [text]}}", "prompts.a.messages.0: "),
        ("prompts: {a: {messages: [{role: user}]}}", "prompts.a.messages.0: "),
        ("prompts: {a: {messages: [{role: user, content: a}], version: 1}}", "prompts.a.version: "),
        (
            "prompts: {A B: {messages: [{role: user, content: a}]}}",
            "prompts.A B.[key]: a name is of small ",
        ),
        ("prompts: {a/labels: {messages: [{role: user, content: a}]}}", "prompts.a/labels"),
        ("endpoints: {b: {}}", "endpoints.b.upstream: "),
        ("endpoints: {b: null}", "endpoints.b: "),
        ("endpoints: {b: {upstream: u, prompt: 'a@x'}}", "endpoints.b.prompt: a prompt is named, with @ "),
        ("endpoints: {b: {upstream: u, prompt: 'a@1@2'}}", "endpoints.b.prompt: "),
        ("endpoints: {b: {upstream: u, policy: 7}}", "endpoints.b.policy: "),
        ("endpoints: {b: {upstream: u, temperature: 1}}", "endpoints.b.temperature: "),
        ("endpoints: {b: {upstream: u, limits: {}}}", "endpoints.b.limits: "),
        ("endpoints: {b: {upstream: u, limits: 5}}", "endpoints.b.limits: "),
        ("endpoints: {b: {upstream: u, limits: {requests: 5}}}", "endpoints.b.limits.requests: "),
        ("endpoints: {b: {upstream: u, limits: {concurrent: 0}}}", "endpoints.b.limits.concurrent: "),
        ("endpoints: {b: {upstream: u, limits: {concurrent: true}}}", "endpoints.b.limits.concurrent: "),
        ("endpoints: {b: {upstream: u, limits: {budget: 50}}}", "endpoints.b.limits.budget: "),
        ("endpoints: {b: {upstream: u, limits: {budget: 50usd}}}", "endpoints.b.limits.budget: "),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, place: str) -> None:
    assert any(line.startswith(f"  {place}") for line in fault(text).splitlines()), fault(text)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("{temperature: hot}", "'temperature' must be a number"),
        ("{temperature: 3}", "'temperature' must be between 0 and 2"),
        ("{Temperature: 1}", "send 'temperature'"),
        ("{max_tokens: 0}", "'max_tokens' must be"),
    ],
)
def test_parameters_are_checked_as_a_client_s_are(parameters: str, said: str) -> None:
    message = fault(f"endpoints: {{b: {{upstream: u, parameters: {parameters}}}}}")
    assert "endpoints.b.parameters" in message
    assert said in message


@pytest.mark.parametrize("name", NOT_PARAMETERS)
def test_what_is_no_parameter_says_where_it_belongs(name: str) -> None:
    message = fault(f"endpoints: {{b: {{upstream: u, parameters: {{{name}: x}}}}}}")
    assert "endpoints.b.parameters" in message
    assert NOT_PARAMETERS[name] in message


@pytest.mark.parametrize(("ttl", "seconds"), [("1s", 1), ("300s", 300), ("30d", 2_592_000)])
def test_how_long_replies_are_kept(ttl: str, seconds: int) -> None:
    cache = parse(f"endpoints: {{b: {{upstream: u, cache: {{ttl: {ttl}}}}}}}", "m").endpoints["b"].cache
    assert cache is not None
    assert cache.seconds == seconds


@pytest.mark.parametrize("ttl", ["0s", "31d", "300", "soon", "-1s"])
def test_a_time_that_makes_no_sense_is_refused(ttl: str) -> None:
    assert "endpoints.b.cache.ttl" in fault(f"endpoints: {{b: {{upstream: u, cache: {{ttl: '{ttl}'}}}}}}")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- a",
        "text",
        "!!python/object/apply:os.system [id]",
        "prompts: !!python/name:os.system ''",
        "? [a]\n: b",
        "? {a: b}\n: c",
        "prompts: " + "[" * 3000,
        "\x00",
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    fault(text)
