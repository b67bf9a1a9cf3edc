"""Files of examples, and policies that name them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.errors import BadInput
from guardrails.guards.example_files import inlined, rows
from guardrails.guards.prompt_attack import PromptAttack
from guardrails.policy import Policy, load, parse

WRITTEN = {"text": "one", "label": 0, "kind": "harmless", "source": "review:bot"}, {"text": "two", "attack": True}


def file(folder: Path, *lines: object) -> Path:
    place = folder / "seen.jsonl"
    place.write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n")
    return place


def policy(folder: Path, examples: str = "seen.jsonl") -> Policy:
    place = folder / "policy.yaml"
    place.write_text(f"input:\n  - secrets\n  - {{guard: prompt_attack, examples: {examples}}}\n")
    return load(place)


def test_both_ways_to_write_a_label_are_read(tmp_path: Path) -> None:
    assert [(row["text"], row["label"], row["attack"]) for row in rows(file(tmp_path, *WRITTEN))] == [
        ("one", 0, False),
        ("two", 1, True),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line|JSON"),
        ('{"text": ""}', "an object with a `text`"),
        ('["x"]', "an object with a `text`"),
        ('{"text": "x"}', "has a `label`"),
        ('{"text": "x", "label": 2}', "has a `label`"),
    ],
)
def test_an_example_that_is_none_is_refused_by_its_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text(f'{{"text": "x", "label": 1}}\n{line}\n')
    with pytest.raises(BadInput, match=said) as raised:
        list(rows(file))
    assert raised.value.line == 2


def test_what_a_file_says_is_part_of_the_policy_and_its_digest(tmp_path: Path) -> None:
    file(tmp_path, *WRITTEN)
    first = policy(tmp_path)
    guard = first.input[1]
    assert isinstance(guard, PromptAttack)
    assert [(example.text, example.attack) for example in guard.examples] == [("one", False), ("two", True)]
    assert parse(first.as_json()).digest == first.digest
    file(tmp_path, *WRITTEN[:1])
    assert policy(tmp_path).digest != first.digest


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl: cannot be read"):
        policy(tmp_path, "none.jsonl")


def test_where_there_is_no_file_to_be_relative_to_its_name_is_refused() -> None:
    with pytest.raises(BadInput, match="a file is read where a policy is loaded from one"):
        parse({"input": [{"guard": "prompt_attack", "examples": "seen.jsonl"}]})


@pytest.mark.parametrize("given", [None, [], {"input": "secrets"}, {"input": [3, "secrets", {"guard": "pii"}]}])
def test_what_names_no_file_is_left_as_it_is(tmp_path: Path, given: object) -> None:
    assert inlined(given, tmp_path) == given
