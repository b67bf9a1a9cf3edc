"""The official `anthropic` client, and LangChain's `ChatOpenAI`, against a running gateway."""

from __future__ import annotations

import anthropic
import pytest
from anthropic import Anthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tests.running import Gateway


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"{city}: sunny"


def test_anthropic_whole_and_streamed(gateway: Gateway) -> None:
    with Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        message = client.messages.create(
            model="support-bot", max_tokens=100, messages=[{"role": "user", "content": "the capital?"}]
        )
        assert message.content[0].type == "text"
        assert message.content[0].text == "The capital of France is Paris."
        assert message.stop_reason == "end_turn"
        assert message._request_id is not None
        with client.messages.stream(
            model="demo", max_tokens=100, messages=[{"role": "user", "content": "the capital?"}]
        ) as stream:
            assert "".join(stream.text_stream) == "The capital of France is Paris."
            assert stream.get_final_message().usage.output_tokens == 6


def test_anthropic_tools(gateway: Gateway) -> None:
    with Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        message = client.messages.create(
            model="demo",
            max_tokens=100,
            messages=[{"role": "user", "content": "weather?"}],
            tools=[{"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}],
        )
        assert message.stop_reason == "tool_use"
        assert message.content[0].type == "tool_use"
        assert message.content[0].input == {"city": "Paris"}


def test_anthropic_errors(gateway: Gateway) -> None:
    with Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(model="nobody", max_tokens=9, messages=[{"role": "user", "content": "x"}])
        with pytest.raises(anthropic.RateLimitError):
            client.messages.create(model="demo", max_tokens=9, messages=[{"role": "user", "content": "busy"}])
    with (
        Anthropic(base_url=gateway.url, api_key="sk-x", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model="demo", max_tokens=9, messages=[{"role": "user", "content": "x"}])


def test_langchain(gateway: Gateway) -> None:
    model = ChatOpenAI(model="demo", base_url=gateway.api, api_key=gateway.key, max_retries=0)  # type: ignore[arg-type]
    assert model.invoke("the capital?").content == "The capital of France is Paris."
    assert "".join(str(chunk.content) for chunk in model.stream("the capital?")) == "The capital of France is Paris."
    called = model.bind_tools([get_weather]).invoke("weather?")
    assert called.tool_calls[0]["args"] == {"city": "Paris"}  # type: ignore[attr-defined]
    embeddings = OpenAIEmbeddings(
        model="demo", base_url=gateway.api, api_key=gateway.key, check_embedding_ctx_length=False
    )  # type: ignore[arg-type]
    assert len(embeddings.embed_query("x")) == 8
