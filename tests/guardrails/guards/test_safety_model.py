"""Safety models behind chat endpoints: what they are asked, and what comes of their answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from guardrails.engine import Engine, Report
from guardrails.errors import BadInput
from guardrails.guards.safety_answers import Judgement
from guardrails.guards.safety_model import SafetyModel
from guardrails.models.lent import lent
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.policy import parse
from tests.guardrails.models.box import Handler, answers, nobody, odd

pytestmark = pytest.mark.anyio

ASKING = {"guard": "safety_model", "base_url": "https://guards.example/v1/", "model": "guard"}


def made(**options: Any) -> SafetyModel:
    return SafetyModel.model_validate({**ASKING, "format": "llama_guard", **options})


def completion(content: Any, logprobs: Any = None) -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "logprobs": logprobs}]}).encode()


async def judged(url: str, stage: Stage = "input", **options: Any) -> Report:
    written = {**ASKING, "format": "llama_guard", "base_url": url, "allow_http": True, "action": "block", **options}
    async with lent() as lending:
        engine = Engine(parse({stage: [written]}), lending.models)
        return await engine.check(stage, [Passage("a text", stage)], Surroundings(question="a question"))


async def test_it_asks_the_model_and_acts_on_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_TEST_KEY", "k1")
    heard: list[tuple[bytes, Any]] = []
    likely = [{"token": "unsafe", "logprob": -0.1053605}, {"token": "safe", "logprob": -2.3025851}]
    told = {"content": [{"token": "unsafe", "logprob": -0.1, "bytes": [1], "top_logprobs": likely}]}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        heard.append((head, json.loads(await reader.readexactly(length))))
        body = completion("unsafe\nS9", told)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    async with odd(handle) as url:
        report = await judged(f"{url}/v1/", api_key="env:GUARD_TEST_KEY")
    ((head, body),) = heard
    assert head.startswith(b"POST /v1/chat/completions ")
    assert b"uthorization: Bearer k1\r\n" in head
    assert body["messages"] == [{"role": "user", "content": "a text"}]
    assert (body["model"], body["temperature"], body["logprobs"]) == ("guard", 0, True)
    (verdict,) = report.verdicts
    assert report.action == "block"
    assert verdict.score == pytest.approx(0.9)
    assert (verdict.reason, verdict.labels[0][0]) == ("indiscriminate weapons", "indiscriminate weapons")


@pytest.mark.parametrize(
    "handle",
    [
        answers(200, completion("It seems safe to me.")),
        answers(200, completion(None)),
        answers(200, b'{"choices": []}'),
        answers(200, b'{"error": {"message": "no such model"}}'),
        answers(200, b"<html>"),
        answers(200, b'{"choices": [{"message": {"content": "safe"}, "logprobs": {"content": 7}}]}'),
        answers(404, completion("safe")),
        answers(500, b""),
        answers(200, completion("safe" + " " * 300_000)),
    ],
)
async def test_any_other_answer_is_no_pass(handle: Handler) -> None:
    async with odd(handle) as url:
        report = await judged(url)
    assert report.action == "block"
    assert not report.verdicts[0].ran


async def test_a_server_that_is_not_there_is_no_pass() -> None:
    report = await judged(nobody())
    assert (report.action, report.verdicts[0].not_run) == ("block", "the server cannot be reached")


async def test_a_safe_text_goes_on() -> None:
    async with odd(answers(200, completion("safe"))) as url:
        report = await judged(url, "output")
    assert (report.action, report.verdicts[0].score) == ("allow", 0)


def messages(guard: SafetyModel, stage: Stage = "input", question: str = "why?") -> Any:
    return guard.asked(Passage("a {text}", stage), Surroundings(question=question))["messages"]


def test_an_answer_is_judged_with_its_question() -> None:
    turns = [{"role": "user", "content": "why?"}, {"role": "assistant", "content": "a {text}"}]
    assert messages(made(), "output") == turns
    assert messages(made(), "output", "")[0]["content"]


def test_a_prompt_has_the_text_in_it_or_stands_before_it() -> None:
    inside = made(format="yes_no", prompt="Is this bad?\n{text}\nYes or No.")
    assert messages(inside) == [{"role": "user", "content": "Is this bad?\na {text}\nYes or No."}]
    before = made(format="json", prompt="The rules. Answer in JSON.")
    assert messages(before) == [
        {"role": "system", "content": "The rules. Answer in JSON."},
        {"role": "user", "content": "a {text}"},
    ]


def test_granite_guardian_is_told_what_to_look_for() -> None:
    body = made(format="granite_guardian", risk="jailbreak").asked(Passage("x"), Surroundings())
    assert body["chat_template_kwargs"]["guardian_config"] == {"risk_name": "jailbreak", "criteria_id": "jailbreak"}


def test_of_categories_only_those_that_are_named_count() -> None:
    guard = made(categories={"S1": "violence"})
    assert guard.found(Judgement(0.9, ("S1", "S2"))).labels == (("violence", 0.9),)
    assert guard.found(Judgement(0.9, ("S2",))).score == 0
    assert guard.found(Judgement(0.9)).score == 0.9
    assert made().found(Judgement(0.9, ("S10", "S77"))).reason == "hate, S77"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "yes_no"}, "write a `prompt`"),
        ({"format": "json"}, "write a `prompt`"),
        ({"format": "llama_guard", "prompt": "Is it bad?"}, "leave `prompt` out"),
        ({"format": "free"}, "format"),
        ({"format": "llama_guard", "base_url": "http://guards:8000/v1"}, "allow_http"),
        ({"format": "llama_guard", "api_key": "sk-secret"}, "api_key"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        parse({"input": [{**ASKING, **options}]})
    assert "sk-secret" not in str(caught.value)
