"""Tables of simulations: rows that were kept are not computed again, and come out the same in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.tables import Row, Table, show


def test_what_was_kept_is_shown_and_not_computed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    computed = []

    def compute(rng: np.random.Generator) -> list[str]:
        computed.append(f"{rng.random():.6f}")
        return computed[-1:]

    first, second = Row("first", compute), Row("second", compute)
    show([Table(("name", "share"), (second,))], "few", tmp_path / "kept.json")
    show([Table(("name", "share"), (first, second))], "few", tmp_path / "kept.json")
    assert len(set(computed)) == 2
    assert capsys.readouterr().out.count(f"| second | {computed[0]} |") == 2
    show([Table(("name", "share"), (first, second))], "few", None)
    assert computed[2:] == computed[1::-1]
    show([Table(("name", "share"), (first,))], "many", tmp_path / "kept.json")
    assert len(computed) == 5
