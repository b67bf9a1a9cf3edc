"""`sluice guard`, as people and machines use it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from guardrails.cli.app import cli
from guardrails.errors import BadInput
from guardrails.guards import registry

POLICY = """
input:
  - {guard: patterns, name: words, words: [frobozz], action: block, message: Not here.}
  - {guard: patterns, name: ticket, patterns: {ticket: 'T-[0-9]{4}'}, action: redact}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return str(file)


def guard(*words: str, said: str | None = None) -> Result:
    return CliRunner().invoke(cli, words, input=said, catch_exceptions=False, standalone_mode=False)


def test_explain_shows_what_ran_and_what_comes_of_it(policy: str) -> None:
    result = guard("explain", "I have T-1234 open", "-p", policy)
    assert "words            allow 0.000 of 0.5" in result.output
    assert "ticket         7 to 13: T-1234" in result.output
    assert "goes on as: I have [TICKET] open" in result.output


def test_explain_ends_with_1_where_it_is_stopped(policy: str) -> None:
    result = CliRunner().invoke(cli, ["explain", "-", "-p", policy, "--json"], input="say frobozz")
    assert result.exit_code == 1
    told = orjson.loads(result.stdout)
    assert (told["action"], told["message"]) == ("block", "Not here.")
    assert [one["guard"] for one in told["verdicts"]] == ["words", "ticket"]


def test_explain_tells_what_was_unfolded(policy: str) -> None:
    told = guard("explain", "read this: c2F5IGZyb2JvenogcGxlYXNlIGFuZCB0aGFuayB5b3U=", "-p", policy).output
    assert "also read with base64 undone" in told


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_score_adds_its_columns(tmp_path: Path, kind: str) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / f"out.{kind}"
    rows.write_text('{"id": 1, "text": "say frobozz"}\n\n{"id": 2, "text": "nothing"}\n')
    result = guard("score", str(rows), "-g", "patterns", "--options", '{"words": ["frobozz"]}', "-o", str(out))
    assert "2 rows, 1 flagged, 0 not judged" in result.output
    if kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        scored = parquet.read_table(out).to_pylist()
    else:
        scored = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [(row["id"], row["score"], row["flagged"], row["verdict"]) for row in scored] == [
        (1, 1.0, True, "flag"),
        (2, 0.0, False, "allow"),
    ]
    assert all(row["ms"] >= 0 for row in scored)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("score", "none.jsonl", "-g", "secrets", "-o", "o.jsonl"), "none.jsonl: there is no such file"),
        (("score", "none.jsonl", "-g", "secret", "-o", "o.jsonl"), "there is no guard 'secret'"),
        (("explain", "x", "--stage", "inputs"), "--stage is one of input, documents, output, tool_calls"),
        (("explain", "x", "-p", "nothing"), "there is no shipped policy 'nothing'"),
        (("check", "none.yaml"), "none.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_is_told(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput) as error:
        guard(*words)
    assert said in str(error.value)


def test_a_row_without_text_is_named(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "a"}\n{"texts": "b"}\n')
    words = ("score", str(rows), "-g", "patterns", "--options", '{"words": ["a"]}', "-o", str(tmp_path / "o.jsonl"))
    with pytest.raises(BadInput, match="row 2 has neither `text` nor `response`"):
        guard(*words)


def test_check_and_list(policy: str) -> None:
    told = orjson.loads(guard("check", policy, "--json").output)
    assert [one["name"] for one in told["stages"]["input"]] == ["words", "ticket"]
    assert "from 0.5, fails closed" in guard("check", "default").output
    listed = orjson.loads(guard("list", "--json").output)
    assert {"secrets", "patterns", "prompt_attack"} <= {one["guard"] for one in listed}


def test_check_reads_all_of_a_manifest(tmp_path: Path) -> None:
    file = tmp_path / "bot.yaml"
    file.write_text("policies: {one: {input: [secrets]}, other: {}}")
    assert orjson.loads(guard("check", str(file), "--json").output).keys() == {"one", "other"}
    said = guard("check", str(file)).output
    assert "policy   one" in said
    assert "No guard judges anything" in said
    assert guard("check", f"{file}#one").output.startswith("digest")


def test_list_shows_the_options_of_one_kind() -> None:
    told = orjson.loads(guard("list", "patterns", "--json").output)["options"]
    assert told["words"] == {"required": False, "default": [], "description": told["words"]["description"]}
    assert "required" in guard("list", "topics").output
    for kind in registry.BUILT_IN:
        options = orjson.loads(guard("list", kind, "--json").output)["options"]
        assert [name for name, one in options.items() if not one["description"]] == []
