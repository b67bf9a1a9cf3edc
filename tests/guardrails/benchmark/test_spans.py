"""How well spans are found: what counts as a hit."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guardrails.benchmark.spans import Hits, Row, read, table
from guardrails.errors import BadInput
from guardrails.guards.patterns import Patterns

DIGITS = Patterns(guard="patterns", patterns={"digits": r"\d+"})


def test_a_hit_touches_and_an_exact_one_is_the_same() -> None:
    rows = [
        Row("id 1234 and 55", ((3, 7, "id"), (12, 14, "age"))),
        Row("id 12345", ((0, 8, "id"),)),
        Row("no number", ((0, 2, "word"),)),
        Row("but 7", (), "look-alike"),
        Row("none", (), "look-alike"),
    ]
    found = table(DIGITS, rows)
    assert found.by_type == {"id": Hits(2, 2, 1), "age": Hits(1, 1, 1), "word": Hits(1, 0, 0)}
    assert found.total == Hits(4, 3, 2)
    assert found.total.recall == 0.75
    assert (found.found, found.right, found.exact) == (4, 3, 2)
    assert found.precision == 0.75
    assert (found.clean, found.alarmed, found.alarms) == (2, 1, {"look-alike": 1})
    assert found.false_alarms == 0.5
    assert "| all | 4 | 0.750 | 0.500 |" in found.markdown()


def test_what_was_not_there_has_no_share() -> None:
    nothing = table(DIGITS, [])
    assert nothing.precision is None
    assert nothing.false_alarms is None
    assert nothing.total.recall is None


def test_only_what_reaches_the_threshold_counts() -> None:
    assert table(DIGITS.model_copy(update={"threshold": 1.0}), [Row("7", ())]).found == 1


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    spans = [[{"start": 0, "end": 1, "type": "digit"}], []]
    pq.write_table(pa.table({"text": ["7", "a"], "spans": spans, "type": ["x", None]}), path)
    assert read(path) == [Row("7", ((0, 1, "digit"),), "x"), Row("a", (), "")]


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    with pytest.raises(BadInput, match="cannot be read"):
        read(path)
    path.write_text("no parquet")
    with pytest.raises(BadInput, match="cannot be read"):
        read(path)
    pq.write_table(pa.table({"words": ["a"]}), path)
    with pytest.raises(BadInput, match="no columns"):
        read(path)
