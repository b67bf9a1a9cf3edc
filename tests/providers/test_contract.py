"""What holds for every provider: the same questions to each, real models and real servers behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from gateway.errors import BadRequest, GatewayError, Unavailable
from gateway.http.h1 import H1Client
from gateway.providers.base import Ask, Provider
from gateway.providers.credentials import StaticKey
from gateway.providers.embedder import EmbedderConfig, EmbedderProvider
from gateway.providers.litellm import Library, LiteLLMConfig, LiteLLMProvider
from gateway.providers.llamacpp import LlamaCppConfig, LlamaCppProvider
from gateway.providers.openai import OpenAIConfig, OpenAIProvider
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.providers.transformers import TransformersConfig, TransformersProvider
from gateway.types import Json, Operation
from gateway.wire.sse import EventSplitter, event_data
from tests.running import Gateway

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:Items? '.*' on TypedDict"),  # pydantic on litellm's types, at their first use
]
CHATTING = ("scripted", "openai", "litellm", "llamacpp", "transformers")
ASKED: Json = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0}


@asynccontextmanager
async def provider(kind: str, gateway: Gateway) -> AsyncIterator[Provider]:
    client, library = H1Client(), Library()
    built: Provider
    if kind == "scripted":
        built = ScriptedProvider(ScriptedConfig())
    elif kind == "openai":
        built = OpenAIProvider(OpenAIConfig("demo", gateway.api), client, StaticKey("authorization", gateway.key))
    elif kind == "litellm":
        arguments = {"api_base": gateway.url, "api_key": gateway.key}
        built = LiteLLMProvider(LiteLLMConfig("anthropic/demo", arguments), library)
    elif kind == "llamacpp":
        built = LlamaCppProvider(LlamaCppConfig("smollm2-135m-instruct", context=1024, parallel=2))
    elif kind == "transformers":
        built = TransformersProvider(TransformersConfig("smollm2-135m-instruct"))
    else:
        built = EmbedderProvider(EmbedderConfig("all-minilm-l6-v2"))
    try:
        yield built
    finally:
        await built.close()
        await library.close()
        await client.close()


def ask(body: Json, operation: Operation = "chat", stream: bool = False) -> Ask:
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return Ask(operation, {"model": "whatever", **body, **more}, stream)


async def streamed(built: Provider, body: Json) -> tuple[list[Json], bool]:
    """The chunks, and whether the stream ended with `[DONE]`."""
    reply = await built.send(ask(body, stream=True))
    splitter, found = EventSplitter(), list[bytes]()
    await reply.pump(lambda data: found.extend(splitter.feed(data)))
    events = [data for data in map(event_data, found) if data is not None]
    return [orjson.loads(data) for data in events if data != b"[DONE]"], events[-1] == b"[DONE]"


@pytest.mark.parametrize("kind", CHATTING)
async def test_chat(kind: str, gateway: Gateway) -> None:
    """Whole and streamed answers are the same text, in OpenAI's shapes, with usage; limits are kept."""
    async with provider(kind, gateway) as built:
        await built.check()
        whole = orjson.loads(await (await built.send(ask({**ASKED, "max_tokens": 32}))).read())
        choice = whole["choices"][0]
        assert whole["object"] == "chat.completion"
        assert choice["message"]["role"] == "assistant"
        assert choice["finish_reason"] in ("stop", "length")
        assert whole["usage"]["prompt_tokens"] > 0
        assert whole["usage"]["completion_tokens"] > 0
        if kind != "scripted":
            assert "Paris" in choice["message"]["content"]

        chunks, done = await streamed(built, {**ASKED, "max_tokens": 32})
        assert done
        assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
        assert text == choice["message"]["content"]
        finishes = [c["choices"][0].get("finish_reason") for c in chunks if c["choices"]]
        assert [reason for reason in finishes if reason] == [choice["finish_reason"]]

        short = orjson.loads(await (await built.send(ask({**ASKED, "max_tokens": 2}))).read())
        assert short["usage"]["completion_tokens"] <= 2 or kind == "litellm"


@pytest.mark.parametrize("kind", CHATTING)
async def test_a_cancelled_stream_leaves_the_provider_well(kind: str, gateway: Gateway) -> None:
    async with provider(kind, gateway) as built:
        many = {"messages": [{"role": "user", "content": "Write a very slow, long story."}], "max_tokens": 300}
        reply = await built.send(ask(many, stream=True))
        begun = asyncio.Event()
        pumping = asyncio.create_task(reply.pump(lambda data: begun.set()))
        await begun.wait()
        pumping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pumping
        again = await (await built.send(ask({**ASKED, "max_tokens": 4}))).read()
        assert orjson.loads(again)["choices"]


