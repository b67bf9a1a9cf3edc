"""LiteLLM's configuration made ours: what becomes of its models; nothing is lost silently, and no secret is copied."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.imports.litellm import Imported, convert
from gateway.settings import Settings

CANARY = "sk-canary-51ce"


def converted(**content: Any) -> Imported:
    imported = convert(yaml.safe_dump(content), "config.yaml")
    Settings.model_validate(imported.settings)
    assert yaml.safe_load(imported.yaml) == imported.settings
    assert CANARY not in imported.yaml + "".join(map(str, imported.notes))
    return imported


def entry(name: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def one(model: str, **params: Any) -> dict[str, Any]:
    """The upstream that this entry alone becomes."""
    found: dict[str, Any] = converted(model_list=[entry("m", model, **params)]).settings["upstreams"]["m"]
    return found


def said(imported: Imported, where: str) -> str:
    """What became of the value there."""
    (found,) = [f"{note.outcome}: {note.said}" for note in imported.notes if note.where == where]
    return found


# One model -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "params", "spec"),
    [
        ("gpt-4o", {}, ("gpt-4o", "https://api.openai.com/v1", "env:OPENAI_API_KEY")),
        ("openai/gpt-4o", {"api_key": "os.environ/MY_KEY"}, ("gpt-4o", "https://api.openai.com/v1", "env:MY_KEY")),
        ("groq/llama-3", {}, ("llama-3", "https://api.groq.com/openai/v1", "env:GROQ_API_KEY")),
        ("openrouter/meta/llama", {}, ("meta/llama", "https://openrouter.ai/api/v1", "env:OPENROUTER_API_KEY")),
        ("hosted_vllm/q", {"api_base": "http://vllm:8000/v1"}, ("q", "http://vllm:8000/v1", None)),
        ("openai/q", {"api_base": "http://vllm:8000/v1"}, ("q", "http://vllm:8000/v1", None)),
        ("q", {"api_base": "http://vllm:8000/v1"}, ("q", "http://vllm:8000/v1", None)),
        ("x", {"custom_llm_provider": "groq"}, ("x", "https://api.groq.com/openai/v1", "env:GROQ_API_KEY")),
    ],
)
def test_what_speaks_openai_s_api_is_asked_by_ourselves(
    model: str, params: dict[str, Any], spec: tuple[str, str, str | None]
) -> None:
    found = one(model, **params)
    assert found["provider"] == "openai"
    assert (found["model"], found["base_url"], found.get("api_key")) == spec


def test_azure() -> None:
    base = "https://eu.openai.azure.com/"
    found = one("azure/prod", api_base=base, api_key="os.environ/AZURE_KEY", api_version="2024-10-21")
    assert found == {
        "provider": "openai",
        "model": "prod",
        "base_url": "https://eu.openai.azure.com/openai/deployments/prod",
        "query": {"api-version": "2024-10-21"},
        "api_key": "env:AZURE_KEY",
        "api_key_header": "api-key",
    }
    assert one("azure/prod", api_base=base)["base_url"] == "https://eu.openai.azure.com/openai/v1"


def test_azure_with_entra() -> None:
    found = one(
        "azure/prod", api_base="https://eu.openai.azure.com", tenant_id="t", client_id="c", client_secret="os.environ/S"
    )
    assert found["entra"] == {"tenant_id": "t", "client_id": "c", "client_secret": "env:S"}
    assert "api_key" not in found


def test_every_other_cloud_goes_through_litellm() -> None:
    found = one(
        "bedrock/amazon.nova-lite-v1:0",
        aws_region_name="eu-central-1",
        aws_secret_access_key="os.environ/AWS_SECRET",
        aws_session_token=CANARY,
        vertex_credentials="/run/vertex.json",
    )
    assert found == {
        "provider": "litellm",
        "model": "bedrock/amazon.nova-lite-v1:0",
        "arguments": {"aws_region_name": "eu-central-1"},
        "credentials": {
            "aws_secret_access_key": "env:AWS_SECRET",
            "aws_session_token": "env:M_AWS_SESSION_TOKEN",
            "vertex_credentials": "file:/run/vertex.json",
        },
    }
    assert one("claude-sonnet-4-5") == {"provider": "litellm", "model": "claude-sonnet-4-5"}


def test_an_address_from_the_environment_goes_through_litellm_as_only_credentials_can_be_references() -> None:
    found = one("openai/q", api_base="os.environ/VLLM_URL")
    assert (found["provider"], found["model"]) == ("litellm", "openai/q")
    assert found["credentials"] == {"api_base": "env:VLLM_URL"}


def test_a_secret_in_the_open_is_not_copied() -> None:
    imported = converted(model_list=[entry("My-GPT", "gpt-4o", api_key=CANARY)])
    assert imported.settings["upstreams"]["my-gpt"]["api_key"] == "env:MY_GPT_API_KEY"
    assert "put it into the environment as MY_GPT_API_KEY" in said(imported, "model_list[0].litellm_params.api_key")
    assert said(imported, "model_list[0].model_name") == "changed: clients ask for 'my-gpt'"


def test_times_prices_and_headers() -> None:
    found = one("gpt-4o", timeout=30, organization="org", extra_headers={"x-team": "a", "x-secret-token": CANARY})
    assert found["timeouts"] == {"total": 30}
    assert found["headers"] == {"OpenAI-Organization": "org", "x-team": "a"}
    info = {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "mode": "chat"}
    imported = converted(model_list=[{**entry("m", "gpt-4o"), "model_info": info}])
    assert imported.settings["upstreams"]["m"]["price"] == {"input": 2_500_000, "output": 10_000_000}
    assert said(imported, "model_list[0].model_info.mode").startswith("left out")


def test_a_time_out_for_all_is_for_those_without_their_own() -> None:
    models = [entry("a", "gpt-4o", timeout=5), entry("b", "gpt-4o")]
    imported = converted(model_list=models, litellm_settings={"request_timeout": 60})
    totals = {name: spec["timeouts"]["total"] for name, spec in imported.settings["upstreams"].items()}
    assert totals == {"a": 5, "b": 60}


def test_named_credentials_are_laid_under() -> None:
    credentials = [{"credential_name": "azure", "credential_values": {"api_key": "os.environ/K", "api_base": "x"}}]
    models = [entry("m", "azure/d", litellm_credential_name="azure", api_base="https://eu.openai.azure.com")]
    found = converted(model_list=models, credential_list=credentials).settings["upstreams"]["m"]
    assert (found["api_key"], found["base_url"]) == ("env:K", "https://eu.openai.azure.com/openai/v1")


# Several models ------------------------------------------------------------------------------------------------------


def test_entries_of_one_name_become_a_pool() -> None:
    models = [entry("gpt", "gpt-4o", rpm=900), entry("gpt", "azure/d", api_base="https://eu.azure.com", rpm=600)]
    imported = converted(model_list=[*models, entry("other", "gpt-4o")])
    assert set(imported.settings["upstreams"]) == {"gpt-1", "gpt-2", "other"}
    assert imported.settings["pools"] == {"gpt": {"members": {"gpt-1": 3, "gpt-2": 2}}}
    assert "no limit here" in said(imported, "model_list[0].litellm_params.rpm")


@pytest.mark.parametrize(
    ("weights", "shares"), [((1, 3), (1, 3)), ((0.9, 0.1), (1000, 111)), ((1, 0), (1, 0)), ((3_000_000, 7), (1000, 1))]
)
def test_weights_are_whole_and_in_proportion(weights: tuple[float, float], shares: tuple[int, int]) -> None:
    models = [entry("gpt", "gpt-4o", weight=weight) for weight in weights]
    members = converted(model_list=models).settings["pools"]["gpt"]["members"]
    assert tuple(members.values()) == shares


def test_fallbacks_are_the_upstreams_of_the_other_names() -> None:
    models = [entry("a", "gpt-4o"), entry("b", "gpt-4o"), entry("b", "groq/x"), entry("c", "gpt-4o")]
    router = {"fallbacks": [{"a": ["b", "gone"]}, {"gone": ["a"]}], "num_retries": 3}
    imported = converted(model_list=models, router_settings=router)
    pools = imported.settings["pools"]
    assert pools["a"] == {"members": {"a-1": 1}, "fallbacks": ["b-1", "b-2"], "retries": 3}
    assert pools["c"] == {"members": {"c-1": 1}, "retries": 3}
    assert "without those that are no models" in said(imported, "router_settings.fallbacks[0].a")
    assert said(imported, "router_settings.fallbacks[1].gone").startswith("left out")


def test_default_fallbacks_are_for_names_without_their_own() -> None:
    models = [entry("a", "gpt-4o"), entry("b", "gpt-4o"), entry("c", "gpt-4o")]
    settings = {"default_fallbacks": ["c"], "fallbacks": [{"a": ["b"]}]}
    pools = converted(model_list=models, litellm_settings=settings).settings["pools"]
    assert {name: pool.get("fallbacks") for name, pool in pools.items()} == {"a": ["b-1"], "b": ["c-1"], "c": None}


def test_an_alias_is_a_pool_of_the_same_members() -> None:
    aliases = {"gpt-4": "gpt-4o", "hidden": {"model": "gpt-4o", "hidden": True}, "nothing": "gone"}
    imported = converted(model_list=[entry("gpt-4o", "gpt-4o")], router_settings={"model_group_alias": aliases})
    assert imported.settings["pools"] == {
        "gpt-4": {"members": {"gpt-4o": 1}},
        "hidden": {"members": {"gpt-4o": 1}},
    }
    assert said(imported, "router_settings.model_group_alias.nothing").startswith("left out")


def test_names_are_written_as_ours_and_stay_apart() -> None:
    models = [entry("GPT 4", "gpt-4o"), entry("gpt/4", "gpt-4o"), entry("gpt-4", "gpt-4o"), entry("x" * 99, "gpt-4o")]
    assert set(converted(model_list=models).settings["upstreams"]) == {"gpt-4", "gpt-4-2", "gpt-4-3", "x" * 60}


@pytest.mark.parametrize("name", ["*", "openai/*"])
def test_a_name_for_any_model_is_left_out(name: str) -> None:
    imported = converted(model_list=[entry(name, name)])
    assert imported.settings == {"upstreams": {}}
    assert "name each that is used" in said(imported, "model_list[0].model_name")


# What is left out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("openai/q", {"api_base": "not an address"}),
        ("openai/q", {"api_base": f"https://user:{CANARY}@host/v1"}),
        ("openai/q", {"api_base": "https://host/v1?a=b"}),
        ("gpt-4o", {"extra_headers": {"host": "elsewhere"}}),
    ],
)
def test_an_upstream_that_could_not_be_used_is_left_out_and_told(model: str, params: dict[str, Any]) -> None:
    imported = converted(model_list=[entry("m", model, **params), entry("n", "gpt-4o")])
    assert set(imported.settings["upstreams"]) == {"n"}
    assert any(note.outcome == "left out" and "could not be used" in note.said for note in imported.notes)


@pytest.mark.parametrize(
    ("content", "where", "words"),
    [
        ({"general_settings": {"master_key": CANARY}}, "general_settings.master_key", "sluice keys create"),
        ({"general_settings": {"database_url": CANARY}}, "general_settings.database_url", "`database`"),
        ({"litellm_settings": {"drop_params": True}}, "litellm_settings.drop_params", "`drop`"),
        ({"router_settings": {"redis_password": CANARY}}, "router_settings.redis_password", "`state.url`"),
        ({"environment_variables": {"K": CANARY}}, "environment_variables", "environment of the process"),
        ({"litellm_settings": {"anything": CANARY}}, "litellm_settings.anything", "no counterpart"),
        ({"anything": [CANARY]}, "anything", "no counterpart"),
        ({"model_list": CANARY}, "model_list", "no list"),
        ({"model_list": [CANARY]}, "model_list[0]", "no mapping"),
        ({"model_list": [{"model_name": "m"}]}, "model_list[0].model_name", ""),
        ({"router_settings": {"num_retries": "many"}}, "router_settings.num_retries", "no number"),
    ],
)
def test_what_has_no_place_is_told_with_what_to_do(content: dict[str, Any], where: str, words: str) -> None:
    assert words in said(converted(**content), where)


@pytest.mark.parametrize("text", ["- a", "a: 1\na: 2", "a: [", "a: 1\n---\nb: 2"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        convert(text, "config.yaml")
    assert "config.yaml" in refused.value.message


def test_an_empty_file_has_no_upstreams() -> None:
    assert convert("", "config.yaml").settings == {"upstreams": {}}


# Nothing is lost silently --------------------------------------------------------------------------------------------

SCALARS = st.sampled_from(["os.environ/A", "x", "http://h/v1", 5, 0, 0.5, True, -1]) | st.none()
KEYS = st.sampled_from(
    "api_base api_version rpm weight timeout organization temperature tpm aws_region_name tenant_id odd".split()
)
MODELS = st.sampled_from(["gpt-4o", "azure/d", "groq/l", "bedrock/n", "hosted_vllm/q", "odd/one", "openai/*"])
ENTRY = st.builds(
    lambda name, model, params: entry(name, model, api_key=CANARY, **params),
    st.sampled_from(["a", "b", "B", "*"]),
    MODELS,
    st.dictionaries(KEYS, SCALARS, max_size=4),
)
SECTION = st.dictionaries(
    st.sampled_from("num_retries timeout request_timeout fallbacks default_fallbacks model_group_alias odd".split()),
    SCALARS
    | st.just([{"a": ["b"]}])
    | st.just(["a"])
    | st.just({"c": "a"})
    | st.just([{"a": [{"model": "b"}], "b": "a"}]),
    max_size=4,
)


def leaves(value: Any, where: str = "") -> list[str]:
    """The places of everything that is said."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{where}.{key}" if where else key)]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, f"{where}[{index}]")]
    return [where] if value is not None else []


def covers(told: str, leaf: str) -> bool:
    """A note is of the value itself, of what it is in, or of an item of it."""
    return leaf == told or leaf.startswith((f"{told}.", f"{told}[")) or told.startswith(f"{leaf}[")


@given(st.lists(ENTRY, max_size=4), SECTION, SECTION)
def test_the_result_is_valid_and_every_value_is_accounted_for(
    models: list[Any], router: dict[str, Any], litellm: dict[str, Any]
) -> None:
    content = {"model_list": models, "router_settings": router, "litellm_settings": litellm}
    told = {note.where for note in converted(**content).notes}
    lost = [leaf for leaf in leaves(content) if not any(covers(at, leaf) for at in told)]
    assert lost == []


@pytest.mark.parametrize("value", [0, "", False])
def test_what_is_no_list_of_fallbacks_is_noted(value: Any) -> None:
    told = {note.where for note in converted(model_list=[], litellm_settings={"fallbacks": value}).notes}
    assert "litellm_settings.fallbacks" in told
