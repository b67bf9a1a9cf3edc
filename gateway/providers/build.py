"""From an upstream's settings to the upstream. Each kind's module is imported only when the configuration names it."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from gateway.http.addresses import Dialer, Reach
from gateway.http.base import HttpClient, Timeouts
from gateway.http.h1 import H1Client
from gateway.pricing import Price, PriceTable
from gateway.providers.base import Provider
from gateway.providers.credentials import Credential
from gateway.routing import Pool, identity_of
from gateway.settings import (
    AnyUpstream,
    EmbedderSettings,
    LiteLLMSettings,
    LlamaCppSettings,
    OpenAISettings,
    PoolSettings,
    ScriptedSettings,
    Settings,
    TransformersSettings,
)
from gateway.upstreams import Upstream

if TYPE_CHECKING:
    from gateway.providers.litellm import Library


class Builder:
    """Builds upstreams that share one fast HTTP client. Belongs to a running event loop; owns the clients it made."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices
        tls = ssl.create_default_context()
        self._direct = H1Client(tls)
        self._anywhere = H1Client(tls, Dialer(Reach.ANYWHERE))
        self._proxied: dict[str, HttpClient] = {}
        self._library: Library | None = None
        self._kinds: dict[type, Callable[[Any], Provider]] = {
            OpenAISettings: self._openai,
            LiteLLMSettings: self._litellm,
            LlamaCppSettings: _llamacpp,
            TransformersSettings: _transformers,
            EmbedderSettings: _embedder,
            ScriptedSettings: _scripted,
        }

    def build(self, name: str, settings: AnyUpstream, provider: Provider | None = None) -> Upstream:
        """An upstream over `provider`, else over one of its own. Raises `BadSettings` for a secret that cannot be read;
        loads no model and opens no connection."""
        limits = settings.timeouts
        known = self._prices.find(settings.provider, settings.model)
        price = known.price if known is not None else None
        if settings.price is not None:
            price = Price(**settings.price.model_dump())
        return Upstream(
            name=name,
            kind=settings.provider,
            model=settings.model,
            provider=provider or self._kinds[type(settings)](settings),
            price=price,
            timeouts=Timeouts(limits.connect, limits.first_byte, limits.idle, limits.total),
            drops=frozenset(settings.drop),
            adapters=tuple(settings.adapters) if isinstance(settings, TransformersSettings) else (),
            shutdown_date=settings.shutdown_date or (known.shutdown_date if known is not None else None),
            max_output=settings.max_output,
            digest=_digest(settings, price),
            identity=_identity(settings),
        )

    async def close(self) -> None:
        await self._direct.close()
        await self._anywhere.close()
        for client in self._proxied.values():
            await client.close()
        if self._library is not None:
            await self._library.close()

    def _client(self, proxy: str | None, link_local: bool) -> HttpClient:
        if proxy is None:
            return self._anywhere if link_local else self._direct
        if proxy not in self._proxied:
            from gateway.http.proxied import ProxiedClient

            self._proxied[proxy] = ProxiedClient(proxy)
        return self._proxied[proxy]

    def _openai(self, settings: OpenAISettings) -> Provider:
        from gateway.providers.openai import OpenAIConfig, OpenAIProvider

        config = OpenAIConfig(
            model=settings.model,
            base_url=settings.base_url,
            query=settings.query,
            headers=settings.headers,
            rename=settings.rename,
            refuses=frozenset(settings.refuses),
        )
        return OpenAIProvider(config, self._client(settings.proxy, settings.link_local), self._credential(settings))

    def _litellm(self, settings: LiteLLMSettings) -> Provider:
        from gateway.providers.litellm import Library, LiteLLMConfig, LiteLLMProvider

        if self._library is None:
            self._library = Library()
        secrets = {name: secret.read() for name, secret in settings.credentials.items()}
        config = LiteLLMConfig(settings.model, {**settings.arguments, **secrets}, frozenset(settings.refuses))
        return LiteLLMProvider(config, self._library)

    def _credential(self, settings: OpenAISettings) -> Credential | None:
        from gateway.providers.credentials import EntraConfig, EntraToken, StaticKey

        if settings.entra is not None:
            entra = settings.entra
            secret = entra.client_secret.read() if entra.client_secret is not None else None
            config = EntraConfig(
                entra.tenant_id, entra.client_id, secret, entra.token_file, entra.authority, entra.scope
            )
            managed = secret is None and entra.token_file is None  # it is the metadata service that tells its token
            return EntraToken(config, self._anywhere if managed else self._direct)
        if settings.api_key is not None:
            return StaticKey(settings.api_key_header, settings.api_key.read())
        return None


