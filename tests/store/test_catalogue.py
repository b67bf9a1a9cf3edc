"""Prompts, releases and endpoints: added once, never changed, and every change seen by whoever watches the revision."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select

from gateway.errors import Unavailable
from gateway.prompts import registry
from gateway.prompts.draft import PromptDraft
from gateway.prompts.registry import Origin
from gateway.store import catalogue
from gateway.store.engine import Store
from gateway.store.tables.serving import endpoint_history
from gateway.types import Json, PromptVersion, Release

MESSAGES: tuple[Json, ...] = ({"role": "user", "content": "Greet {{ name }} ☃."},)
VARIABLES: Json = {"type": "object", "properties": {"name": {"type": "string"}}}
BARE = Release(digest="b" * 64, prompt=None, upstream="demo")


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test."""
    with store.begin() as opened:
        yield opened


def add_prompt(connection: Connection, name: str, text: str) -> PromptVersion:
    draft = PromptDraft.parse({"messages": [{"role": "user", "content": text}]}, "draft")
    return registry.save(connection, name, draft, Origin("ada")).version


def full(prompt: PromptVersion) -> Release:
    return Release(
        digest="f" * 64,
        prompt=prompt,
        upstream="demo",
        parameters={"temperature": 0.1, "stop": ["\n"], "seed": None},
        tools=({"type": "function", "function": {"name": "f"}},),
        response_format={"type": "json_object"},
    )


def test_an_empty_catalogue(connection: Connection) -> None:
    held = catalogue.load(connection)
    assert (held.revision, held.prompts, held.releases, held.endpoints) == (1, (), {}, [])
    assert 0 < held.began <= time.time()


def test_a_release_is_read_as_it_was_written(connection: Connection) -> None:
    whole = full(add_prompt(connection, "a", "x"))
    assert catalogue.add_release(connection, whole, "ada")
    assert catalogue.add_release(connection, BARE, "ada")
    assert catalogue.load(connection).releases == {whole.digest: whole, BARE.digest: BARE}


def test_a_release_never_changes(connection: Connection) -> None:
    assert catalogue.add_release(connection, BARE, "ada")
    moved = catalogue.revision(connection)
    other = Release(digest=BARE.digest, prompt=None, upstream="elsewhere")
    assert not catalogue.add_release(connection, other, "eve")
    assert catalogue.load(connection).releases == {BARE.digest: BARE}
    assert catalogue.revision(connection) == moved


def test_an_endpoint_points_at_the_release_set_last(connection: Connection) -> None:
    whole = full(add_prompt(connection, "a", "x"))
    for release in (BARE, whole):
        catalogue.add_release(connection, release, "ada")
    catalogue.put_endpoint(connection, "support-bot", "ada", "Answers.", None, None)
    catalogue.set_live(connection, "support-bot", BARE.digest, "ada", "first")
    (first,) = catalogue.load(connection).endpoints
    catalogue.put_endpoint(connection, "support-bot", "bob", "Answers well.", 60.0, None)
    catalogue.set_live(connection, "support-bot", whole.digest, "bob", "better")
    (second,) = catalogue.load(connection).endpoints
    assert (first.release, first.description) == (BARE.digest, "Answers.")
    assert (second.name, second.release, second.description) == ("support-bot", whole.digest, "Answers well.")
    assert first.created == second.created <= second.updated


def test_endpoints_are_listed_by_name(connection: Connection) -> None:
    catalogue.add_release(connection, BARE, "ada")
    for name in ("c", "a", "b"):
        catalogue.put_endpoint(connection, name, "ada", None, None, None)
        catalogue.set_live(connection, name, BARE.digest, "ada", "apply")
    assert [endpoint.name for endpoint in catalogue.load(connection).endpoints] == ["a", "b", "c"]


def test_who_pointed_where_and_why_is_kept(connection: Connection) -> None:
    catalogue.add_release(connection, BARE, "ada")
    for by, reason in (("ada", "first"), ("bob", "again")):
        catalogue.set_live(connection, "a", BARE.digest, by, reason)
    rows = connection.execute(select(endpoint_history).order_by(endpoint_history.c.id)).all()
    assert [(row.endpoint, row.release, row.by, row.reason) for row in rows] == [
        ("a", BARE.digest, "ada", "first"),
        ("a", BARE.digest, "bob", "again"),
    ]


def test_every_change_moves_the_revision_on(connection: Connection) -> None:
    seen = [catalogue.revision(connection)]
    catalogue.add_release(connection, BARE, "ada")
    seen.append(catalogue.revision(connection))
    catalogue.put_endpoint(connection, "a", "ada", None, None, None)
    seen.append(catalogue.revision(connection))
    catalogue.set_live(connection, "a", BARE.digest, "ada", "apply")
    seen.append(catalogue.revision(connection))
    assert seen == sorted(set(seen))


def test_a_change_that_is_broken_off_is_not_seen(store: Store) -> None:
    def die() -> None:
        with store.begin() as connection:
            add_prompt(connection, "a", "x")
            catalogue.add_release(connection, BARE, "ada")
            raise Unavailable("half-way")

    with pytest.raises(Unavailable, match="half-way"):
        die()
    with store.begin() as connection:
        held = catalogue.load(connection)
    assert (held.revision, held.prompts, held.releases) == (1, (), {})
