"""What is kept of one call: the row of the journal, of the `calls` table, and the source of its span.

Content (prompts, answers) is not in it: a record says what happened, not what was said.
"""

from __future__ import annotations

import msgspec


class CallRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One call, refused ones included. New fields are added at the end, with a default: old journals stay readable."""

    id: str
    """`x-request-id` of the reply."""
    started: int
    """Unix time in nanoseconds."""
    surface: str
    """chat, completions, responses, messages, embeddings or moderations."""
    status: int
    """HTTP status the client got, or was on its way to get; 499 when the client left first."""
    error: str | None = None
    """The error's code; set with status 200 too when a stream broke after it had begun."""
    key_id: str | None = None
    asked: str | None = None
    """What the client put in `model`."""
    endpoint: str | None = None
    release: str | None = None
    upstream: str | None = None
    provider: str | None = None
    served: str | None = None
    """The model the upstream says it ran."""
    stream: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    """The token counts are ours, not the upstream's."""
    cost: int = 0
    """Micro-USD."""
    total_us: int = 0
    upstream_us: int = 0
    """Waiting for the upstream; what is left of `total_us` is ours."""
    first_us: int | None = None
    """Start to the first byte for the client; streams only."""
    finish: str | None = None
    """Finish reason of the first choice."""
    client_request_id: str | None = None
    trace_id: str | None = None
    """32 hex digits (W3C trace context)."""
    span_id: str | None = None
    parent_id: str | None = None
    snapshot: str = ""
    """Digest of the configuration that was in force."""
    owner: str | None = None
    """The principal: the person or service the key was minted for."""
    team: str | None = None
    project: str | None = None
    attempts: str | None = None
    """JSON, where more than one upstream was asked: [[upstream, error code or null, microseconds], ...] in order."""
    replayed: str | None = None
    """`cache` or `idempotency` where no upstream was asked because the answer was kept."""
    rollout: str | None = None
    """The rollout under way at the endpoint, where the call took part in it."""
    arm: str | None = None
    """`live`, `candidate` or `shadow`: which of a rollout's releases served."""
    step: int | None = None
    """Of the rollout's canary; 0 in its shadow stage."""
    unit: str | None = None
    """16 hex digits: the conversation, user or key that stays on one arm, as a digest under the rollout's salt."""
    pair: str | None = None
    """Of a shadow: the call it is the twin of."""
    guards: str | None = None
    """JSON, where the release has a policy: for each guard and stage its action, its score or why it did not run, and
    its milliseconds. Of a reply that was kept what they did when it was made, with `kept`."""
    review: str | None = None
    """Where a person is to look at it, the most that a guard did, or in a dry run would have done: `block`, `fallback`,
    `ask`, `flag`, or `near` where a score was hardly below its threshold."""
