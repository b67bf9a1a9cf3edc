"""Applying a manifest: whole or not at all, twice the same as once, versions and releases never changed."""

from __future__ import annotations

import pytest

from evals.digest import sha256
from gateway.errors import BadRequest
from gateway.releases import golive
from gateway.releases.apply import Change, apply
from gateway.releases.digest import release_digest, sealed
from gateway.releases.manifest import parse
from gateway.store import allowances, catalogue, policies
from gateway.store.catalogue import Catalogue
from gateway.store.engine import Store
from gateway.types import Release
from guardrails.policy import parse as parse_policy
from tests.proving import ADA, installation

PROMPT = """
prompts:
  greeter:
    variables: {{name: string}}
    messages: [{{role: user, content: "{0}"}}]
"""
HELLO, GOODBYE = PROMPT.format("Hello {{ name }}."), PROMPT.format("Goodbye {{ name }}.")
GREETER = "endpoints: {greeter: {prompt: greeter, upstream: demo, description: Greets.}}\n"


def applied(store: Store, text: str) -> list[Change]:
    with store.begin() as connection:
        return apply(connection, parse(text, "m"), installation(["demo", "other"]), ADA)


def held(store: Store) -> Catalogue:
    with store.begin() as connection:
        return catalogue.load(connection)


def outcomes(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.kind, change.name, change.outcome) for change in changes]


def test_a_first_manifest(store: Store) -> None:
    changes = applied(store, HELLO + GREETER)
    assert outcomes(changes) == [("prompt", "greeter@1", "created"), ("endpoint", "greeter", "created")]
    found = held(store)
    [endpoint] = found.endpoints
    release = found.releases[endpoint.release]
    assert (endpoint.name, endpoint.description) == ("greeter", "Greets.")
    assert release.digest == release_digest(release) == changes[1].digest
    assert release.prompt is not None
    assert (release.prompt.number, release.prompt.digest, release.upstream) == (1, changes[0].digest, "demo")


def test_the_same_manifest_again_changes_nothing(store: Store) -> None:
    applied(store, HELLO + GREETER)
    before = held(store)
    assert {change.outcome for change in applied(store, HELLO + GREETER)} == {"unchanged"}
    assert held(store) == before


def test_a_changed_prompt_is_a_new_version_and_a_new_release(store: Store) -> None:
    first = applied(store, HELLO + GREETER)
    second = applied(store, GOODBYE + GREETER)
    assert outcomes(second) == [("prompt", "greeter@2", "created"), ("endpoint", "greeter", "created")]
    found = held(store)
    assert len(found.prompts) == len(found.releases) == 2
    assert found.endpoints[0].release == second[1].digest != first[1].digest


def test_going_back_is_a_pointer_flip(store: Store) -> None:
    first = applied(store, HELLO + GREETER)
    applied(store, GOODBYE + GREETER)
    back = applied(store, "endpoints: {greeter: {prompt: greeter@1, upstream: demo, description: Greets.}}")
    assert [change.digest for change in back] == [first[1].digest]
    assert len(held(store).releases) == 2


def test_a_prompt_is_named_without_its_number_by_its_newest_version(store: Store) -> None:
    applied(store, HELLO)
    applied(store, GOODBYE)
    applied(store, GREETER)
    [release] = held(store).releases.values()
    assert release.prompt is not None
    assert release.prompt.number == 2


def test_an_old_version_declared_again_is_live_as_declared(store: Store) -> None:
    """What the file says is what serves, even where its prompt is not the newest."""
    first = applied(store, HELLO + GREETER)
    applied(store, GOODBYE + GREETER)
    again = applied(store, HELLO + GREETER)
    assert again[0].name == "greeter@1"
    assert held(store).endpoints[0].release == first[1].digest


STYLED = """
prompts:
  a: {{messages: [{{role: user, content: '{{% include "style" %}} Hello.'}}], parameters: {{temperature: 0}}}}
  style: {{messages: [{{role: system, content: "{0}"}}]}}
endpoints: {{bot: {{prompt: a, upstream: demo}}}}
"""


def test_prompts_may_include_what_is_declared_after_them(store: Store) -> None:
    first = applied(store, STYLED.format("Be brief."))
    assert outcomes(first)[:2] == [("prompt", "style@1", "created"), ("prompt", "a@1", "created")]
    assert {change.outcome for change in applied(store, STYLED.format("Be brief."))} == {"unchanged"}
    second = applied(store, STYLED.format("Be long."))
    assert outcomes(second)[:2] == [("prompt", "style@2", "created"), ("prompt", "a@2", "created")]
    found = held(store)
    prompt = found.releases[found.endpoints[0].release or ""].prompt
    assert prompt is not None
    assert (prompt.parameters, prompt.partials["style"].number) == ({"temperature": 0}, 2)


def test_prompts_that_include_each_other_are_refused(store: Store) -> None:
    circle = "prompts: {a: {messages: [{role: user, content: '{% include \"b\" %}'}]}, b: {messages: [{role: user, "
    circle += "content: '{% include \"a\" %}'}]}}"
    with pytest.raises(BadRequest) as refused:
        applied(store, circle)
    assert refused.value.code == "invalid_partial"
    assert held(store).prompts == ()