def _digest(settings: AnyUpstream, price: Price | None) -> str:
    """Names everything that matters to a call; secrets by their references."""
    held = [settings.model_dump(mode="json"), asdict(price) if price is not None else None]
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()


HOW_REACHED = frozenset(
    (
        "api_key",
        "api_key_header",
        "credentials",
        "device",
        "down",
        "drop",
        "entra",
        "link_local",
        "max_output",
        "parallel",
        "price",
        "proxy",
        "shutdown_date",
        "timeouts",
    )
)
"""Settings that decide how a model is reached and paid, and not what it says."""


def _identity(settings: AnyUpstream) -> str:
    """Names what answers. A change of it is a change of what serves: it must be proven as any other."""
    held = settings.model_dump(mode="json", exclude=set(HOW_REACHED))
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()


def identities(settings: Settings) -> dict[str, str]:
    """What answers for each upstream and pool that is configured: `Pool.identity` without building one."""
    lone = {name: _identity(upstream) for name, upstream in settings.upstreams.items()}
    found = {name: identity_of([identity], (1,), ()) for name, identity in lone.items()}
    for name, pool in settings.pools.items():
        members, fallbacks = ([lone[one] for one in part] for part in (pool.members, pool.fallbacks))
        found[name] = identity_of(members, tuple(pool.members.values()), fallbacks)
    return found


def pools_of(upstreams: Mapping[str, Upstream], declared: Mapping[str, PoolSettings]) -> dict[str, Pool]:
    """The pools that are declared, and each upstream as a pool of its own."""
    pools = {name: Pool.lone(upstream) for name, upstream in upstreams.items()}
    for name, pool in declared.items():
        pools[name] = Pool(
            name=name,
            members=tuple(upstreams[member] for member in pool.members),
            weights=tuple(pool.members.values()),
            fallbacks=tuple(upstreams[member] for member in pool.fallbacks),
            retries=pool.retries,
            hedge_after=pool.hedge_after,
            sticky=pool.sticky,
        )
    return pools


def _llamacpp(settings: LlamaCppSettings) -> Provider:
    from gateway.providers.llamacpp import LlamaCppConfig, LlamaCppProvider

    return LlamaCppProvider(
        LlamaCppConfig(settings.model, settings.path, settings.context, settings.parallel, settings.threads)
    )


def _transformers(settings: TransformersSettings) -> Provider:
    from gateway.providers.transformers import TransformersConfig, TransformersProvider

    return TransformersProvider(
        TransformersConfig(settings.model, settings.path, settings.device, dict(settings.adapters), settings.parallel)
    )


def _embedder(settings: EmbedderSettings) -> Provider:
    from gateway.providers.embedder import EmbedderConfig, EmbedderProvider

    return EmbedderProvider(EmbedderConfig(settings.model, settings.path, settings.device))


def _scripted(settings: ScriptedSettings) -> Provider:
    from gateway.providers.scripted import Rule, ScriptedConfig, ScriptedProvider

    rules = tuple(Rule(**rule.model_dump()) for rule in settings.rules)
    return ScriptedProvider(ScriptedConfig(settings.model, rules, settings.down))
