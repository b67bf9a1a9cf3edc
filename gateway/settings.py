"""What can be configured: one model for each part of `sluicegate.yaml`, every key known.

Secrets are never written into the file: see `gateway.secret`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from evals.strict_yaml import Document
from gateway.content_policy import ContentPolicy
from gateway.faults import Fault
from gateway.retention import RetentionSettings
from gateway.secret import Part, Secret
from gateway.types import Json

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
OWN_HEADERS = frozenset(("connection", "content-length", "host", "transfer-encoding"))
"""Header fields of a request that only the HTTP client writes."""
SECRET_HEADERS = frozenset(("api-key", "authorization", "cookie", "proxy-authorization", "x-api-key"))
SECRET_ARGUMENT = re.compile(r"(key|secret|token|password|credentials)$")


class Limits(Part):
    """Time-outs of an upstream, in seconds."""

    connect: float = Field(5.0, gt=0, description="Name look-up, TCP and TLS.")
    first_byte: float = Field(600.0, gt=0, description="From the request sent to the first byte of the reply's body.")
    idle: float = Field(120.0, gt=0, description="Between two pieces of the body.")
    total: float = Field(600.0, gt=0, description="From the request sent to the last byte.")


class PriceOverride(Part):
    """Micro-USD for a million tokens; replaces the shipped table's price of this model."""

    input: int = Field(ge=0)
    output: int = Field(0, ge=0)
    cached_input: int | None = Field(None, ge=0, description="Tokens read from the upstream's prompt cache.")
    reasoning: int | None = Field(None, ge=0, description="Tokens of thought; without it they cost what output does.")


class UpstreamSettings(Part):
    """What every kind of upstream has."""

    timeouts: Limits = Limits()
    price: PriceOverride | None = None
    drop: tuple[str, ...] = Field((), description="Request fields to leave out where this upstream cannot honour them.")
    shutdown_date: str | None = Field(None, description="When the provider retires the model; shown by /v1/models.")
    max_output: int = Field(
        16_384, ge=1, description="Tokens of an answer, where a limit must reserve them and the call names no maximum."
    )


class Entra(Part):
    """Microsoft Entra ID in place of a key, for Azure OpenAI: a client secret, a federated token file, or (neither)
    the machine's managed identity."""

    tenant_id: str = ""
    client_id: str = ""
    client_secret: Secret | None = Field(None, description="env:NAME or file:/path")
    token_file: Path | None = None
    authority: str = "https://login.microsoftonline.com"
    scope: str = "https://cognitiveservices.azure.com/.default"


class OpenAISettings(UpstreamSettings):
    """Any server that speaks OpenAI's API."""

    provider: Literal["openai"]
    model: str = Field(description="The model's name at the upstream.")
    base_url: str = Field("https://api.openai.com/v1", pattern=r"^https?://", description="Up to /chat/completions.")
    api_key: Secret | None = Field(None, description="env:NAME or file:/path")
    api_key_header: str = Field(
        "authorization", pattern=HEADER_NAME, description="`authorization` sends a bearer; Azure wants `api-key`."
    )
    entra: Entra | None = None
    query: dict[str, str] = Field({}, description="Added to every URL, as Azure's api-version.")
    headers: dict[str, str] = Field({}, description="Sent with every request; no secrets.")
    rename: dict[str, str] = Field({}, description="Request fields this server calls otherwise.")
    refuses: tuple[str, ...] = Field((), description="Request fields this server cannot honour.")
    proxy: str | None = Field(None, description="http:// URL of a proxy; the environment's is not used.")
    link_local: bool = Field(False, description="May lead to link-local and cloud metadata addresses.")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.port == 0 or not parts.path.isascii():
            raise ValueError("write an address, as https://host:port/v1")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("credentials belong under `api_key`, a query under `query`")
        return value

    @field_validator("headers")
    @classmethod
    def _header_fields(cls, value: dict[str, str]) -> dict[str, str]:
        for name, held in value.items():
            if name.lower() in OWN_HEADERS or not re.fullmatch(HEADER_NAME, name):
                raise ValueError(f"{name!r} is not a header field that can be added")
            if name.lower() in SECRET_HEADERS:
                raise ValueError(f"{name!r} carries a secret: use `api_key` and `api_key_header`")
            if not (held.isascii() and held.isprintable()):
                raise ValueError(f"the value of {name!r} does not belong in a header")
        return value


