"""What holds for every command: help that teaches, exit codes, and errors of one line that name the next step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway import __version__
from tests.cli.conftest import Sluice

COMMANDS = (
    ("serve",),
    ("apply",),
    ("releases",),
    ("releases", "show"),
    ("releases", "make"),
    ("eval",),
    ("eval", "run"),
    ("eval", "check"),
    ("eval", "plan"),
    ("eval", "assess"),
    ("eval", "show"),
    ("eval", "contamination"),
    ("eval", "diff"),
    ("eval", "judge"),
    ("eval", "people"),
    ("eval", "import"),
    ("eval", "import", "openai"),
    ("eval", "import", "promptfoo"),
    ("eval", "import", "inspect"),
    ("eval", "import", "lm-eval"),
    ("eval", "report"),
    ("eval", "freeze"),
    ("eval", "schema"),
    ("guard",),
    ("guard", "explain"),
    ("guard", "score"),
    ("guard", "serve"),
    ("guard", "check"),
    ("guard", "list"),
    ("guard", "bench"),
    ("guard", "train"),
    ("redteam",),
    ("policies",),
    ("policies", "list"),
    ("policies", "show"),
    ("calls",),
    ("calls", "show"),
    ("calls", "content"),
    ("usage",),
    ("backup",),
    ("restore",),
    ("retention",),
    ("retention", "run"),
    ("retention", "hold"),
    ("retention", "lift"),
    ("retention", "holds"),
    ("keys",),
    ("keys", "create"),
    ("keys", "list"),
    ("keys", "assign"),
    ("keys", "rotate"),
    ("keys", "revoke"),
    ("teams",),
    ("teams", "create"),
    ("teams", "list"),
    ("teams", "delete"),
    ("projects",),
    ("projects", "create"),
    ("projects", "list"),
    ("projects", "delete"),
    ("limits",),
    ("limits", "set"),
    ("limits", "list"),
    ("limits", "show"),
    ("limits", "remove"),
    ("config",),
    ("config", "check"),
    ("config", "show"),
    ("import",),
    ("import", "litellm"),
    ("doctor",),
    ("rollback",),
    ("break-glass",),
    ("feedback",),
    ("reviews",),
    ("reviews", "list"),
    ("reviews", "show"),
    ("reviews", "decide"),
    ("reviews", "undo"),
    ("reviews", "examples"),
    ("reviews", "samples"),
    ("value",),
    ("webhooks",),
    ("webhooks", "create"),
    ("webhooks", "list"),
    ("webhooks", "change"),
    ("webhooks", "delete"),
    ("webhooks", "test"),
    ("webhooks", "deliveries"),
    ("webhooks", "redeliver"),
    ("prompts",),
    ("prompts", "list"),
    ("prompts", "search"),
    ("prompts", "show"),
    ("prompts", "save"),
    ("prompts", "diff"),
    ("prompts", "fork"),
    ("prompts", "merge"),
    ("prompts", "close"),
    ("prompts", "render"),
    ("prompts", "from-call"),
    ("prompts", "labels"),
    ("prompts", "label"),
    ("prompts", "unlabel"),
    ("prompts", "comments"),
    ("prompts", "comment"),
    ("prompts", "alias"),
    ("prompts", "protect"),
    ("prompts", "protected"),
    ("prompts", "import"),
    ("prompts", "export"),
    ("prompts", "sync"),
    ("rollouts",),
    ("rollouts", "propose"),
    ("rollouts", "list"),
    ("rollouts", "show"),
    ("rollouts", "watch"),
    ("rollouts", "submit"),
    ("rollouts", "pause"),
    ("rollouts", "resume"),
    ("rollouts", "abort"),
    ("rollouts", "approve"),
    ("rollouts", "reject"),
    ("rollouts", "meet"),
    ("evidence",),
    ("evidence", "post"),
    ("evidence", "list"),
    ("evidence", "show"),
    ("evidence", "suites"),
    ("evidence", "overview"),
    ("decisions",),
    ("decisions", "list"),
    ("decisions", "show"),
    ("decisions", "record"),
    ("endpoints",),
    ("endpoints", "list"),
    ("endpoints", "show"),
    ("endpoints", "breakings"),
    ("endpoints", "review"),
    ("endpoints", "gate"),
    ("endpoints", "gate", "set"),
    ("endpoints", "gate", "remove"),
    ("endpoints", "gate", "changes"),
    ("endpoints", "gate", "approve"),
    ("endpoints", "gate", "reject"),
    ("audit",),
    ("audit", "list"),
    ("audit", "verify"),
    ("audit", "export"),
    ("audit", "checkpoint"),
)
TELLING_JSON = (
    ("releases",),
    ("usage",),
    ("retention", "holds"),
    ("keys", "list"),
    ("doctor", "--no-models"),
    ("teams", "list"),
    ("projects", "list"),
    ("limits", "list"),
)

AS_THE_API = {"keys", "teams", "projects", "limits"}
"""Those whose JSON is what the admin API gives."""


def listed(text: str) -> set[str]:
    """The commands that a help lists."""
    return set(re.findall(r"^  ([\w-]+)  ", text.partition("Commands:")[2].partition("\n\n")[0], re.MULTILINE))


def test_every_command_is_tested(sluice: Sluice) -> None:
    assert listed(sluice("--help").out) == {command[0] for command in COMMANDS}
    for group in {command[0] for command in COMMANDS if len(command) > 1}:
        below = {command[1] for command in COMMANDS if command[0] == group and len(command) > 1}
        assert listed(sluice(group, "--help").out) == below


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(sluice: Sluice, command: tuple[str, ...], flag: str) -> None:
    done = sluice(*command, flag)
    assert done.code == 0
    assert f"Usage: sluice {' '.join(command)}" in done.out
    options = done.out.partition("Options:")[2].partition("Commands:")[0]
    for line in re.findall(r"^  (?:-\w, )?--[\w-]+.*(?:\n {10,}\S.*)*", options, re.MULTILINE):
        assert re.search(r"\S {2,}\S|\n +\S", line), f"an option that says nothing: {line}"


def test_the_help_tells_where_to_start(sluice: Sluice) -> None:
    text = sluice("--help").out
    steps = text.partition("Start here:")[2].splitlines()
    assert [
        line.partition("sluice ")[2].split()[0] for line in steps
    ] == "serve apply releases rollouts eval guard redteam calls reviews usage doctor".split()


def test_without_a_command_it_helps(sluice: Sluice) -> None:
    done = sluice()
    assert "Usage: sluice" in done.out + done.err


def test_the_version(sluice: Sluice) -> None:
    done = sluice("--version")
    assert (done.code, done.out) == (0, f"sluice {__version__}\n")


@pytest.mark.parametrize("arguments", [("nothing",), ("serve", "--nothing"), ("apply",), ("calls", "-n", "0")])
def test_what_is_typed_wrongly_is_an_error_of_usage(sluice: Sluice, arguments: tuple[str, ...]) -> None:
    done = sluice(*arguments)
    assert done.code == 2
    assert "Usage: sluice" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "command", [*TELLING_JSON, ("calls",), ("apply", "-f", "m.yaml"), ("keys", "create", "x"), ("serve",)]
)
def test_a_configuration_that_cannot_be_used(sluice: Sluice, command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("server: {prot: 1}")
    done = sluice(*command, "--config", "bad.yaml")
    assert done.code == 1
    said = done.out + done.err
    assert "bad.yaml cannot be used" in said
    assert "server.prot" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", [*TELLING_JSON[:4], ("calls",), ("keys", "create", "x")])
def test_a_database_that_cannot_be_used(sluice: Sluice, command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "sluice-data").mkdir()
    (tmp_path / "sluice-data" / "sluice.db").write_bytes(b"no database" * 100)
    done = sluice(*command)
    assert done.code == 1
    assert done.err.startswith("sluice: The database sqlite:///")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", TELLING_JSON)
def test_json_is_all_there_is_on_the_output(sluice: Sluice, command: tuple[str, ...]) -> None:
    done = sluice(*command, "--json")
    assert isinstance(done.listed if command[0] in AS_THE_API else done.rows, list)
    assert done.err == ""


@pytest.mark.parametrize(
    ("command", "step"),
    [
        (("releases",), "sluice apply -f FILE"),
        (("keys", "list"), "sluice keys create NAME"),
        (("calls",), "No such call in"),
    ],
)
def test_where_there_is_nothing_it_says_what_to_do(sluice: Sluice, command: tuple[str, ...], step: str) -> None:
    done = sluice(*command)
    assert (done.code, step in done.out) == (0, True)
