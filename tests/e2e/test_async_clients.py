"""The official clients' asynchronous halves against a running gateway, on asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from tests.running import Gateway

CAPITAL = "The capital of France is Paris."
pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


def user(words: str) -> list[Any]:
    return [{"role": "user", "content": words}]


async def test_openai(gateway: Gateway) -> None:
    async with AsyncOpenAI(base_url=gateway.api, api_key=gateway.key, max_retries=0) as client:

        async def streamed() -> str:
            stream = await client.chat.completions.create(model="demo", messages=user("the capital?"), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        async def responded() -> str:
            async with client.responses.stream(model="demo", input="the capital?") as stream:
                return (await stream.get_final_response()).output_text

        told = await asyncio.gather(*(made() for made in (streamed, responded) * 8))
        assert told == [CAPITAL] * 16
        embeddings = await client.embeddings.create(model="demo", input=["a", "b"])
        assert [len(item.embedding) for item in embeddings.data] == [8, 8]
        assert "demo" in [model.id async for model in client.models.list()]
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model="demo", messages=user("busy"))


async def test_openai_leaving_a_stream_early(gateway: Gateway) -> None:
    async with AsyncOpenAI(base_url=gateway.api, api_key=gateway.key, max_retries=0) as client:
        slow = await client.chat.completions.with_raw_response.create(model="demo", messages=user("slow"), stream=True)
        async with slow.parse() as stream:
            assert (await anext(aiter(stream))).choices[0].delta.role == "assistant"
        quick = await client.chat.completions.create(model="demo", messages=user("the capital?"))
        assert quick.choices[0].message.content == CAPITAL
    record = await asyncio.to_thread(gateway.record, slow.headers["x-request-id"])
    assert record["status"] == 499


async def test_anthropic(gateway: Gateway) -> None:
    async with AsyncAnthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0) as client:
        asked: Any = {"model": "demo", "max_tokens": 100, "messages": user("the capital?")}
        message = await client.messages.create(**asked)
        assert message.content[0].type == "text"
        assert message.content[0].text == CAPITAL
        async with client.messages.stream(**asked) as stream:
            assert "".join([text async for text in stream.text_stream]) == CAPITAL
            final = await stream.get_final_message()
        assert final.usage == message.usage
        async with client.messages.stream(**{**asked, "messages": user("cut")}) as stream:
            with pytest.raises(anthropic.APIStatusError, match="ended before the answer did"):
                await stream.until_done()


async def test_langchain(gateway: Gateway) -> None:
    async with DefaultAsyncHttpxClient() as http:
        reached: dict[str, Any] = {"model": "demo", "base_url": gateway.api, "api_key": gateway.key}
        reached |= {"max_retries": 0, "http_async_client": http}
        for model in (ChatOpenAI(**reached), ChatOpenAI(**reached, use_responses_api=True)):
            assert (await model.ainvoke("the capital?")).text == CAPITAL
            assert "".join([chunk.text async for chunk in model.astream("the capital?")]) == CAPITAL
        embeddings = OpenAIEmbeddings(**reached, check_embedding_ctx_length=False)
        assert [len(vector) for vector in await embeddings.aembed_documents(["a", "b"])] == [8, 8]
