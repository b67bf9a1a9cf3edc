"""`sluice apply`, and `sluice releases` that shows what came of it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Sluice

MANIFEST = """
prompts:
  greeter: {variables: {name: string}, messages: [{role: user, content: "Greet {{ name }}."}]}
endpoints:
  greeter: {prompt: greeter, upstream: demo, parameters: {temperature: 0.5}}
  plain: {upstream: demo}
"""


def test_from_a_file_and_again(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(MANIFEST)
    rows = sluice("apply", "-f", "m.yaml", "--json").rows
    assert [(row["kind"], row["name"], row["outcome"]) for row in rows] == [
        ("prompt", "greeter@1", "created"),
        ("endpoint", "greeter", "created"),
        ("endpoint", "plain", "created"),
    ]
    assert {row["outcome"] for row in sluice("apply", "-f", "m.yaml", "--json").rows} == {"unchanged"}


def test_from_standard_input(sluice: Sluice) -> None:
    done = sluice("apply", "-f", "-", stdin="endpoints: {plain: {upstream: demo}}")
    assert done.code == 0
    head, row = done.out.splitlines()
    assert head.split() == ["kind", "name", "outcome", "digest"]
    assert row.split()[:3] == ["endpoint", "plain", "created"]
    assert len(row.split()[3]) == 64


def test_a_manifest_that_declares_nothing_says_so(sluice: Sluice) -> None:
    assert sluice("apply", "-f", "-", stdin="# nothing\n").out == "The manifest declares nothing.\n"


def test_what_cannot_be_applied_is_named_by_where_it_came_from(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("endpoints: {a: {upstream: demo, colour: red}}")
    done = sluice("apply", "-f", "m.yaml")
    assert (done.code, done.out) == (1, "")
    assert "m.yaml cannot be applied" in done.err
    assert "endpoints.a.colour" in done.err


def test_what_serves_where(sluice: Sluice) -> None:
    applied = sluice("apply", "-f", "-", "--json", stdin=MANIFEST).rows
    digests = {row["name"]: row["digest"] for row in applied}
    rows = sluice("releases", "--json").rows
    assert [(row["endpoint"], row["stage"], row["prompt"], row["upstream"], row["parameters"]) for row in rows] == [
        ("greeter", "live", "greeter@1", "demo", {"temperature": 0.5}),
        ("plain", "live", None, "demo", {}),
    ]
    assert [row["release"] for row in rows] == [digests["greeter"], digests["plain"]]
    assert digests["greeter"] in sluice("releases").out


def test_examples_of_guards_may_lie_in_a_file_beside_it(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "policies: {taught: {input: [{guard: prompt_attack, examples: seen.jsonl}]}}\n"
        "endpoints: {plain: {upstream: demo, policy: taught}}\n"
    )
    missing = sluice("apply", "-f", "m.yaml")
    assert (missing.code, "seen.jsonl: cannot be read" in missing.err) == (1, True)
    digests = []
    for text in ("one", "two"):
        (tmp_path / "seen.jsonl").write_text(f'{{"text": "{text}", "attack": true}}\n')
        digests.append(sluice("apply", "-f", "m.yaml", "--json").rows[-1]["digest"])
    assert digests[0] != digests[1]
