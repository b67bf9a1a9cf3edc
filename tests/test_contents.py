"""Content capture: only what the policy wants, redacted before it is written anywhere, and shipped once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import contents as module
from gateway.content_policy import ContentPolicy
from gateway.contents import MOST_BYTES, SMALL, Contents, ContentShipper, Said
from gateway.front.transcript import Transcript
from gateway.journal import Journal
from gateway.store import contents as rows
from gateway.store.contents import Content
from gateway.store.engine import Store
from gateway.types import Principal
from tests.exchanges import Taken
from tests.inside import inside

pytestmark = pytest.mark.anyio

ADA = Principal("key_ada", "ada")
FULL = ContentPolicy(capture="full")
CARD = "4111 1111 1111 1111"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "contents", 4 * 1024 * 1024)) as made:
        yield made


@asynccontextmanager
async def running(policy: ContentPolicy, journal: Journal) -> AsyncIterator[Contents]:
    contents = Contents(policy, journal)
    loop = asyncio.create_task(contents.run())
    yield contents
    await contents.close()
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop


def asked(words: str, answer: bytes | None = b'{"said":"fine"}', stream: bool = False) -> Transcript:
    """A call that has ended."""
    transcript = Transcript(Taken({}, orjson.dumps({"messages": [{"role": "user", "content": words}]})))
    if answer is not None and stream:
        transcript.begin(b"", answer)
        transcript.end(b"")
    elif answer is not None:
        transcript.reply(200, b"", answer)
    return transcript


def shipped(journal: Journal, store: Store, call_id: str) -> Content | None:
    assert journal.current is not None
    ContentShipper(journal, journal.current.parent, store).ship()
    with store.begin() as connection:
        return rows.get(connection, call_id)


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


async def test_what_was_said_comes_into_the_database_redacted(journal: Journal, store: Store) -> None:
    async with running(FULL, journal) as contents:
        contents.offer("req_1", 17, asked(f"charge {CARD}", b'{"said":"to ada@example.com"}'))
    found = shipped(journal, store, "req_1")
    assert found == Content(
        "req_1",
        17,
        '{"messages":[{"role":"user","content":"charge [card]"}]}',
        '{"said":"to [email]"}',
        {"card": 1, "email": 1},
        False,
    )
    assert shipped(journal, store, "req_1") == found
    assert (contents.captured, contents.dropped) == (1, 0)


@pytest.mark.parametrize("padding", [0, SMALL])
async def test_nothing_that_is_taken_out_touches_the_disk(tmp_path: Path, journal: Journal, padding: int) -> None:
    """Escaped in JSON, or cut into the events of a stream, too."""
    escaped = orjson.dumps({"content": "x" * padding + "ada\u0040example.com"}).replace(b"@", b"\\u0040")
    events = b"".join(
        b"data: %b\n\n" % orjson.dumps({"choices": [{"index": 0, "delta": {"content": character}}]})
        for character in f"sk-canary-0123456789 {CARD}"
    )
    async with running(FULL, journal) as contents:
        transcript = Transcript(Taken({}, escaped))
        transcript.begin(b"", events)
        contents.offer("req_1", 1, transcript)
    assert contents.captured == 1
    written = everything_in(tmp_path)
    assert b"[email]" in written
    assert b"[secret] [card]" in written
    for planted in (b"example.com", b"canary", b"4111", b"\\u0040"):
        assert planted not in written


async def test_a_text_is_cut_after_it_was_redacted(journal: Journal, store: Store) -> None:
    most = 256
    words = "x" * (most - len('{"messages":[{"role":"user","content":"') - 8) + CARD
    async with running(FULL.model_copy(update={"max_bytes": most}), journal) as contents:
        contents.offer("req_1", 1, asked(words))
    found = shipped(journal, store, "req_1")
    assert found is not None
    assert found.request is not None
    assert found.truncated
    assert len(found.request) == most
    assert "4111" not in found.request


async def test_what_is_too_large_to_be_looked_through_is_left_out(journal: Journal, store: Store) -> None:
    async with running(FULL, journal) as contents:
        contents.offer("req_1", 1, asked("x" * MOST_BYTES, b'{"said":"fine"}'))
        contents.offer("req_2", 2, asked("hello", b"x" * (MOST_BYTES + 1)))
        contents.offer("req_3", 3, asked("hello", None))
    for call_id, request, answer in (("req_1", False, True), ("req_2", True, False), ("req_3", True, False)):
        found = shipped(journal, store, call_id)
        assert found is not None
        assert (found.request is not None, found.answer is not None, found.truncated) == (request, answer, True)


async def test_an_answer_that_is_no_json_is_kept_as_text(journal: Journal, store: Store) -> None:
    async with running(FULL, journal) as contents:
        contents.offer("req_1", 1, asked("hello", b"plain \0 text"))
    found = shipped(journal, store, "req_1")
    assert found is not None
    assert found.answer == '"plain \\u0000 text"'


async def test_more_than_can_wait_is_dropped_and_counted(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 150)
    async with running(FULL, journal) as contents:
        for number in range(5):
            contents.offer(f"req_{number}", number, asked("hello"))
    assert contents.dropped == 3
    assert contents.captured == 2
    assert contents.gauges()["contents_dropped"][1] == 3


async def test_a_dead_database_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SEGMENTS", 3)
    with closing(Journal(tmp_path / "contents", 4096)) as journal:
        async with running(FULL, journal) as contents:
            for number in range(100):
                contents.offer(f"req_{number}", number, asked("x" * 500))
        assert len(journal.held) == 4
        assert contents.captured + contents.dropped == 100
        assert contents.dropped > 50


async def test_what_is_still_waiting_at_the_end_is_counted(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAST_PASS", 0.0)
    contents = Contents(FULL, journal)
    contents.offer("req_1", 1, asked("hello"))
    await contents.close()
    assert contents.dropped == 1


async def test_a_defect_loses_one_content_and_stops_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(FULL, journal) as contents:
        monkeypatch.setattr(contents, "redacted", lambda said: contents._redactor.redact(said.nothing))
        contents.offer("req_1", 1, asked("hello"))
        await contents.close()
        monkeypatch.undo()
        contents.offer("req_2", 2, asked("hello"))
    assert (contents.captured, contents.dropped) == (1, 1)


# The policy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "key", "endpoint", "wanted"),
    [
        ({}, "key_ada", "bot", False),
        ({"capture": "full"}, "key_ada", "bot", True),
        ({"capture": False}, "key_ada", None, False),
        ({"endpoints": {"bot": "full"}}, "key_ada", "bot", True),
        ({"endpoints": {"bot": "full"}}, "key_ada", "other", False),
        ({"endpoints": {"bot": "full"}}, "key_ada", None, False),
        ({"capture": "full", "endpoints": {"bot": "off"}}, "key_ada", "bot", False),
        ({"endpoints": {"bot": "full"}, "keys": {"key_ada": "off"}}, "key_ada", "bot", False),
        ({"endpoints": {"bot": "off"}, "keys": {"key_ada": "full"}}, "key_ada", "bot", True),
        ({"keys": {"key_ada": "full"}}, "key_eve", "bot", False),
    ],
)
def test_the_keys_word_outranks_the_endpoints_and_that_the_installations(
    journal: Journal, policy: dict[str, Any], key: str, endpoint: str | None, wanted: bool
) -> None:
    contents = Contents(ContentPolicy.model_validate(policy), journal)
    assert contents.wants(Principal(key, "x"), endpoint) is wanted


def test_a_sample_is_a_share_of_the_calls() -> None:
    policy = ContentPolicy(capture="sampled", rate=0.25)
    assert policy.wants("key", None, 0.2499)
    assert not policy.wants("key", None, 0.25)
    assert not ContentPolicy(capture="sampled", rate=0).wants("key", None, 0.0)
    assert ContentPolicy(capture="sampled", rate=1).wants("key", None, 0.999)


def test_only_what_the_policy_names_goes_but_secrets_always(journal: Journal) -> None:
    policy = ContentPolicy(capture="full", redact=("ip",), patterns={"case": r"case \d+"})
    contents = Contents(policy, journal)
    content = contents.redacted(Said("1", 1, b'["case 7 ada@example.com 10.0.0.1 sk-abcdefghijklmnopq"]', None, False))
    assert content.request == '["[case] ada@example.com [ip] [secret]"]'


@pytest.mark.parametrize(
    "wrong",
    [{"capture": "some"}, {"rate": 2}, {"redact": ["names"]}, {"patterns": {"x": "("}}, {"patterns": {"X y": "x"}}],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ContentPolicy.model_validate(wrong)


# Through a whole gateway ---------------------------------------------------------------------------------------------


async def test_an_operator_reads_what_was_said_in_a_stream(tmp_path: Path) -> None:
    upstreams = {"demo": {"provider": "scripted"}}
    async with inside(tmp_path, upstreams=upstreams, content={"capture": "full"}) as running:
        headers = await running.key("editor")
        body = {"model": "demo", "messages": [{"role": "user", "content": f"charge {CARD} now"}], "stream": True}
        reply = await running.client.post("/v1/chat/completions", json=body, headers=headers)
        assert "4111 " in reply.text
        path = f"/admin/calls/{reply.headers['x-request-id']}/content"
        for _ in range(100):
            found = await running.client.get(path, headers=headers)
            if found.status_code == 200:
                break
            await asyncio.sleep(0.1)
        assert orjson.loads(found.json()["answer"]) == {"choices.0.content": "charge [card] now"}
        assert orjson.loads(found.json()["request"])["messages"][0]["content"] == "charge [card] now"
        assert found.json()["redacted"] == {"card": 2}
    assert b"4111" not in everything_in(tmp_path)


async def test_nothing_is_kept_unless_it_was_asked_for(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as running:
        body = {"model": "demo", "messages": [{"role": "user", "content": "a canary sings"}]}
        reply = await running.client.post("/v1/chat/completions", json=body, headers=await running.key())
        assert reply.status_code == 200
    assert b"canary" not in everything_in(tmp_path)
