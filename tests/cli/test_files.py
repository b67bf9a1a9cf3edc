"""Files that people give to commands: what is wrong with one is told with its name and its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.files import mapping
from gateway.errors import BadRequest
from tests.cli.conftest import Sluice

WRONG = [
    (b"canary: null\n  shadow: [", r"plan\.yaml is not valid YAML: line 2: "),
    (b"canary: 1\ncanary: 2", r"plan\.yaml is not valid YAML: line 2: the key 'canary' is given twice"),
    (b"\xff\xfe\xfa", r"plan\.yaml is not UTF-8 text"),
    (b"- canary", r"plan\.yaml: a plan is one mapping, with canary\."),
    (b"", r"plan\.yaml: a plan is one mapping, with canary\."),
    (b"a: 1\n---\nb: 2", r"plan\.yaml: a plan is one mapping, with canary\."),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(text)
    with pytest.raises(BadRequest, match=said):
        mapping(file, "a plan is one mapping, with canary")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"none\.yaml cannot be read: No such file"):
        mapping(tmp_path / "none.yaml", "a plan")


def test_a_mapping_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"canary": null}')
    assert mapping(tmp_path / "plan.json", "a plan") == {"canary": None}


@pytest.mark.parametrize(
    "command",
    [
        ("rollouts", "propose", "bot", "--upstream", "demo", "--plan", "bad.yaml"),
        ("endpoints", "gate", "set", "bot", "--file", "bad.yaml"),
        ("prompts", "save", "bad.yaml"),
        ("prompts", "merge", "greet", "warm", "bad.yaml"),
    ],
)
def test_every_command_says_so(sluice: Sluice, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "bad.yaml").write_text("a: 1\nb: [")
    done = sluice(*command)
    assert (done.code, "bad.yaml is not valid YAML: line 2: " in done.err) == (1, True), done.err