@pytest.mark.parametrize("kind", ["llamacpp", "transformers"])
async def test_embedded_models_answer_together(kind: str, gateway: Gateway) -> None:
    """Concurrent calls, n, seeds, log probabilities, stop strings; too long a prompt is the client's fault."""
    async with provider(kind, gateway) as built:

        async def said(**more: object) -> Json:
            body: Json = orjson.loads(await (await built.send(ask({**ASKED, "max_tokens": 12, **more}))).read())
            return body

        alone, *_ = answers = await asyncio.gather(*(said() for _ in range(5)))
        texts = {answer["choices"][0]["message"]["content"] for answer in answers}
        assert len(texts) == 1
        two = await said(n=2)
        assert {c["index"] for c in two["choices"]} == {0, 1}
        logged = await said(logprobs=True, top_logprobs=2)
        first = logged["choices"][0]["logprobs"]["content"][0]
        assert first["logprob"] <= 0
        assert len(first["top_logprobs"]) == 2
        assert first["top_logprobs"][0]["token"] == first["token"]
        seeded = [await said(temperature=1.0, seed=7) for _ in range(2)]
        assert seeded[0]["choices"][0]["message"] == seeded[1]["choices"][0]["message"]
        content = alone["choices"][0]["message"]["content"]
        stop = content.split()[2]
        stopped = (await said(stop=[stop]))["choices"][0]
        assert stopped["finish_reason"] == "stop"
        assert stopped["message"]["content"] == content[: content.index(stop)]
        with pytest.raises(BadRequest):
            await built.send(ask({"messages": [{"role": "user", "content": "word " * 20_000}]}))


@pytest.mark.parametrize("kind", ["scripted", "embedder", "openai"])
async def test_embeddings(kind: str, gateway: Gateway) -> None:
    async with provider(kind, gateway) as built:
        reply = await built.send(ask({"input": ["cat", "kitten", "bond yields"]}, "embeddings"))
        answer = orjson.loads(await reply.read())
        cat, kitten, bonds = (row["embedding"] for row in answer["data"])
        assert answer["usage"]["prompt_tokens"] > 0
        assert len(cat) == len(kitten)
        if kind == "embedder":
            assert _dot(cat, kitten) > _dot(cat, bonds) + 0.3
            half = orjson.loads(await (await built.send(ask({"input": "cat", "dimensions": 64}, "embeddings"))).read())
            assert len(half["data"][0]["embedding"]) == 64
            assert _dot(half["data"][0]["embedding"], half["data"][0]["embedding"]) == pytest.approx(1, abs=1e-4)
            for wrong in ({"input": "x", "dimensions": 9999}, {"input": "word " * 2000}, {"input": [10**9]}):
                with pytest.raises(BadRequest):
                    await built.send(ask(wrong, "embeddings"))


async def test_what_litellm_must_not_be_told(gateway: Gateway) -> None:
    """A client cannot reach litellm's own settings, nor have it fetch a URL from inside our network."""
    async with provider("litellm", gateway) as built:
        for sly, param in (
            ({**ASKED, "api_base": "http://127.0.0.1:9"}, "api_base"),
            ({**ASKED, "mock_response": "hi"}, "mock_response"),
            (_picture("http://127.0.0.1:9/a.png"), "messages[0].content[0].image_url"),
        ):
            with pytest.raises(BadRequest) as refused:
                await built.send(ask(sly))
            assert refused.value.param == param


async def test_litellm_errors_are_ours(gateway: Gateway) -> None:
    wrong = {"api_base": gateway.url, "api_key": "sk-wrong"}
    async with litellm("anthropic/demo", wrong) as built:
        with pytest.raises(GatewayError) as refused:
            await built.send(ask({**ASKED, "max_tokens": 5}))
    assert refused.value.code == "upstream_credentials"
    assert "sk-wrong" not in refused.value.message
    async with litellm("anthropic/demo", {"api_base": "http://127.0.0.1:9", "api_key": "k"}) as built:
        with pytest.raises(GatewayError) as failed:
            await built.send(ask({**ASKED, "max_tokens": 5}))
    assert failed.value.status in (500, 502, 503)
    async with litellm("nonsense", {}) as built:
        with pytest.raises(Unavailable):
            await built.check()


@asynccontextmanager
async def litellm(model: str, arguments: dict[str, str]) -> AsyncIterator[LiteLLMProvider]:
    """Closed in any case: a connection it keeps would outlive its event loop and fail another test."""
    library = Library()
    try:
        yield LiteLLMProvider(LiteLLMConfig(model, arguments), library)
    finally:
        await library.close()


def _picture(url: str) -> Json:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}


def _dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
