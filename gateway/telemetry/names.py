"""OpenTelemetry's names, all in this module, and the version of the conventions they are taken from.

The GenAI conventions are still in development and change from release to release: they are pinned to the last tagged
release that holds them, and a snapshot test shows when a name moves.
"""

from __future__ import annotations

from collections.abc import Mapping

CONVENTIONS = "1.41.0"
"""Release of the semantic conventions; later ones have moved GenAI to a repository that has no release yet."""
SCHEMA_URL = f"https://opentelemetry.io/schemas/{CONVENTIONS}"

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
"""Seconds."""
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 the tokens of language models
DURATION = "gen_ai.client.operation.duration"
FIRST_TOKEN = "gen_ai.server.time_to_first_token"  # noqa: S105
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105
ERROR = "error.type"
STATUS = "http.response.status_code"
ADDRESS = "server.address"
PORT = "server.port"
SERVICE = "service.name"
SERVICE_VERSION = "service.version"
SERVICE_INSTANCE = "service.instance.id"

REQUEST_ID = "sluice.request_id"
SURFACE = "sluice.surface"
ENDPOINT = "sluice.endpoint"
RELEASE = "sluice.release"
UPSTREAM = "sluice.upstream"
KEY = "sluice.key_id"
COST = "sluice.cost_micro_usd"
ESTIMATED = "sluice.tokens_estimated"
OVERHEAD = "sluice.overhead_us"
SNAPSHOT = "sluice.snapshot"
ROLLOUT = "sluice.rollout"
ARM = "sluice.arm"
GUARDS_ACTION = "sluice.guards.action"
"""The strictest of what guards did."""
GUARDS_ACTED = "sluice.guards.acted"
"""Those that did more than allow, as `input/words/block`."""
GUARDS_NOT_RUN = "sluice.guards.not_run"
"""Those that did not judge, as `input/words`."""

OPERATIONS: Mapping[str, str] = {
    "chat": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
    "messages": "chat",
    "moderations": "moderation",
    "responses": "chat",
}
"""The conventions' operation by surface; they have none for moderation."""

OURSELVES = "sluicegate"
"""The service; and the provider of a call that was refused before any upstream was asked."""
