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


@pytest.mark.parametrize("fields", [{}, {"top_logprobs": 0}])
def test_log_probabilities_without_alternatives(client: OpenAI, fields: dict[str, Any]) -> None:
    reply = client.chat.completions.create(**ASKED, logprobs=True, **fields)
    assert reply.choices[0].logprobs is not None
    assert [len(token.top_logprobs) for token in reply.choices[0].logprobs.content or ()] == [1] * 8


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


def test_every_choice_and_every_prompt_is_counted(client: OpenAI) -> None:
    def figures(usage: Any) -> tuple[int, int]:
        return usage.prompt_tokens, usage.completion_tokens

    told: Any = {"stream": True, "stream_options": {"include_usage": True}}
    chat: dict[str, Any] = {**ASKED, "max_tokens": 3}
    one, two = (client.chat.completions.create(**chat, n=copies) for copies in (1, 2))
    assert figures(two.usage) == (one.usage.prompt_tokens, 6)
    assert [choice.message.content for choice in two.choices] == [one.choices[0].message.content] * 2
    *_, last = client.chat.completions.create(**chat, n=2, **told)
    assert figures(last.usage) == figures(two.usage)
    text: dict[str, Any] = {"model": "smollm2", "max_tokens": 3, "temperature": 0}
    alone = [client.completions.create(**text, prompt=prompt) for prompt in ("One, two,", "Paris is")]
    both = client.completions.create(**text, prompt=["One, two,", "Paris is"])
    assert figures(both.usage) == (sum(reply.usage.prompt_tokens for reply in alone if reply.usage), 6)
    assert [choice.text for choice in both.choices] == [reply.choices[0].text for reply in alone]
    *_, end = client.completions.create(**text, prompt=["One, two,", "Paris is"], **told)
    assert figures(end.usage) == figures(both.usage)


def test_a_value_out_of_its_bounds_is_named(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(**ASKED, n=100)
    assert refusal.value.param == "n"


def test_text_completions_cannot_do_all_of_it(client: OpenAI) -> None:
    for field in ({"logprobs": 2}, {"max_tokens": 0}, {"echo": True}):
        fields: Any = {"max_tokens": 2, **field}
        with pytest.raises(openai.BadRequestError) as refusal:
            client.completions.create(model="smollm2", prompt="One, two,", **fields)
        assert [refusal.value.param] == list(field)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"messages": [{"role": "user", "content": "word " * 2000}]}, "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "word " * 2000}], "stream": True}, "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]}, None),
        ({"tool_choice": "required"}, "unsupported_parameter"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no"}}}}, None),
        ({"logit_bias": {"the": 1}}, "invalid_value"),
        *(({"extra_body": {name: 2}}, "unsupported_parameter") for name in ("n_cmpl", "n_predict", "n_probs")),
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
