"""Links lead somewhere, generated pages are up to date, and what the code can say is written down."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway import errors
from tests.docs.pages import BLOCK, PAGES, ROOT

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"`[^`\n]+`")


def anchors(page: Path) -> set[str]:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = INLINE.sub("", BLOCK.sub("", page.read_text(encoding="utf-8")))
    broken = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if link.startswith(("http://", "https://")):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_navigation() -> None:
    written = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r": (\S+\.md)$", str(yaml.dump(yaml.safe_load(written)["nav"])), re.MULTILINE))
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES if page != ROOT / "README.md"}
    index = (ROOT / "docs/adr/index.md").read_text(encoding="utf-8")
    decisions = {f"adr/{name}" for name in LINK.findall(index)}
    assert pages - decisions == listed
    assert decisions <= pages


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr


def codes() -> set[str]:
    """Every code the gateway's own source gives an error."""
    found: set[str] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "default_code":
                assert isinstance(node.value, ast.Constant)
                found.add(str(node.value.value))
    return found


def test_every_error_code_is_explained_and_no_other() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert set(explained) == codes()
    assert errors.RateLimited.default_code in explained


def test_every_bad_request_has_a_code() -> None:
    """But what the upstream refused, whose code it is, and what only commands say."""
    without = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "gateway").rglob("*.py")
        if path.parent.name not in ("cli", "imports")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "BadRequest"
        if "code" not in {keyword.arg for keyword in node.keywords}
    ]
    assert without == []


def test_every_decision_is_short_and_whole() -> None:
    for path in (ROOT / "docs/adr").glob("0*.md"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 60, path.name
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        assert [part for part in ("**Context.**", "**Choice.**", "**Cost.**") if part not in text] == [], path.name
