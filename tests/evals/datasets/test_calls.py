"""Recorded calls of a running gateway, as samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evals.datasets.base import Dataset, load
from evals.datasets.calls import Calls, row_of
from evals.errors import BadInput, TargetFailed
from tests.running import MANIFEST, RULES, Gateway, running_gateway
from tests.waiting import wait_until

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One that has been asked four things: one of them as a stream, one of another endpoint, one in vain."""
    with running_gateway(
        tmp_path_factory.mktemp("calls"),
        {"demo": {"provider": "scripted", "rules": RULES}},
        MANIFEST,
        content={"capture": "full", "redact": ["email"]},
    ) as gateway:
        ids = [
            ask(gateway, "What is the capital of France? I am ada@example.org", tools=[WEATHER]),
            ask(gateway, "And its capital?", stream=True),
            ask(gateway, "broken, please"),
            ask(gateway, None, model="greeter", prompt={"variables": {"name": "Ada"}}),
        ]
        for one in ids:
            gateway.record(one)
        wait_until(lambda: all(content(gateway, one) for one in ids))
        yield gateway


def ask(gateway: Gateway, question: str | None, **body: Any) -> str:
    messages = [] if question is None else [{"role": "user", "content": question}]
    asked = {"model": "support-bot", "messages": messages, **body}
    reply = httpx.post(f"{gateway.api}/chat/completions", json=asked, headers=gateway.headers)
    return reply.headers["x-request-id"]


def content(gateway: Gateway, call: str) -> bool:
    return httpx.get(f"{gateway.url}/admin/calls/{call}/content", headers=gateway.headers).status_code == 200


@pytest.fixture
def reached(recorded: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setenv("SLUICE_URL", recorded.url)
    monkeypatch.setenv("SLUICE_KEY", recorded.key)
    return recorded


def loaded(**keys: Any) -> Dataset:
    return load(Calls.model_validate(keys), Path())


@pytest.mark.usefixtures("reached")
def test_what_was_asked_and_answered() -> None:
    found = loaded(endpoint="support-bot", fields={"expected": "answer", "cluster": "key_id"})
    stream, asked = found.samples
    assert asked.question == "What is the capital of France? I am [email]"
    assert stream.question == "And its capital?"
    assert asked.expected == stream.expected == "The capital of France is Paris."
    assert asked.tools == (WEATHER,)
    assert asked.cluster == stream.cluster is not None
    assert asked.metadata["endpoint"] == "support-bot"
    assert asked.metadata["started"] < stream.metadata["started"]
    assert loaded(endpoint="support-bot", fields={"expected": "answer", "cluster": "key_id"}).digest == found.digest


@pytest.mark.usefixtures("reached")
def test_variables_of_a_prompt() -> None:
    (sample,) = loaded(endpoint="greeter").samples
    assert sample.variables == {"name": "Ada"}


@pytest.mark.usefixtures("reached")
def test_filters_narrow(reached: Gateway) -> None:
    assert len(loaded().samples) == 3
    assert len(loaded(limit=1).samples) == 1
    assert len(loaded(where={"stream": True}).samples) == 1
    assert len(loaded(where={"status": "5xx"}).samples) == 1
    assert len(loaded(since="1h").samples) == 3
    with pytest.raises(BadInput, match="the dataset is empty"):
        loaded(until="1h")
    with pytest.raises(BadInput, match=r"The gateway refused \(4\d\d\)"):
        loaded(where={"colour": "red"})
    with pytest.raises(BadInput, match=r"The gateway refused \(4\d\d\): .*since"):
        loaded(since="yesterday")


def test_where_there_is_no_gateway_or_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_KEY", raising=False)
    with pytest.raises(BadInput, match="set SLUICE_KEY"):
        loaded()
    monkeypatch.setenv("SLUICE_KEY", "sk-none")
    monkeypatch.setenv("SLUICE_URL", "http://127.0.0.1:9")
    with pytest.raises(TargetFailed, match="cannot be reached"):
        loaded()


def test_calls_whose_content_was_not_kept(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    gateway.record(ask(gateway, "capital"))
    with pytest.raises(BadInput, match=r"the content of none was kept: see the setting content\.capture"):
        loaded(limit=3)


RECORD = {"id": "req_1", "started": 1_700_000_000_000_000_000}


@pytest.mark.parametrize(
    ("request_", "answer", "messages", "said"),
    [
        ('{"prompt": "Once"}', '{"choices": [{"text": " upon"}]}', [{"role": "user", "content": "Once"}], " upon"),
        (
            '{"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]}',
            '{"content": [{"type": "text", "text": "Hello."}]}',
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "Hello.",
        ),
        (
            '{"instructions": "Be brief.", "input": "Hi"}',
            '{"output": [{"type": "message", "content": [{"type": "output_text", "text": "Hello."}]}]}',
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "Hello.",
        ),
        (
            '{"input": [{"role": "user", "content": "Hi"}]}',
            '{"output.0.output_text": "Hello."}',
            [{"role": "user", "content": "Hi"}],
            "Hello.",
        ),
        ('{"messages": [{"role": "user", "content": "Hi"}]}', None, [{"role": "user", "content": "Hi"}], None),
        (
            '{"messages": [{"role": "user", "content": "Hi"}]}',
            '{"choices": [{}]}',
            [{"role": "user", "content": "Hi"}],
            "",
        ),
    ],
)
def test_every_api(request_: str, answer: str | None, messages: list[Any], said: str | None) -> None:
    found = row_of(RECORD, {"request": request_, "answer": answer, "truncated": False})
    assert found is not None
    assert (found.value["messages"], found.value["answer"]) == (messages, said)
    assert found.value["started"] == "2023-11-14T22:13:20.000+00:00"


@pytest.mark.parametrize(
    ("request_", "truncated"), [('{"messages": [{"ro', True), (None, False), ('{"input": [1]}', False), ("[]", False)]
)
def test_what_is_not_whole_is_left_out(request_: str | None, truncated: bool) -> None:
    assert row_of(RECORD, {"request": request_, "answer": None, "truncated": truncated}) is None
