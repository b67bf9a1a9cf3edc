"""`docs/security.md` lists every class of attack with its tests, and every test here is in the list."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "`tests/" in line]
HERE = {f"tests/security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")} - {
    "tests/security/test_list.py"
}
CLASSES = [
    "supply chain",
    "injection via auth header",
    "cache-key truncation",
    "missing authorization",
    "pass-the-hash",
    "command execution by configuration",
    "path confusion",
    "mass assignment",
    "broken object-level authorization",
    "code execution",
    "template injection",
    "sessions",
    "secrets in logs",
    "router-split authorization",
    "path traversal",
    "parser differential",
    "MCP",
    "server-side request forgery",
    "default secrets",
    "timing",
    "DNS rebinding",
    "decompression bombs",
    "slow clients, stalled readers",
    "internal headers, both ways",
    "label cardinality",
    "passthrough without meters",
    "egress",
    "sandbox escape from guards",
    "OIDC",
]
"""What gateways like this one were attacked by, or must be tested for."""


def listed(row: str) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_a_listed_class_has_tests(row: str) -> None:
    for name in listed(row):
        source = (ROOT / name).read_text(encoding="utf-8")
        tests = [node.name for node in ast.walk(ast.parse(source)) if hasattr(node, "name")]
        assert any(test.startswith("test_") for test in tests), name


def test_every_test_here_is_listed() -> None:
    assert {name for row in ROWS for name in listed(row)} >= HERE


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_listed(name: str) -> None:
    assert any(name.lower() in row.split("|")[1].lower() for row in ROWS)


def test_there_are_sixty_tests_and_more() -> None:
    """Functions; many of them are asked dozens of things."""
    sources = [(ROOT / path).read_text(encoding="utf-8") for path in HERE]
    assert sum(len(re.findall(r"^(?:async )?def test_", source, re.MULTILINE)) for source in sources) >= 60
