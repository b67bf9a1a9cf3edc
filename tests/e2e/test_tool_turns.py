"""Turns with tools and their figures, whole and streamed, through the clients people build agents with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import DefaultHttpxClient

from tests.running import Gateway

WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"{city}: sunny"


@pytest.fixture(scope="module")
def anthropic(gateway: Gateway) -> Iterator[Anthropic]:
    with Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def langchain(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[ChatOpenAI]:
    with DefaultHttpxClient() as http:
        reached: dict[str, Any] = {"model": "demo", "base_url": gateway.api, "api_key": gateway.key}
        reached |= {"max_retries": 0, "http_client": http}
        yield ChatOpenAI(**reached, stream_usage=True, use_responses_api=request.param)


def test_anthropic_calls_a_tool_and_reads_its_result(anthropic: Anthropic) -> None:
    asked: list[Any] = [{"role": "user", "content": "weather?"}]
    first = anthropic.messages.create(model="demo", max_tokens=99, messages=asked, tools=[WEATHER])
    [call] = first.content
    assert call.type == "tool_use"
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny in Paris"}]}
    asked += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = anthropic.messages.create(model="demo", max_tokens=99, messages=asked, tools=[WEATHER])
    assert second.content[0].type == "text"
    assert second.content[0].text == "sunny in Paris"
    assert second.stop_reason == "end_turn"


def test_anthropic_streams_a_tool_call(anthropic: Anthropic) -> None:
    asked: Any = {"model": "demo", "max_tokens": 99, "messages": [{"role": "user", "content": "weather?"}]}
    with anthropic.messages.stream(**asked, tools=[WEATHER]) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert "".join(pieces) == '{"city":"Paris"}'
    assert final.stop_reason == "tool_use"
    [call] = final.content
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    assert final.usage == anthropic.messages.create(**asked, tools=[WEATHER]).usage


def test_anthropic_is_cut_at_max_tokens(anthropic: Anthropic) -> None:
    message = anthropic.messages.create(
        model="demo", max_tokens=2, system="Be brief.", messages=[{"role": "user", "content": "the capital?"}]
    )
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 2
    assert message.usage.input_tokens > 0


def test_langchain_calls_a_tool_and_reads_its_result(langchain: ChatOpenAI) -> None:
    armed = langchain.bind_tools([get_weather])
    asked: list[Any] = [HumanMessage("weather?")]
    first = armed.invoke(asked)
    [call] = first.tool_calls
    result = get_weather.invoke(call)
    assert isinstance(result, ToolMessage)
    assert armed.invoke([*asked, first, result]).text == "Paris: sunny"


def test_langchain_streams_a_tool_call_and_its_figures(langchain: ChatOpenAI) -> None:
    armed = langchain.bind_tools([get_weather])
    whole = AIMessageChunk(content="")
    for chunk in armed.stream("weather?"):
        assert isinstance(chunk, AIMessageChunk)
        whole += chunk
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("get_weather", {"city": "Paris"})]
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["input_tokens"] > 0
    told = langchain.invoke("the capital?").usage_metadata
    assert told is not None
    assert (told["output_tokens"], told["total_tokens"]) == (6, told["input_tokens"] + 6)


def test_langchain_asks_for_a_schema(langchain: ChatOpenAI) -> None:
    schema = {"title": "Answer", "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    structured = langchain.with_structured_output(schema, method="json_schema")
    assert structured.invoke('{"a": 3}') == {"a": 3}
