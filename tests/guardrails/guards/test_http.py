"""The guard that somebody else serves."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine import Engine, Report
from guardrails.errors import BadInput, NotRun
from guardrails.guards.http import MOST, MOST_SPANS, finding
from guardrails.models.lent import lent
from guardrails.passage import Passage, Surroundings
from guardrails.policy import parse
from guardrails.verdict import Span
from tests.guardrails.models.box import Handler, answers, nobody, odd, request

pytestmark = pytest.mark.anyio

TEXT = "my name is Ada"


async def judged(url: str, text: str = TEXT, **options: Any) -> Report:
    written = {"guard": "http", "url": url, "allow_http": True, "action": "block", **options}
    async with lent() as lending:
        engine = Engine(parse({"input": [written]}), lending.models)
        return await engine.check("input", [Passage(text, source="messages.0")], Surroundings(tenant="acme"))


def answering(**told: Any) -> Handler:
    return answers(200, json.dumps(told).encode())


async def test_it_asks_about_the_text_and_acts_on_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_TEST_KEY", "k1")
    heard: list[tuple[bytes, Any]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        heard.append((head.lower(), json.loads(await reader.readexactly(length))))
        body = b'{"score": 0.8, "reason": "a \\u0007name", "extra": [1]}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    async with odd(handle) as url:
        report = await judged(url, headers={"X-Key": "env:GUARD_TEST_KEY"})
    ((head, told),) = heard
    assert told == {"text": TEXT, "stage": "input", "source": "messages.0", "tenant": "acme"}
    assert b"x-key: k1\r\n" in head
    (verdict,) = report.verdicts
    assert (report.action, verdict.score, verdict.reason) == ("block", 0.8, "a name")


async def test_spans_are_redacted() -> None:
    async with odd(answering(score=0.9, spans=[{"start": 11, "end": 14, "label": "person"}])) as url:
        report = await judged(url, action="redact")
    assert report.passages[0].text == "my name is [PERSON]"


async def test_a_text_that_cannot_be_sent_keeps_its_length() -> None:
    async with odd(answering(score=1, spans=[{"start": 2, "end": 5}])) as url:
        report = await judged(url, "\ud800 Ada", action="redact")
    assert report.passages[0].text == "\ud800 [HTTP]"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"score": null}',
        b'{"score": "0.9"}',
        b'{"score": 1.5}',
        b'{"score": -0.1}',
        b'{"score": NaN}',
        b'{"flagged": true}',
        b'{"score": 0.1, "flagged": "yes"}',
        b'{"score": 0.1, "spans": [{"start": 5}]}',
        b'{"score": 0.1, "spans": [{"start": 5, "end": 4}]}',
        b'{"score": 0.1, "spans": [{"start": -1, "end": 4}]}',
        b'{"score": 0.1, "spans": [{"start": 0, "end": 99}]}',
        b'{"score": 0.1, "spans": [{"start": 0, "end": 1, "label": "]\\n[x"}]}',
        b'{"score": 0.1, "spans": [{"start": 0, "end": 1, "score": 2}]}',
        b'{"score": 0.1, "spans": %s}' % json.dumps([{"start": 0, "end": 1}] * (MOST_SPANS + 1)).encode(),
        b"[" * 50_000,
    ],
)
async def test_what_is_no_judgement_is_no_pass(body: bytes) -> None:
    async with odd(answers(200, body)) as url:
        report = await judged(url)
    (verdict,) = report.verdicts
    assert report.action == "block"
    assert not verdict.ran
    assert verdict.not_run is not None
    assert verdict.not_run.startswith("the server ")
    assert "127.0.0.1" not in verdict.not_run


@pytest.mark.parametrize("mode", ["open", "closed"])
async def test_a_server_that_is_not_there_is_dealt_with_by_the_fail_mode(mode: str) -> None:
    report = await judged(nobody(), on_failure=mode)
    assert report.action == ("allow" if mode == "open" else "block")
    assert report.verdicts[0].not_run == "the server cannot be reached"


async def test_a_silent_server_is_waited_for_as_long_as_its_budget() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await reader.read()

    async with odd(silent) as url:
        report = await judged(url, budget=0.05)
    assert report.verdicts[0].not_run == "it took longer than 0.05 s"


@pytest.mark.parametrize(
    ("handle", "why"),
    [
        (answers(500, b'{"score": 0}'), "the server answered with 500"),
        (answers(200, b'{"score": 0, "reason": "%b"}' % (b"x" * MOST)), f"the server says more than {MOST} bytes"),
    ],
)
async def test_errors_and_huge_answers_are_no_pass(handle: Handler, why: str) -> None:
    async with odd(handle) as url:
        report = await judged(url)
    assert (report.action, report.verdicts[0].not_run) == ("block", why)


async def test_without_its_secret_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GUARD_TEST_KEY", raising=False)
    report = await judged(nobody(), headers={"x-key": "env:GUARD_TEST_KEY"})
    assert report.verdicts[0].not_run == "the variable GUARD_TEST_KEY is not set"


async def test_of_an_empty_text_nobody_is_asked() -> None:
    report = await judged(nobody(), " \n")
    assert report.action == "allow"
    assert report.verdicts[0].idle


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://guards:8000"}, "allow_http"),
        ({"url": "https://u:p@guards"}, "write an address"),
        ({"url": "https://guards", "headers": {"x-key": "sk-secret"}}, "headers"),
        ({"url": "https://guards", "headers": {"host": "env:GUARD_HOST"}}, "host"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse({"input": [{"guard": "http", **options}]})


@given(st.floats(0, 1), st.booleans(), st.floats(0.01, 1))
def test_flagged_is_flagged_and_a_score_counts_without_it(score: float, flagged: bool, threshold: float) -> None:
    found = finding(json.dumps({"score": score, "flagged": flagged}).encode(), TEXT, threshold)
    assert (found.score >= threshold) == (flagged or score >= threshold)


@given(
    st.binary(max_size=200) | st.text(max_size=50).map(lambda text: json.dumps({"score": 1, "reason": text}).encode())
)
def test_whatever_is_said_is_a_finding_or_no_judgement(body: bytes) -> None:
    try:
        found = finding(body, TEXT, 0.5)
    except NotRun:
        return
    assert 0 <= found.score <= 1
    assert found.reason.isprintable()


def test_spans_are_as_sure_as_the_text_where_nothing_is_told_of_them() -> None:
    body = b'{"score": 0.7, "spans": [{"start": 3, "end": 4, "score": 0.2}, {"start": 0, "end": 2, "label": "id"}]}'
    assert finding(body, TEXT, 0.5).spans == (Span(0, 2, "id", 0.7), Span(3, 4, "http", 0.2))
