"""Safety models behind chat endpoints: Llama Guard, Granite Guardian, ShieldGemma, gpt-oss-safeguard and their like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import Field, model_validator

from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.guards.safety_answers import LLAMA_GUARD, READERS, Format, Judgement, Token
from guardrails.models.wire import readable
from guardrails.outside import Address, Reference, Request, check_encrypted, outside, secret
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding

MOST = 262_144
"""Bytes of an answer."""
TEXT = "{text}"
"""What stands for the text in a prompt."""
ROOM: Mapping[Format, int] = {"llama_guard": 64, "granite_guardian": 32, "yes_no": 8, "json": 1024}
"""Tokens of an answer, those that the model thinks with included."""
LIKELY = 5
"""Of how many tokens it is to be told how likely each was."""

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _./-]{0,63}$")]


class Message(msgspec.Struct, frozen=True):
    content: str


class Tokens(msgspec.Struct, frozen=True):
    content: tuple[Token, ...] | None = None


class Choice(msgspec.Struct, frozen=True):
    message: Message
    logprobs: Tokens | None = None


class Completion(msgspec.Struct, frozen=True):
    choices: Annotated[tuple[Choice, ...], msgspec.Meta(min_length=1)]


class SafetyModel(Guard):
    """Asks a model of a server that speaks OpenAI's chat completions, for each text: tenths of seconds at best, so let
    it flag, or block where that is worth the wait. The score is how likely the word for bad was, where the server tells
    so, else 1 or 0; how well that is calibrated is up to the model. It does not say where in the text: what it is to
    redact is blocked. `budget` is what it may take in all."""

    guard: Literal["safety_model"] = "safety_model"
    about: ClassVar[str] = "Whatever a safety model behind a chat endpoint was made for: Llama Guard and others"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "documents", "output")
    base_url: Address = Field(description="As https://guards.example/v1.")
    allow_http: bool = Field(False, description="Whether texts may go there unencrypted.")
    api_key: Reference | None = Field(None, description="env:GUARD_…, the variable that holds it.")
    model: str = Field(min_length=1, max_length=200, description="As the server calls it.")
    format: Format = Field(description="llama_guard, granite_guardian, yes_no or json: what it answers in.")
    prompt: str | None = Field(None, max_length=20_000, description="What a yes_no or json model is asked.")
    risk: str = Field("harm", pattern=r"^[a-z_]{1,64}$", description="What Granite Guardian is to look for.")
    categories: Mapping[Code, Code] = Field({}, description="By the model's code, as S1, our name of those that count.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_encrypted(self.base_url, self.allow_http)
        if self.format in ("yes_no", "json") and not self.prompt:
            raise ValueError(f"a {self.format} model has to be asked something: write a `prompt`")
        if self.format in ("llama_guard", "granite_guardian") and self.prompt:
            raise ValueError(f"a {self.format} model has a prompt of its own: leave `prompt` out")
        return self

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", "idle")
        headers = {"authorization": f"Bearer {secret(self.api_key)}"} if self.api_key else {}
        body = msgspec.json.encode(self.asked(passage, around))
        request = Request(f"{self.base_url.rstrip('/')}/chat/completions", body, headers, MOST, self.budget)
        said, tokens = completion(await outside(models).post(request))
        return self.found(READERS[self.format](said, tokens))

    def asked(self, passage: Passage, around: Surroundings) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": self._messages(passage, around),
            "max_tokens": ROOM[self.format],
            "temperature": 0,
        }
        if self.format != "json":
            body |= {"logprobs": True, "top_logprobs": LIKELY}
        if self.format == "granite_guardian":  # the second name is that of 3.3 and later
            body["chat_template_kwargs"] = {"guardian_config": {"risk_name": self.risk, "criteria_id": self.risk}}
        return body

    def _messages(self, passage: Passage, around: Surroundings) -> list[dict[str, str]]:
        text = readable(passage.text)
        if self.prompt is not None:
            if TEXT in self.prompt:
                return [{"role": "user", "content": self.prompt.replace(TEXT, text)}]
            return [{"role": "system", "content": self.prompt}, {"role": "user", "content": text}]
        if passage.stage == "output":
            asked = readable(around.question) or "-"  # their templates want turns in pairs
            return [{"role": "user", "content": asked}, {"role": "assistant", "content": text}]
        return [{"role": "user", "content": text}]

    def found(self, judgement: Judgement) -> Finding:
        """What a judgement comes to: of what has other categories than those that count, nothing."""
        known = self.categories or (LLAMA_GUARD if self.format == "llama_guard" else {})
        codes = judgement.codes
        if self.categories and codes and not (codes := tuple(code for code in codes if code in self.categories)):
            return Finding(0.0, reason="of a category that does not count")
        names = tuple(dict.fromkeys(known.get(code, code) for code in codes))
        return Finding(judgement.score, (), ", ".join(names), tuple((name, judgement.score) for name in names))


def completion(body: bytes) -> tuple[str, tuple[Token, ...]]:
    """What was said, and what is told of its tokens. Raises `NotRun` for what is no chat completion."""
    try:
        first = msgspec.json.decode(body, type=Completion).choices[0]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotRun("the server answered with something that is no chat completion") from error
    return first.message.content, (first.logprobs.content if first.logprobs else None) or ()
