"""The official `openai` client against a running gateway."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import openai
import pytest
from openai import OpenAI

from tests.running import Gateway

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.api, api_key=gateway.key, max_retries=0) as made:
        yield made


def ask(client: OpenAI, words: str, **more: object) -> object:
    return client.chat.completions.create(model="demo", messages=[{"role": "user", "content": words}], **more)  # type: ignore[call-overload]


def test_chat(client: OpenAI) -> None:
    reply = client.chat.completions.create(model="support-bot", messages=[{"role": "user", "content": "the capital?"}])
    assert reply.choices[0].message.content == "The capital of France is Paris."
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 6
    assert reply._request_id is not None


def test_chat_stream_keeps_its_identity_and_ends(client: OpenAI) -> None:
    with client.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": "the capital?"}], stream=True, n=2
    ) as stream:
        chunks = list(stream)
    assert {(chunk.id, chunk.created, chunk.model) for chunk in chunks} == {
        (chunks[0].id, chunks[0].created, chunks[0].model)
    }
    assert all(chunk.usage is None for chunk in chunks)
    for index in (0, 1):
        choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert choices[0].delta.role == "assistant"
        assert "".join(choice.delta.content or "" for choice in choices) == "The capital of France is Paris."
        assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]


def test_chat_stream_with_usage(client: OpenAI) -> None:
    with client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "the capital?"}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 6


def test_tools_stream(client: OpenAI) -> None:
    with client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "weather?"}],
        tools=[TOOL],  # type: ignore[list-item]
        stream=True,
    ) as stream:
        calls = [call for chunk in stream for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert {call.index for call in calls} == {0}
    assert [call.function.name for call in calls if call.function and call.function.name] == ["get_weather"]
    assert "".join(call.function.arguments or "" for call in calls if call.function) == '{"city":"Paris"}'


def test_prompt_variables_fill_the_release(client: OpenAI) -> None:
    reply = client.chat.completions.with_raw_response.create(
        model="greeter", messages=[], extra_body={"prompt": {"id": "greeter", "variables": {"name": "Ada"}}}
    )
    assert reply.parse().choices[0].message.content == "Greet Ada."
    assert len(reply.headers["x-sluice-release"]) == 64
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model="greeter", messages=[], extra_body={"prompt": {"variables": {}}})
    assert refusal.value.param == "prompt.variables.name"


def test_completions(client: OpenAI) -> None:
    reply = client.completions.create(model="demo", prompt="the capital")
    assert reply.choices[0].text == "The capital of France is Paris."
    with client.completions.create(model="demo", prompt="the capital", stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == "The capital of France is Paris."


def test_embeddings_in_both_encodings(client: OpenAI) -> None:
    packed = client.embeddings.create(model="demo", input=["a", "b"], dimensions=4)
    plain = client.embeddings.create(model="demo", input=["a", "b"], dimensions=4, encoding_format="float")
    assert len(packed.data) == 2
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
    assert client.embeddings.create(model="demo", input=[1, 2, 3]).usage.prompt_tokens == 3


def test_models(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert {"support-bot", "greeter", "demo", "other"} <= models.keys()
    assert models["demo"].to_dict()["shutdown_date"] == "2027-01-01"
    assert client.models.retrieve("support-bot").owned_by == "endpoint"
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("nobody")
    assert refusal.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("busy", openai.RateLimitError),
        ("wrong key", openai.InternalServerError),
        ("broken", openai.InternalServerError),
        ("cut", openai.InternalServerError),
    ],
)
def test_upstream_errors_become_the_sdks_classes(
    client: OpenAI, words: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as refusal:
        ask(client, words)
    assert refusal.value.response.headers["x-request-id"].startswith("req_")
    assert "sk-secret" not in str(refusal.value)
    with pytest.raises(error if words != "cut" else openai.APIError):
        list(ask(client, words, stream=True))  # type: ignore[call-overload]


def test_refusals_become_the_sdks_classes(gateway: Gateway, client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "x"}])
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as bad:
        ask(client, "x", temperature=9)
    assert bad.value.param == "temperature"
    with (
        OpenAI(base_url=gateway.api, api_key="sk-nobody", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        ask(stranger, "x")


def test_an_upstream_that_is_down_is_a_502(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as refusal:
        client.chat.completions.create(model="down", messages=[{"role": "user", "content": "x"}])
    assert refusal.value.status_code == 502
    assert refusal.value.code == "upstream_unreachable"


def test_the_sdk_retries_what_it_is_told_to(gateway: Gateway) -> None:
    """Once more after a 429, as long after as it is told; what would fail again is asked once."""
    asked: list[str] = []
    heard = httpx.Client(event_hooks={"response": [lambda reply: asked.append(reply.headers["x-request-id"])]})
    with OpenAI(base_url=gateway.api, api_key=gateway.key, max_retries=1, http_client=heard) as client:
        with pytest.raises(openai.RateLimitError) as refusal:
            ask(client, "busy")
        assert len(set(asked)) == 2
        assert {gateway.record(request_id)["status"] for request_id in asked} == {429}
        assert refusal.value.response.headers["retry-after"] == "2"
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "x"}])
        assert len(asked) == 3


def test_responses(client: OpenAI) -> None:
    first = client.responses.create(model="demo", input="the capital?", instructions="Be brief.")
    assert first.output_text == "The capital of France is Paris."
    assert first.status == "completed"
    assert first.usage is not None
    assert first.usage.output_tokens == 6
    second = client.responses.create(model="demo", input="and again", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert client.responses.retrieve(second.id).output_text == second.output_text
    items = list(client.responses.input_items.list(second.id))
    assert len(items) == 3
    client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)
    with pytest.raises(openai.BadRequestError) as gone:
        client.responses.create(model="demo", input="x", previous_response_id=second.id)
    assert gone.value.code == "previous_response_not_found"


def test_responses_not_stored_are_not_found(client: OpenAI) -> None:
    reply = client.responses.create(model="demo", input="the capital?", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(reply.id)


def test_responses_stream(client: OpenAI) -> None:
    with client.responses.stream(model="demo", input="the capital?") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert final.output_text == "The capital of France is Paris."
    assert client.responses.retrieve(final.id).output_text == final.output_text


def test_responses_with_tools(client: OpenAI) -> None:
    tool = {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    reply = client.responses.create(model="demo", input="weather?", tools=[tool])  # type: ignore[list-item]
    call = reply.output[0]
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Paris"}')
    answer = client.responses.create(
        model="demo",
        previous_response_id=reply.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}],
    )
    assert answer.output_text == "sunny"


def test_responses_in_the_background_are_polled_and_cancelled(client: OpenAI) -> None:
    reply = client.responses.create(model="demo", input="the capital?", background=True)
    assert reply.status == "in_progress"
    for _ in range(50):
        reply = client.responses.retrieve(reply.id)
        if reply.status == "completed":
            break
        time.sleep(0.1)
    assert reply.output_text == "The capital of France is Paris."
    slow = client.responses.create(model="demo", input="slow", background=True)
    assert client.responses.cancel(slow.id).status in ("cancelled", "completed")


def test_moderations(client: OpenAI, gateway: Gateway) -> None:
    """What the shipped model makes of a text is its own matter: here, that its word arrives whole."""
    alone = client.moderations.create(input="Where can I see how far my parcel has come today?")
    (told,) = alone.results
    assert alone.id.startswith("modr-")
    assert alone.model == "sluice-moderation"
    assert told.flagged is False
    assert told.category_applied_input_types.hate == ["text"]
    assert told.category_applied_input_types.sexual_minors == []
    assert 0 < told.category_scores.illicit < 0.9
    assert told.category_scores.violence == 0
    asked = ["Good morning.", "All of them are vermin, and I hate every one of these filthy people."]
    several = client.moderations.create(model="omni-moderation-latest", input=asked)
    mild, harsh = several.results
    assert harsh.category_scores.hate > mild.category_scores.hate
    assert harsh.category_scores.harassment > mild.category_scores.harassment
    record = gateway.record(several._request_id or "")
    assert (record["surface"], record["status"], record["upstream"]) == ("moderations", 200, None)


def test_an_image_to_moderate_is_refused(client: OpenAI) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(openai.BadRequestError) as caught:
        client.moderations.create(input=[{"type": "text", "text": "Look:"}, picture])  # type: ignore[arg-type]
    assert (caught.value.param, caught.value.code) == ("input[1].image_url", "unsupported_parameter")
