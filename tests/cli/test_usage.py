"""`sluice usage`: what was spent, by whom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import Sluice
from tests.cli.test_calls import serve_some


@pytest.fixture
def made(sluice: Sluice, tmp_path: Path) -> list[str]:
    return asyncio.run(serve_some(tmp_path))


def test_what_each_took(sluice: Sluice, made: list[str]) -> None:
    rows = {row["name"]: row for row in sluice("usage", "--by", "upstream", "--json").rows}
    assert (rows["demo"]["calls"], rows["demo"]["errors"]) == (2, 0)
    tokens = rows["demo"]["input_tokens"] + rows["demo"]["output_tokens"]
    assert rows["demo"]["cost"] == tokens > 0
    head, line = sluice("usage", "--by", "upstream").out.splitlines()
    assert head.split() == "name cost usd share calls errors input output cached reasoning".split()
    assert line.split()[:4] == ["demo", f"{tokens / 1e6:.6f}", "█" * 20, "2"]


def test_where_nothing_was_spent_it_says_so(sluice: Sluice) -> None:
    assert sluice("usage", "--by", "team").out == "Nothing was spent by any team since 30d.\n"


def test_a_moment_that_is_none(sluice: Sluice) -> None:
    done = sluice("usage", "--since", "soon")
    assert (done.code, done.err.startswith("sluice: --since 'soon': write 2h")) == (1, True)
