"""One entry of LiteLLM's `model_list` as an upstream.

What speaks OpenAI's API is asked by ourselves (`provider: openai`), everything else through litellm as a library, which
takes LiteLLM's parameters as they are.
"""

from __future__ import annotations

from typing import Any

from gateway.imports.section import SECRET, Section
from gateway.types import Json

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_NAMES = ("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "ft:gpt-")
"""How a model of OpenAI's begins that is named without a provider."""
COMPATIBLE = {
    "openai": (OPENAI_URL, "OPENAI_API_KEY"),
    "cerebras": ("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "deepinfra": ("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks_ai": ("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "hosted_vllm": (None, None),
    "lm_studio": (None, None),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "nvidia_nim": ("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": ("https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    "together_ai": ("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "xai": ("https://api.x.ai/v1", "XAI_API_KEY"),
}
"""Providers that speak OpenAI's API: their address, and the variable in which LiteLLM looks for a key."""
PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
}
LEAST_TIME = 0.001

NOT_OF_AN_UPSTREAM = {
    "max_retries": "retries are a pool's",
    "num_retries": "retries are a pool's",
    "stream_timeout": "time-outs are the same for streams: see `timeouts.first_byte` and `timeouts.idle`",
    "max_parallel_requests": "limits are a key's, a team's or an endpoint's: sluice limits set",
    "rpm": "limits are a key's, a team's or an endpoint's: sluice limits set",
    "tpm": "limits are a key's, a team's or an endpoint's: sluice limits set",
    "drop_params": "name the request fields under `refuses` and `drop`",
    "additional_drop_params": "name the request fields under `refuses` and `drop`",
    "tags": "calls are not routed by tags",
    "order": "put what comes second under a pool's `fallbacks`",
    "mock_response": "for tests there is `provider: scripted`",
    "base_url": "LiteLLM calls it `api_base`",
    "extra_headers": "only for what speaks OpenAI's API",
}
A_PARAMETER = "it is no setting of an upstream; a request field is fixed by an endpoint's `parameters`"
REQUEST_FIELDS = frozenset(
    "temperature top_p max_tokens max_completion_tokens n stop seed frequency_penalty presence_penalty logit_bias user "
    "response_format tools tool_choice reasoning_effort stream messages thinking extra_body".split()
)


def upstream_of(name: str, params: Section, info: Section) -> Json:
    """The settings of an upstream, to be validated."""
    provider, model = _provider(params)
    named = _variable(name)
    url, _ = COMPATIBLE.get(provider, (None, None))
    literal = _are_literal(params, "api_base", "api_version", "organization")
    if provider == "azure" and literal and "api_base" in params:
        spec = _azure(model, params, named)
    elif provider in COMPATIBLE and literal and ("api_base" in params or url is not None):
        spec = _compatible(provider, model, params, named)
    else:
        spec = _through_litellm(f"{provider}/{model}" if provider else model, params, named)
    total = params.number("timeout", "as `timeouts.total`", LEAST_TIME)
    if total is not None:
        spec["timeouts"] = {"total": total}
    price = _price(params, info)
    if price is not None:
        spec["price"] = price
    params.drop_rest(NOT_OF_AN_UPSTREAM, A_PARAMETER)
    return spec


def _provider(params: Section) -> tuple[str, str]:
    """Who is asked, "" where only litellm knows, and for which model."""
    model = str(params.take("model"))
    provider = params.take("custom_llm_provider")
    if provider is not None:
        return str(provider), model.removeprefix(f"{provider}/")
    prefix, slash, rest = model.partition("/")
    if slash:
        return prefix, rest
    return ("openai", model) if model.startswith(OPENAI_NAMES) or "api_base" in params else ("", model)


def _compatible(provider: str, model: str, params: Section, named: str) -> Json:
    url, variable = COMPATIBLE[provider]
    base = params.take("api_base", "as `base_url`") or url
    spec: Json = {"provider": "openai", "model": model, "base_url": base}
    key = params.secret("api_key", named)
    if key is None and variable is not None and base == url:
        key = f"env:{variable}"
        params.note("api_key", "changed", f"none is given: LiteLLM looks for it in {variable}")
    if key is not None:
        spec["api_key"] = key
    headers = _headers(params)
    if headers:
        spec["headers"] = headers
    params.drop("api_version", "only Azure has it")
    return spec


def _azure(deployment: str, params: Section, named: str) -> Json:
    base = str(params.take("api_base", "as `base_url`, with the deployment")).rstrip("/")
    version = params.take("api_version", "as `query`")
    spec: Json = {"provider": "openai", "model": deployment, "base_url": f"{base}/openai/v1"}
    if "/openai/" in base:
        spec["base_url"] = base
    elif version is not None:
        spec["base_url"] = f"{base}/openai/deployments/{deployment}"
    if version is not None:
        spec["query"] = {"api-version": str(version)}
    key, token = params.secret("api_key", named), params.secret("azure_ad_token", named)
    if key is not None:
        spec |= {"api_key": key, "api_key_header": "api-key"}
    elif token is not None:
        spec["api_key"] = token
    elif "client_id" in params or "tenant_id" in params:
        spec["entra"] = _entra(params, named)
    headers = _headers(params)
    if headers:
        spec["headers"] = headers
    return spec


def _entra(params: Section, named: str) -> Json:
    entra: Json = {}
    for field in ("tenant_id", "client_id"):
        if params.variable(field) is not None:
            params.drop(field, "it has to be written into the file")
        elif field in params:
            entra[field] = str(params.take(field))
    secret = params.secret("client_secret", named)
    return {**entra, "client_secret": secret} if secret is not None else entra


def _through_litellm(model: str, params: Section, named: str) -> Json:
    arguments: Json = {}
    credentials: Json = {}
    known = {*NOT_OF_AN_UPSTREAM, *REQUEST_FIELDS, "timeout", "weight"}
    for key in params.rest():
        value = params.peek(key)
        if key in known or "_cost" in key or isinstance(value, dict | list):
            continue
        if _names_a_file(key, value):
            credentials[key] = f"file:{params.take(key)}"
        elif SECRET.search(key) or params.variable(key) is not None:
            secret = params.secret(key, f"{named.removesuffix('_API_KEY')}_{key.upper()}")
            credentials[key] = secret
        else:
            arguments[key] = str(params.take(key))
    spec: Json = {"provider": "litellm", "model": model}
    if arguments:
        spec["arguments"] = arguments
    if credentials:
        spec["credentials"] = credentials
    else:
        params.note("api_key", "changed", "none is given: litellm looks for it in the environment of the process")
    return spec


def _headers(params: Section) -> dict[str, str]:
    headers = {}
    if "organization" in params:
        headers["OpenAI-Organization"] = str(params.take("organization", "as `headers`"))
    extra = params.section("extra_headers")
    for name in extra.rest():
        if extra.variable(name) is not None or SECRET.search(name.lower()) or name.lower() == "authorization":
            extra.drop(name, "a header cannot hold a secret or a reference; only `api_key` can, under `api_key_header`")
        else:
            headers[name] = str(extra.take(name))
    return headers


def _price(params: Section, info: Section) -> Json | None:
    """LiteLLM's prices are USD for one token, ours micro-USD for a million of them."""
    price: Json = {}
    for theirs, ours in PRICES.items():
        for section in (info, params):
            cost = section.number(theirs, f"as `price.{ours}`")
            if cost is not None:
                price.setdefault(ours, round(cost * 1e12))
    return {"input": 0, **price} if price else None


def _are_literal(params: Section, *keys: str) -> bool:
    """Whether none of these stands for an environment variable, which only a secret of ours can."""
    return all(params.variable(key) is None for key in keys)


def _names_a_file(key: str, value: Any) -> bool:
    return bool(SECRET.search(key)) and isinstance(value, str) and value.startswith("/")


def _variable(name: str) -> str:
    """An environment variable for an upstream's key."""
    letters = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
    return f"{'_' if letters[:1].isdigit() else ''}{letters}_API_KEY"
