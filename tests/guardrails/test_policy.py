"""Policies: what is written wrong is told with its place, and what is written otherwise is another policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import BadInput
from guardrails.policy import Policy, find, load, parse, shipped

WORDS = {"guard": "patterns", "words": ["frobozz"]}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"inputs": []}, "inputs: there is no such key; did you mean input?"),
        ({"input": {}}, "input: write a list of guards"),
        ({"input": ["nothing"]}, "input: item 0: there is no guard 'nothing'"),
        ({"input": [7]}, "input: item 0: write {guard: KIND, …}, or the kind alone"),
        (
            {"input": [{**WORDS, "treshold": 1}]},
            "input: item 0 (patterns): treshold: there is no such key; did you mean",
        ),
        ({"input": [{**WORDS, "threshold": 2}]}, "input: item 0 (patterns): threshold: it has to be at most 1"),
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
    with pytest.raises(BadInput, match=r"p\.yaml:2: input: item 0"):
        load(file)
    with pytest.raises(BadInput, match="there is no shipped policy 'defualt'; did you mean default"):
        find("defualt")


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
