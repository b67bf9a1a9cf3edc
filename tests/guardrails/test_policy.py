"""Policies: what is written wrong is told with its place, and what is written otherwise is another policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import BadInput
from guardrails.policy import Policy, declared, find, load, parse, shipped

WORDS = {"guard": "patterns", "words": ["frobozz"]}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"inputs": []}, "inputs: there is no such key; did you mean input?"),
        ({"input": {}}, "input: write a list of guards"),
        ({"input": ["nothing"]}, "input.0: there is no guard 'nothing'"),
        ({"input": [7]}, "input.0: write {guard: KIND, …}, or the kind alone"),
        (
            {"input": [{**WORDS, "treshold": 1}]},
            "input.0.treshold (patterns): there is no such key; did you mean",
        ),
        ({"input": [{**WORDS, "threshold": 2}]}, "input.0.threshold (patterns): it has to be at most 1"),
        ({"input": ["patterns"]}, "input.0 (patterns): write what is to be found"),
        (
            {"input": [{"guard": "language", "allowed": ["de"]}]},
            "input.0.allowed (language): there is no such key; did you",
        ),
        ({"input": [WORDS, WORDS]}, "input: two guards are called patterns: give one of them another `name`"),
        ({"input": ["tool_policy"]}, "tool_policy judges tool_calls, and not input"),
        (
            {"input": [{**WORDS, "action": "fallback"}]},
            "patterns: name the upstream that answers then, as `fallback: NAME`",
        ),
        (
            {"fallback": "b", "output": [{**WORDS, "action": "fallback"}]},
            "patterns: at output it is too late for fallback",
        ),
        ({"output": [WORDS], "tenants": {"a": {"patterns": {"action": "fallback"}}}}, "at output it is too late"),
        ({"allow": [{"text": "a", "sha256": "0" * 64, "reason": "r"}]}, "allow.0: write what is let through"),
        ({"allow": [{"text": "a", "guard": "patern", "reason": "r"}]}, "no guard of this policy is called 'patern'"),
        ({"tenants": {"a": {"pattern": {}}}}, "no guard of this policy is called 'pattern'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(written: Any, said: str) -> None:
    with pytest.raises(BadInput) as error:
        parse(written)
    assert said in str(error.value)


def test_a_file_tells_the_line(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("about: x\ninput:\n  - nothing\n")
    with pytest.raises(BadInput, match=r"p\.yaml:3: input.0: there is no guard"):
        load(file)
    with pytest.raises(BadInput, match="there is no shipped policy 'defualt'; did you mean default"):
        find("defualt")


MANIFEST = """
policies:
  one: {input: [{guard: patterns, words: [frobozz]}]}
  other:
    input:
      - guard: patterns
        words: [xyzzy]
endpoints: {bot: {upstream: demo, policy: one}}
"""


def test_a_policy_is_found_in_a_manifest(tmp_path: Path) -> None:
    file = tmp_path / "bot.yaml"
    file.write_text(MANIFEST)
    assert find(f"{file}#one").digest == parse({"input": [WORDS]}).digest
    assert {name: policy.digest for name, policy in declared(file).items()} == {
        name: find(f"{file}#{name}").digest for name in ("one", "other")
    }
    with pytest.raises(
        BadInput, match=r"bot\.yaml: is a manifest: add a name, as bot\.yaml#NAME; there are one, other"
    ):
        find(str(file))
    with pytest.raises(BadInput, match="there is no policy 'three'; did you mean other"):
        find(f"{file}#three")
    file.write_text(MANIFEST.replace("words: [xyzzy]", "word: [xyzzy]"))
    with pytest.raises(BadInput, match=r"bot\.yaml:7: policies\.other\.input\.0\.word \(patterns\): there is no such"):
        find(f"{file}#other")


def test_a_policy_alone_is_found_without_a_name(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("policies: {one: {input: [{guard: patterns, words: [frobozz]}]}}")
    assert find(str(file)) == find(f"{file}#one")
    file.write_text("input: [{guard: patterns, words: [frobozz]}]")
    assert declared(file) == {"": find(str(file))}
    with pytest.raises(BadInput, match="is no manifest"):
        find(f"{file}#one")
    file.write_text("")
    with pytest.raises(BadInput, match="is empty"):
        find(str(file))


def test_the_digest_names_everything() -> None:
    base = {"input": [WORDS]}
    others: list[dict[str, Any]] = [
        {"input": [{**WORDS, "threshold": 0.6}]},
        {"input": [{**WORDS, "words": ["grue"]}]},
        {"output": [WORDS]},
        {**base, "dry_run": True},
        {**base, "allow": [{"text": "a", "reason": "r"}]},
    ]
    digests = {parse(written).digest for written in (base, *others)}
    assert len(digests) == 1 + len(others)
    assert parse({"input": ["secrets"]}).digest == parse({"input": [{"guard": "secrets", "threshold": 0.5}]}).digest


def test_what_is_kept_reads_back_the_same() -> None:
    for policy in (shipped("default"), parse({"input": [WORDS], "tenants": {"a": {"patterns": {"action": "block"}}}})):
        again = parse(policy.as_json())
        assert isinstance(again, Policy)
        assert again.digest == policy.digest


def test_what_is_hidden_from_a_model_is_on_its_way_there() -> None:
    hiding = {**WORDS, "action": "redact", "by": "vault"}
    parse({"input": [hiding], "documents": [hiding], "output": [{**hiding, "by": "hash"}]})
    for stage in ("output", "tool_calls"):
        with pytest.raises(BadInput, match="mask, or hash"):
            parse({stage: [hiding]})


def test_tenants_have_their_own() -> None:
    policy = parse({"input": [WORDS], "tenants": {"a": {"patterns": {"action": "block", "threshold": 0.9}}}})
    (ours,), (theirs,) = policy.at("input"), policy.at("input", "a")
    assert (ours.action, ours.threshold) == ("flag", 0.5)
    assert (theirs.action, theirs.threshold) == ("block", 0.9)
    assert policy.at("input", "b") == policy.at("input")
