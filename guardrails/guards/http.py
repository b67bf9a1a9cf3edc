"""A guard that somebody else serves: a text goes there, and a score comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

import msgspec
from pydantic import Field, model_validator

from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.models.wire import readable
from guardrails.outside import Address, Header, Reference, Request, check_encrypted, outside, secret
from guardrails.passage import STAGES, Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

MOST = 65_536
"""Bytes of an answer."""
MOST_SPANS = 1000
REASON = 300
"""Characters of a reason that are kept."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Marked(msgspec.Struct, frozen=True):
    start: Annotated[int, msgspec.Meta(ge=0)]
    end: Annotated[int, msgspec.Meta(ge=1)]
    label: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9 _.-]{0,63}\Z")] = "http"
    score: Share | None = None


class Answer(msgspec.Struct, frozen=True):
    """What a server says. `score` is from 0 to 1. With `flagged` the text is flagged whatever the score; without it, or
    where it is false, the threshold decides."""

    score: Share
    flagged: bool = False
    spans: Annotated[tuple[Marked, ...], msgspec.Meta(max_length=MOST_SPANS)] = ()
    reason: str = ""


class Http(Guard):
    """POSTs `{"text", "stage", "source"}`, and the `tenant` where there is one, to `url`, and reads an `Answer`. Any
    other answer, and none, is no judgement. Values of `headers` come from variables of the environment. `budget` is
    what it may take in all."""

    guard: Literal["http"] = "http"
    about: ClassVar[str] = "Whatever a server of yours, or of others, looks for: asked over HTTP"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    url: Address = Field(description="Where the text goes.")
    allow_http: bool = Field(False, description="Whether it may go there unencrypted.")
    headers: Mapping[Header, Reference] = Field({}, description="By name, env:GUARD_… for the variable of its value.")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        check_encrypted(self.url, self.allow_http)
        return self

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", "idle")
        told = {"text": readable(passage.text), "stage": passage.stage, "source": passage.source}
        if around.tenant is not None:
            told["tenant"] = around.tenant
        headers = {name: secret(reference) for name, reference in self.headers.items()}
        request = Request(self.url, msgspec.json.encode(told), headers, MOST, self.budget)
        return finding(await outside(models).post(request), passage.text, self.threshold)


def finding(body: bytes, text: str, threshold: float) -> Finding:
    """Of what a server said about a text. Raises `NotRun` for what is no answer."""
    try:
        told = msgspec.json.decode(body, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotRun("the server answered with something that is no judgement") from error
    if any(not span.start < span.end <= len(text) for span in told.spans):
        raise NotRun("the server marked characters that the text does not have")
    score = max(told.score, threshold) if told.flagged else told.score
    spans = tuple(
        Span(one.start, one.end, one.label, score if one.score is None else one.score)
        for one in sorted(told.spans, key=lambda one: (one.start, one.end))
    )
    reason = "".join(sign for sign in told.reason[:REASON] if sign.isprintable())
    return Finding(score, spans, reason)
