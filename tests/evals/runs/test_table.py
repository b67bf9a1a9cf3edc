"""A log read by its lines and by its Parquet file: the same table, in the same order."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.comparison import compare
from evals.runs import parquet
from evals.runs.evidence import of_logs
from evals.runs.log import TABLE, Header, MetricHeader, RunLog, read_header, results_at, samples_at
from evals.runs.table import RunTable
from evals.sample import Output, Result, Sample, Score, Usage
from evals.summaries import summarise
from tests.evals.making import run_once, suite_of

METRICS = (
    MetricHeader("exact", "exact", ""),
    MetricHeader("topic.of", "label", ""),
    MetricHeader("late", "x", "", True),
)
SAMPLES = [
    Sample("a", ({"role": "user", "content": "What is ü?"},), cluster="x", slices={"lang": "en"}),
    Sample("b", cluster="x", slices={"lang": "de", "half": "low"}, expected={"calls": []}),
    Sample("c", slices={"lang": "en"}, variables={"question": "?"}),
    Sample("d"),
]

scores = st.builds(
    Score,
    st.none() | st.sampled_from([0.0, 1.0]) | st.floats(-10, 10),
    st.sampled_from(["", "no", "nö"]),
    st.none() | st.sampled_from(["x", "y"]),
    st.none() | st.floats(0, 1),
    st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 9)),
    st.fixed_dictionaries({"expected": st.sampled_from(["x", "y"])}),
)
outputs = st.builds(
    Output,
    text=st.text(max_size=5),
    usage=st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 9)),
    seconds=st.floats(0, 9),
    first_token=st.none() | st.floats(0, 9),
    reused=st.booleans(),
)
answered = st.tuples(outputs, st.dictionaries(st.sampled_from([one.name for one in METRICS]), scores), st.none())
failed = st.tuples(st.none(), st.just({}), st.sampled_from(["429", "no answer"]))
runs = st.dictionaries(st.tuples(st.sampled_from("abcdz"), st.integers(0, 1)), answered | failed)


def logged(folder: Path, results: list[Result]) -> Path:
    header = Header("r", "s", "0" * 64, "1" * 64, {}, "2" * 64, METRICS, 2, 0, 4, 1.0, "0", slices=("half", "lang"))
    log = RunLog.create(folder, header, SAMPLES)
    for result in results:
        log.add(result)
    log.close()
    return folder


@given(runs, st.integers(0, 99))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, run: dict[tuple[str, int], tuple], seed: int
) -> None:
    results = [Result(sample, repeat, one[0], one[1], 0.5, one[2]) for (sample, repeat), one in run.items()]
    random.Random(seed).shuffle(results)
    folder = logged(tmp_path_factory.mktemp("run") / "log", results)
    lines = RunTable.read(folder)
    parquet.write(folder)
    assert parquet.read(folder, read_header(folder)) is not None
    table = RunTable.read(folder)
    assert table.ids.tolist() == lines.ids.tolist() == sorted({one.sample for one in results} - {"z"})
    assert summarise(table) == summarise(lines)
    for name in ("position", "repeat", "lines", "asked", "seconds", "first_token", "costs", "reused"):
        np.testing.assert_array_equal(getattr(table.rows, name), getattr(lines.rows, name), name)
    assert table.rows.errors.texts() == lines.rows.errors.texts()
    for result in results_at(folder, table.rows.lines.tolist()):
        assert result in results
    asked = samples_at(folder, table.rows.asked[table.first].tolist())
    assert [sample.id for sample in asked] == table.ids.tolist()


def test_a_run_leaves_one_and_a_changed_log_is_read_by_its_lines(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path)
    folder = tmp_path / "run"
    header = read_header(folder)
    assert parquet.read(folder, header) is not None
    with (folder / "results.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(Result("q0", 0, None, {}, 0.0, "late")) + b"\n")
    assert parquet.read(folder, header) is None
    assert RunTable.read(folder).rows.errors.counted() == {"late": 1}


def test_a_run_that_is_gone_on_with_has_none_until_it_ends(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path)
    log = RunLog.resume(tmp_path / "run")
    assert not (tmp_path / "run" / TABLE).exists()
    log.close()
    run_once(suite_of(tmp_path), tmp_path)
    assert (tmp_path / "run" / TABLE).exists()


def test_a_file_that_is_not_whole_is_passed_over(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path)
    file = tmp_path / "run" / TABLE
    file.write_bytes(file.read_bytes()[:-100])
    assert summarise(RunTable.read(tmp_path / "run")).asked == 12


def test_where_it_cannot_be_written_the_log_is_enough(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path), tmp_path)
    file = tmp_path / "run" / TABLE
    file.unlink()
    file.with_name(f"{TABLE}.new").mkdir()
    parquet.write(tmp_path / "run")
    assert not file.exists()
    assert summarise(RunTable.read(tmp_path / "run")).asked == 12


def test_groups_of_the_file_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH", 5)
    run_once(suite_of(tmp_path), tmp_path)
    with pq.ParquetFile(tmp_path / "run" / TABLE) as held:
        assert held.metadata.num_row_groups == 3
    table = RunTable.read(tmp_path / "run")
    (tmp_path / "run" / TABLE).unlink()
    lines = RunTable.read(tmp_path / "run")
    assert table.clusters.tolist() == lines.clusters.tolist()
    assert summarise(table) == summarise(lines)


def test_duckdb_reads_it(tmp_path: Path) -> None:
    run_once(suite_of(tmp_path, slices=["cluster"]), tmp_path)
    file = tmp_path / "run" / TABLE
    found = duckdb.sql(f"""
        SELECT cluster, avg(scores.exact), count(*), min(answer), max(position) FROM '{file}'
        WHERE question LIKE 'What is%' GROUP BY cluster ORDER BY cluster""").fetchall()
    assert [(row[0], row[2]) for row in found] == [("c0", 3), ("c1", 3), ("c2", 3), ("c3", 3)]
    assert sum(row[1] for row in found) == pytest.approx(4 * 0.75)


def test_a_comparison_is_of_samples_wherever_they_stand(tmp_path: Path) -> None:
    """Two logs of a suite that was asked in another order, and one lacks a sample."""
    said = {"a": 1.0, "b": 0.0, "c": 1.0}
    for name, samples in (("one", "abc"), ("other", "bcad")):
        folder = tmp_path / name
        header = Header(
            "r", "s", "0" * 64, "1" * 64, {}, name[0].encode().hex().ljust(64, "0"), METRICS[:1], 1, 0, 4, 1.0, "0"
        )
        log = RunLog.create(folder, header, [Sample(one, ({"role": "user", "content": one},)) for one in samples])
        for sample in samples:
            value = said.get(sample, 0.0) if name == "one" else 1 - said.get(sample, 0.0)
            log.add(Result(sample, 0, Output(f"{name} {sample}"), {"exact": Score(value)}, 0.0))
        log.close()
    (metric,) = compare(tmp_path / "one", tmp_path / "other").metrics
    assert (metric.change is not None, metric.missing) == (True, 1)
    assert [(flip.sample, flip.question, flip.said_before, flip.said_after) for flip in metric.gained] == [
        ("b", "b", "one b", "other b")
    ]
    assert [flip.sample for flip in metric.lost] == ["c", "a"]
    assert [item.id for item in of_logs(tmp_path / "other", tmp_path / "one").items] == ["b", "c", "a"]


def test_evidence_is_as_old_as_its_oldest_answer(tmp_path: Path) -> None:
    """Kept answers that are scored anew make no new evidence."""
    run_once(suite_of(tmp_path), tmp_path)
    first = of_logs(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "before")
    run_once(suite_of(tmp_path), tmp_path)
    again = of_logs(tmp_path / "run")
    assert read_header(tmp_path / "run").started > read_header(tmp_path / "before").started
    assert (again.made, again.items) == (first.made, first.items)