class LiteLLMSettings(UpstreamSettings):
    """Every other cloud, through litellm: Anthropic, Bedrock, SageMaker, Vertex AI, watsonx, Cohere and more."""

    provider: Literal["litellm"]
    model: str = Field(description="litellm's name, as anthropic/claude-sonnet-4-5.")
    arguments: dict[str, str] = Field({}, description="Passed with each call: api_base, aws_region_name, …")
    credentials: dict[str, Secret] = Field({}, description="Passed with each call: api_key, aws_secret_access_key, …")
    refuses: tuple[str, ...] = Field((), description="Request fields this model cannot honour.")

    @field_validator("arguments")
    @classmethod
    def _open(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if SECRET_ARGUMENT.search(name):
                raise ValueError(f"{name!r} belongs under `credentials`, by reference")
        return value


class LlamaCppSettings(UpstreamSettings):
    """A GGUF model in this process's own llama.cpp."""

    provider: Literal["llamacpp"]
    model: str = "smollm2-135m-instruct"
    path: Path | None = Field(None, description="The GGUF file; without it, installed packages, then the hub.")
    context: int = Field(8192, ge=256, description="Tokens, shared by the parallel sequences.")
    parallel: int = Field(4, ge=1, le=256, description="Sequences decoded together.")
    threads: int | None = Field(None, ge=1)


class TransformersSettings(UpstreamSettings):
    """A model in torch, with LoRA adapters by name."""

    provider: Literal["transformers"]
    model: str = "smollm2-135m-instruct"
    path: Path | None = Field(None, description="A GGUF file or a model folder.")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    adapters: dict[str, Path] = Field({}, description="LoRA weights; asked for as `upstream:adapter`.")
    parallel: int = Field(8, ge=1, le=256, description="Sequences decoded together.")


class EmbedderSettings(UpstreamSettings):
    """Embeddings by sentence-transformers."""

    provider: Literal["sentence-transformers"]
    model: str = "all-minilm-l6-v2"
    path: Path | None = None
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


class ScriptedRule(Part):
    """See `gateway.providers.scripted.Rule`."""

    when: str = ""
    say: str | None = None
    call: Json | None = None
    status: int = 200
    retry_after: float | None = None
    pause: float = 0.0
    cut: int | None = None


class ScriptedSettings(UpstreamSettings):
    """Says what it is told to; for tests and demos."""

    provider: Literal["scripted"]
    model: str = "scripted"
    rules: tuple[ScriptedRule, ...] = ()
    down: bool = False


AnyUpstream = Annotated[
    OpenAISettings | LiteLLMSettings | LlamaCppSettings | TransformersSettings | EmbedderSettings | ScriptedSettings,
    Field(discriminator="provider"),
]


class PoolSettings(Part):
    """Several upstreams under one name, which releases and clients use as they use an upstream's."""

    members: dict[Annotated[str, Field(pattern=NAME)], Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        min_length=1, description="Upstream to weight: its share of the calls. 0: only when the others cannot."
    )
    fallbacks: tuple[str, ...] = Field((), description="Upstreams asked in this order when no member can answer.")
    retries: int = Field(1, ge=0, le=10, description="How often one upstream is asked again after a passing fault.")
    hedge_after: float | None = Field(
        None, gt=0, description="Seconds without a token after which a second upstream is asked as well."
    )
    sticky: bool = Field(False, description="Keep a user's calls (else a key's) at one member while it is well.")


class ServerSettings(Part):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port.")
    workers: int = Field(1, ge=1, le=256, description="Processes; each loads the embedded models for itself.")


class JournalSettings(Part):
    full: Literal["refuse", "serve"] = Field("refuse", description="What becomes of calls when the disk is full.")
    segment: int = Field(8 * 2**20, ge=2**16, description="Bytes allocated at a time: one in use, one spare a process.")


class StateSettings(Part):
    """What replicas share: limits, claims, cached replies."""

    url: str | None = Field(
        None,
        pattern=r"^(rediss?://|unix://|env:|file:)",
        description="Redis, as redis://host:6379/0 or a reference, env:NAME or file:/path; without it, this machine.",
    )
    timeout: float = Field(0.25, gt=0, description="Seconds a call may wait for it.")
    away: Literal["refuse", "serve"] = Field(
        "refuse", description="What becomes of calls with limits while it does not answer; those served are counted."
    )

    @field_validator("url")
    @classmethod
    def _open(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("env:", "file:")) and urlsplit(value).password is not None:
            raise ValueError("a URL with a password is a secret; write a reference, env:NAME or file:/path")
        return value

    def read_url(self) -> str | None:
        """Redis' URL. Raises `BadSettings` where the reference leads nowhere."""
        if self.url is not None and self.url.startswith(("env:", "file:")):
            return Secret(reference=self.url).read()
        return self.url


class TelemetrySettings(Part):
    otlp_endpoint: str | None = Field(None, description="OTLP/HTTP URL for spans, as http://collector:4318/v1/traces.")
    otlp_metrics_endpoint: str | None = Field(
        None, description="OTLP/HTTP URL for metrics, as http://collector:4318/v1/metrics."
    )


class GuardSettings(Part):
    """Where the models of guards run: in each process of the gateway, or on a scoring server, `sluice guard serve`."""

    models: Path | None = Field(None, description="The folder of your own, as `sluice guard train` makes them.")
    server: str | None = Field(None, pattern=r"^https?://", description="Its URL, as http://guards:8090.")
    token: Secret | None = Field(None, description="env:NAME or file:/path")
    timeout: float = Field(5.0, gt=0, description="Seconds an answer of it may take; less than guards' `budget`.")

    @field_validator("server")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return value
        parts = urlsplit(value)
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("write an address, as http://host:port; its token belongs under `token`")
        return value

    def read_token(self) -> str | None:
        """Raises `BadSettings` where the reference leads nowhere."""
        return self.token.read() if self.token is not None else None


EMBEDDED: dict[str, Json] = {
    "smollm2": {"provider": "llamacpp", "model": "smollm2-135m-instruct"},
    "minilm": {"provider": "sentence-transformers", "model": "all-minilm-l6-v2"},
}


class WebhookSettings(Part):
    """Where events may be sent."""

    private: bool = Field(False, description="To private addresses and this machine too, not to the internet alone.")


class Settings(Part):
    """The whole file."""

    server: ServerSettings = ServerSettings()
    data: Path = Field(Path("sluice-data"), description="Folder of database, journal and this installation's secret.")
    database: str | None = Field(None, description="SQLAlchemy URL; without it, SQLite in the data folder.")
    secret: Secret | None = Field(None, description="Pepper of the key digests; without it, a file in the data folder.")
    journal: JournalSettings = JournalSettings()
    state: StateSettings = StateSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    retention: RetentionSettings = RetentionSettings()
    content: ContentPolicy = ContentPolicy()
    webhooks: WebhookSettings = WebhookSettings()
    guards: GuardSettings = GuardSettings()
    hourly_rates: dict[Annotated[str, Field(pattern=NAME)], Annotated[float, Field(ge=0, le=1e6)]] = Field(
        {}, description="By endpoint, USD that an hour is worth of those whose time it saves: for `sluice value`."
    )
    upstreams: dict[Annotated[str, Field(pattern=NAME)], AnyUpstream] = Field(
        default_factory=lambda: dict(EMBEDDED), validate_default=True, description="The models this gateway can reach."
    )
    pools: dict[Annotated[str, Field(pattern=NAME)], PoolSettings] = Field(
        {}, description="Upstreams that stand in for each other."
    )

    _file: Path | None = PrivateAttr(None)
    _document: Document | None = PrivateAttr(None)

    @field_validator("pools")
    @classmethod
    def _members_exist(cls, value: dict[str, PoolSettings], info: ValidationInfo) -> dict[str, PoolSettings]:
        upstreams = info.data.get("upstreams")
        if upstreams is None:
            return value  # they have faults of their own, which are told
        for name, pool in value.items():
            if name in upstreams:
                raise ValueError(f"{name!r} is an upstream's name already; a pool needs one of its own")
            named = [*pool.members, *pool.fallbacks]
            unknown = [member for member in named if member not in upstreams]
            if unknown:
                raise ValueError(f"{name}: there is no upstream {unknown[0]!r}")
            twice = [member for member in named if named.count(member) > 1]
            if twice:
                raise ValueError(f"{name}: {twice[0]!r} is named twice")
        return value

    @property
    def targets(self) -> frozenset[str]:
        """Upstreams and pools: what a release, or a client, can name."""
        return frozenset((*self.upstreams, *self.pools))

    @property
    def file(self) -> Path | None:
        """Where these settings were read from."""
        return self._file

    def fault(self, what: str, *keys: str) -> Fault:
        """One at these keys, where they are in the file."""
        line = self._document.line(keys) if self._document is not None else None
        return Fault(what, ".".join(keys), str(self._file or ""), line)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data.absolute() / 'sluice.db'}"