def test_a_new_description_alone_is_a_change(store: Store) -> None:
    applied(store, HELLO + GREETER)
    applied(store, HELLO + GREETER.replace("Greets.", "Greets everyone."))
    assert held(store).endpoints[0].description == "Greets everyone."


def test_a_cache_is_a_change_and_no_part_of_the_release(store: Store) -> None:
    plain, cached = ("endpoints: {bot: {upstream: demo}}", "endpoints: {bot: {upstream: demo, cache: {ttl: 5m}}}")
    first, second = applied(store, plain), applied(store, cached)
    assert outcomes(second) == [("endpoint", "bot", "created")]
    assert second[0].digest == first[0].digest
    assert held(store).endpoints[0].cache_ttl == 300
    assert {change.outcome for change in applied(store, cached)} == {"unchanged"}
    applied(store, plain)
    assert held(store).endpoints[0].cache_ttl is None


LIMITED = "endpoints: {{bot: {{upstream: demo, limits: {{concurrent: {0}}}}}}}"


def limits(store: Store) -> list[tuple[str, int | None, str]]:
    with store.begin() as connection:
        return [
            (row.allowance.scope, row.allowance.concurrent, row.updated_by) for row in allowances.list_all(connection)
        ]


def test_limits_are_no_part_of_the_release(store: Store) -> None:
    first = applied(store, LIMITED.format(1))
    assert outcomes(first) == [("endpoint", "bot", "created"), ("limits", "endpoint:bot", "created")]
    assert first[1].digest is None
    assert limits(store) == [("endpoint:bot", 1, "ada")]
    second = applied(store, LIMITED.format(2))
    assert outcomes(second) == [("endpoint", "bot", "unchanged"), ("limits", "endpoint:bot", "created")]
    assert second[0].digest == first[0].digest
    assert limits(store) == [("endpoint:bot", 2, "ada")]
    assert {change.outcome for change in applied(store, LIMITED.format(2))} == {"unchanged"}


def test_a_manifest_without_limits_leaves_those_there_are(store: Store) -> None:
    applied(store, LIMITED.format(1))
    applied(store, "endpoints: {bot: {upstream: other}}")
    assert limits(store) == [("endpoint:bot", 1, "ada")]


@pytest.mark.parametrize(
    ("text", "param", "words"),
    [
        ("endpoints: {b: {upstream: ghost}}", "endpoints.b.upstream", "demo, other"),
        ("endpoints: {b: {upstream: demo, prompt: ghost}}", "endpoints.b.prompt", "declare it under `prompts`"),
        ("endpoints: {b: {upstream: demo, prompt: greeter@9}}", "endpoints.b.prompt", "'greeter@9'"),
        ("endpoints: {demo: {upstream: demo}}", "endpoints.demo", "upstream has this name"),
        (PROMPT.format("{{ ghost }}"), "prompts.greeter.variables", "'ghost'"),
        (PROMPT.format("{{ name"), "prompts.greeter.messages[0].content", "line 1"),
        ("prompts: {p: {variables: {x: text}, messages: [{role: user, content: a}]}}", "prompts.p.variables", "Schema"),
    ],
)
def test_a_manifest_is_applied_whole_or_not_at_all(store: Store, text: str, param: str, words: str) -> None:
    good = "prompts: {aa: {messages: [{role: user, content: a}]}}\nendpoints: {aa: {upstream: demo}}\n---\n"
    before = held(store)
    with pytest.raises(BadRequest) as refused:
        applied(store, good + text)
    assert refused.value.param == param
    assert words in refused.value.message
    assert held(store) == before


GUARDED = """
policies: {house: {input: [{guard: patterns, words: [frobozz], action: block}]}}
endpoints: {greeter: {upstream: demo, policy: house}}
"""


def test_a_policy_that_was_kept_when_guards_had_fewer_options_is_the_same_policy(store: Store) -> None:
    body = parse_policy({"input": [{"guard": "patterns", "words": ["frobozz"], "action": "block"}]}).as_json()
    del body["input"][0]["by"]
    digest = sha256(body)
    with store.begin() as connection:
        policies.add(connection, digest, body, "ada", "house")
        release = sealed(Release("", None, "demo", {}, (), None, policy=digest))
        catalogue.add_release(connection, release, "ada")
        catalogue.put_endpoint(connection, "greeter", "ada", None, None, None)
        row = golive.endpoint_row(connection, "greeter")
        golive.put_live(connection, installation(["demo"]), row, release.digest, "ada", "before")
    [_, endpoint] = applied(store, GUARDED)
    assert (endpoint.outcome, endpoint.digest) == ("unchanged", release.digest)
    [_, endpoint] = applied(store, GUARDED.replace("frobozz", "plugh"))
    assert (endpoint.outcome, endpoint.digest == release.digest) == ("created", False)
