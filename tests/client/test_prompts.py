"""The client and the prompt registry of a running gateway."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from gateway.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthenticated
from tests.client.halves import Half
from tests.client.people import People, key
from tests.running import Gateway

DRAFT = {
    "messages": [{"role": "user", "content": "Greet {{ name }}."}],
    "variables": {"name": "string"},
    "parameters": {"temperature": 0.2},
}
BETTER = {**DRAFT, "messages": [{"role": "user", "content": "Greet {{ name }} warmly."}]}
NAMES = (f"client/prompt-{number}" for number in itertools.count())


@pytest.fixture
def name() -> str:
    """Of a prompt that nobody has written yet."""
    return next(NAMES)


def test_a_prompt_is_written_labelled_and_used(half: Half, people: People, name: str, gateway: Gateway) -> None:
    saved = half.run(people.ada.prompts.save(name, DRAFT, "First."))
    again = half.run(people.ada.prompts.save(name, DRAFT))
    assert [(one.prompt.version, one.new) for one in (saved, again)] == [(1, True), (1, False)]
    with pytest.raises(NotFound):
        half.run(people.ada.prompts.get(name))
    with pytest.raises(Forbidden):
        half.run(people.ada.prompts.move_label(name, "production", 1, "Mine."))
    moved = half.run(people.grace.prompts.move_label(name, "production", 1, "Read."))
    assert (moved.before, moved.after, moved.by) == (None, 1, "grace")
    program = half.client(gateway.url, key(gateway, "program"))
    prompt = half.run(program.prompts.get(name))
    half.close(program)
    assert prompt.request(name="Ada") == {
        "messages": [{"role": "user", "content": "Greet Ada."}],
        "temperature": 0.2,
    }
    assert half.run(people.ada.prompts.render(name, 1, name="Ada")) == prompt.render(name="Ada")
    assert half.run(people.ada.prompts.get(name, version=1)).digest == prompt.digest


def test_the_registry(half: Half, people: People, name: str) -> None:
    prompts = people.ada.prompts
    half.run(prompts.save(name, DRAFT))
    fork = half.run(prompts.fork(name, "warm"))
    assert (fork.base, fork.head, fork.closed) == (1, 1, None)
    half.run(prompts.save(name, BETTER, branch="warm"))
    assert half.run(prompts.fork(name, "cold")).closed is None
    assert half.run(prompts.close_branch(name, "cold")).closed is not None
    merged = half.run(prompts.merge(name, "warm", "Warmer."))
    assert merged.prompt.definition.messages == tuple(BETTER["messages"])
    history = half.run(prompts.history(name))
    assert [branch.name for branch in history.branches if branch.closed is not None] == ["warm", "cold"]
    newest = history.versions[0]
    assert half.run(prompts.version(name, newest.version)).digest == newest.digest
    difference = half.run(prompts.compare(name, newest.version, live=1))
    assert difference.tokens["candidate"] > difference.tokens["live"]
    half.run(prompts.comment(name, 1, "Too cold."))
    assert [said.body for said in half.run(prompts.comments(name))] == ["Too cold."]
    half.run(prompts.move_label(name, "staging", "latest"))
    half.run(prompts.remove_label(name, "staging", "Enough."))
    labels = half.run(prompts.labels(name))
    assert (labels.data, [move.after for move in labels.history]) == ((), [None, newest.version])
    alias = f"pmpt_{name.rpartition('-')[2]}"
    assert half.run(prompts.set_alias(alias, name)) == name
    assert half.run(prompts.history(alias)).name == name
    assert name in [found.name for found in half.run(prompts.search("warmly", folder="client", limit=1000))]


def test_what_is_refused_says_why(half: Half, people: People, name: str, gateway: Gateway) -> None:
    with pytest.raises(BadRequest) as refused:
        half.run(people.ada.prompts.save(name, {"messages": [{"role": "boss", "content": "Do it."}]}))
    assert refused.value.param is not None
    half.run(people.ada.prompts.save(name, DRAFT))
    half.run(people.ada.prompts.save(name, BETTER, parent=1))
    with pytest.raises(Conflict):
        half.run(people.ada.prompts.save(name, {**DRAFT, "parameters": {}}, parent=1))
    stranger = half.client(gateway.url, "sk-nobody")
    with pytest.raises(Unauthenticated):
        half.run(stranger.prompts.get(name))
    half.close(stranger)


def test_a_start_without_a_gateway(half: Half, people: People, name: str, gateway: Gateway, tmp_path: Path) -> None:
    """What one process kept, the next one finds, though the gateway is away: here, behind a door that is closed."""
    half.run(people.ada.prompts.save(name, DRAFT))
    half.run(people.ada.prompts.move_label(name, "staging", 1))
    before = half.client(gateway.url, key(gateway, "program"), cache_dir=tmp_path)
    kept = half.run(before.prompts.get(name, "staging"))
    half.close(before)
    [file] = tmp_path.iterdir()
    assert kept.digest in file.read_text()
    away = half.client("http://127.0.0.1:9", "sk-x", retries=0)
    fallback = [{"role": "user", "content": "Hello {{ name }}."}]
    assert half.run(away.prompts.get(name, fallback=fallback)).render(name="Ada")[0]["content"] == "Hello Ada."
    half.close(away)
