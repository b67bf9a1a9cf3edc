from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.record import CallRecord
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.workers import Family, Left, Workers, _sums

CALL = CallRecord(id="r", started=1, surface="chat", status=200, upstream="demo", input_tokens=2, total_us=7_000)
REFUSED = CallRecord(id="r", started=1, surface="chat", status=401, total_us=50)


def worker(folder: Path, *records: CallRecord, backlog: float = 0) -> Workers:
    metrics = Metrics()
    metrics.watch(lambda: {"backlog": ("Waiting.", backlog)})
    for record in records:
        metrics.observe(record)
    return Workers(metrics, folder)


def values(workers: Workers) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample of the exposition, by name and label values, these in the order of the labels' names."""
    text = workers.exposition()[1].decode()
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def end(workers: Workers) -> None:
    """Make what this one left that of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = msgspec.msgpack.decode(workers._file.read_bytes(), type=Left)
    workers._file.write_bytes(msgspec.msgpack.encode(Left(process.pid, left.families)))


def test_counters_and_histograms_are_added_up(tmp_path: Path) -> None:
    first, second = worker(tmp_path, CALL, CALL, REFUSED), worker(tmp_path, CALL)
    second.write()
    found = values(first)
    assert found["sluice_calls_total", ("", "200", "chat", "demo")] == 3
    assert found["sluice_calls_total", ("", "401", "chat", "")] == 1
    assert found["sluice_tokens_total", ("", "input", "demo")] == 6
    assert found["sluice_call_seconds_bucket", ("", "0.01", "200", "chat", "demo")] == 3
    assert found["sluice_call_seconds_bucket", ("", "0.005", "200", "chat", "demo")] == 0
    assert found["sluice_call_seconds_sum", ("", "200", "chat", "demo")] == pytest.approx(0.021)


def test_one_process_alone_shows_what_it_would_show_without_a_folder(tmp_path: Path) -> None:
    alone = Metrics()
    alone.observe(CALL)
    shared = Workers(alone, tmp_path).exposition()[1].decode()
    assert shared.removeprefix(shared[: shared.index("# HELP sluice_calls_total")]) == alone.exposition()[1].decode()


def test_gauges_are_added_up_over_the_living(tmp_path: Path) -> None:
    first, second = worker(tmp_path, backlog=5), worker(tmp_path, backlog=7)
    second.write()
    assert values(first)["sluice_backlog", ()] == 12
    assert values(first)["sluice_workers", ()] == 2
    end(second)
    assert values(first)["sluice_backlog", ()] == 5
    assert values(first)["sluice_workers", ()] == 1


def test_what_a_process_counted_outlives_it(tmp_path: Path) -> None:
    first, second = worker(tmp_path, CALL), worker(tmp_path, CALL)
    second.write()
    end(second)
    assert values(first)["sluice_calls_total", ("", "200", "chat", "demo")] == 2


def test_no_scrape_takes_back_what_another_has_shown(tmp_path: Path) -> None:
    """Whichever process answers: a counter that goes down reads as a restart, and the rate of calls as a spike."""
    counts = [Metrics(), Metrics()]
    processes = [Workers(metrics, tmp_path) for metrics in counts]
    shown = 0.0
    for step in range(20):
        counts[step % 2].observe(CALL)
        counts[step % 3 % 2].observe(CALL)
        now = values(processes[step * 7 % 2])["sluice_calls_total", ("", "200", "chat", "demo")]
        assert now > shown
        shown = now


def test_half_a_file_is_never_read(tmp_path: Path) -> None:
    (tmp_path / ".half").write_bytes(b"\x92")
    assert values(worker(tmp_path, CALL))["sluice_workers", ()] == 1


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.telemetry.workers.EVERY", 0.01)
    folder = tmp_path / "gone"
    workers = worker(folder, CALL)
    task = asyncio.create_task(workers.run())
    await asyncio.sleep(0.05)
    assert "cannot be shared" in caplog.text
    folder.mkdir()
    await asyncio.sleep(0.05)
    assert len(list(folder.glob("[!.]*"))) == 1
    task.cancel()


SAMPLES = st.lists(
    st.tuples(
        st.sampled_from(["a_total", "a_created"]), st.dictionaries(st.just("x"), st.text(max_size=2)), st.integers(0, 9)
    ),
    max_size=5,
)


@given(st.lists(SAMPLES, max_size=4))
def test_nothing_is_lost_or_made_up_in_a_sum(left: list[list[tuple[str, dict[str, str], int]]]) -> None:
    families = [Family("a", "", "counter", [(n, labels, float(v)) for n, labels, v in samples]) for samples in left]
    summed = [sample for metric in _sums(families) for sample in metric.samples]
    keys = [(sample.name, tuple(sample.labels.items())) for sample in summed]
    assert len(set(keys)) == len(keys)
    assert sum(sample.value for sample in summed) == sum(value for samples in left for _, _, value in samples)
    assert set(keys) == {(name, tuple(labels.items())) for samples in left for name, labels, _ in samples}
