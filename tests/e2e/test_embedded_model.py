"""OpenAI's wire in front of the embedded model: real tokens, as the official client sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.running import running_gateway

HELLO: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
ASKED: dict[str, Any] = {"model": "smollm2", "messages": HELLO, "max_tokens": 8, "temperature": 0}
CALLED: Any = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{{"}}],
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    upstreams = {"smollm2": {"provider": "llamacpp", "context": 1024, "parallel": 2}}
    with (
        running_gateway(tmp_path_factory.mktemp("embedded"), upstreams) as gateway,
        OpenAI(base_url=gateway.api, api_key=gateway.key, max_retries=0) as made,
    ):
        yield made


def test_log_probabilities_whole_streamed_and_in_responses(client: OpenAI) -> None:
    reply = client.chat.completions.create(**ASKED, logprobs=True, top_logprobs=2)
    assert reply.choices[0].logprobs is not None
    tokens = reply.choices[0].logprobs.content or []
    assert "".join(token.token for token in tokens) == reply.choices[0].message.content
    assert all(len(token.top_logprobs) == 2 and token.logprob <= 0 for token in tokens)
    with client.chat.completions.create(**ASKED, logprobs=True, stream=True) as stream:
        told = [choice.logprobs for chunk in stream for choice in chunk.choices if choice.logprobs]
    streamed = [token.token for logprobs in told for token in logprobs.content or ()]
    assert "".join(streamed) == reply.choices[0].message.content
    response = client.responses.create(
        model="smollm2",
        input=HELLO,
        max_output_tokens=16,
        temperature=0,
        include=["message.output_text.logprobs"],
        top_logprobs=1,
    )
    assert response.output[0].type == "message"
    [text] = response.output[0].content
    assert text.type == "output_text"
    assert "".join(token.token for token in text.logprobs or []) == text.text


def test_a_schema_is_kept(client: OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    reply = client.chat.completions.create(**{**ASKED, "max_tokens": 40}, response_format=wanted)
    assert json.loads(reply.choices[0].message.content or "")["city"] in ("Paris", "Rome")


def test_several_prompts_and_choices_stream_side_by_side(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": "smollm2", "max_tokens": 3, "temperature": 0, "stream": True}
    with client.completions.create(**asked, prompt=["One, two,", "Paris is"]) as stream:
        finished = {chunk.choices[0].index: chunk.choices[0].finish_reason for chunk in stream}
    assert finished == {0: "length", 1: "length"}
    with client.chat.completions.create(**{**ASKED, "max_tokens": 3}, n=2, stream=True) as chunks:
        ends = {choice.index: choice.finish_reason for chunk in chunks for choice in chunk.choices}
    assert ends == {0: "length", 1: "length"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"messages": [{"role": "user", "content": "word " * 2000}]}, "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "word " * 2000}], "stream": True}, "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]}, None),
        ({"tool_choice": "required"}, "unsupported_parameter"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no"}}}}, None),
        ({"logit_bias": {"the": 1}}, "invalid_value"),
        ({"n": 100}, None),
        ({"extra_body": {"n_predict": 50}}, "unsupported_parameter"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "invalid_value"),
        ({"messages": [*HELLO, CALLED, {"role": "tool", "tool_call_id": "c", "content": "4"}]}, "invalid_value"),
    ],
)
def test_what_it_cannot_do_is_a_bad_request(client: OpenAI, fields: dict[str, Any], code: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(**{**ASKED, **fields})
    assert code is None or refusal.value.code == code
    assert isinstance(refusal.value.body, dict)
    assert refusal.value.body.keys() == {"message", "type", "param", "code"}
