"""Rows of every kind of file become the same samples, and what is wrong with one is told with its place."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.datasets import registry
from evals.datasets.base import Dataset, load
from evals.datasets.frozen import freeze
from evals.errors import BadInput, Missing

ROWS: list[dict[str, Any]] = [
    {"id": "a", "input": "One, two?", "expected": "three", "cluster": "x", "lang": "en"},
    {"id": "b", "input": 'Says "hm",\nand goes.', "expected": "Größe", "cluster": "y", "lang": "de"},
]


def loaded(folder: Path, given: Mapping[str, Any], slices: tuple[str, ...] = ()) -> Dataset:
    spec = registry.find(given["kind"]).model_validate(given)
    return load(spec, folder, {name: name for name in slices})


def jsonl(folder: Path, *rows: Any, **keys: Any) -> Dataset:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    (folder / "d.jsonl").write_bytes(b"\n".join(lines))
    slices = keys.pop("slices", ())
    return loaded(folder, {"kind": "jsonl", "path": "d.jsonl", **keys}, slices)


def test_every_kind_of_file_gives_the_same_samples(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        'id,input,expected,cluster,lang\na,"One, two?",three,x,en\nb,"Says ""hm"",\nand goes.",Größe,y,de\n'
    )
    (tmp_path / "d.tsv").write_text(
        'id\tinput\texpected\tcluster\tlang\na\tOne, two?\tthree\tx\ten\nb\t"Says ""hm"",\nand goes."\tGröße\ty\tde\n'
    )
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "d.parquet")
    wanted = jsonl(tmp_path, *ROWS)
    for name in ("d.csv", "d.tsv", "d.parquet"):
        assert loaded(tmp_path, registry.of_path(name)) == wanted, name
    assert jsonl(tmp_path, *ROWS[::-1]).digest == wanted.digest
    assert jsonl(tmp_path, *ROWS[:1]).digest != wanted.digest


def test_what_becomes_of_columns(tmp_path: Path) -> None:
    row = {
        "number": 0,
        "question": "Who?",
        "answer": ["Ada"],
        "documents": "one text",
        "variables": {"name": "Ada"},
        "slices": {"hard": True},
        "lang": "en",
        "cluster": 7,
        "metadata": {"source": "web"},
    }
    found = jsonl(tmp_path, row, fields={"id": "number", "input": "question", "expected": "answer"}, slices=("lang",))
    (sample,) = found.samples
    assert (sample.id, sample.question, sample.expected, sample.cluster) == ("0", "Who?", ["Ada"], "7")
    assert sample.documents == ("one text",)
    assert sample.slices == {"hard": "True", "lang": "en"}
    assert sample.metadata == {"lang": "en", "source": "web"}


def test_a_column_can_be_several_parts(tmp_path: Path) -> None:
    (sample,) = jsonl(tmp_path, {"q": "Say this.", "input": "else"}, fields={"input": "q", "expected": "q"}).samples
    assert (sample.question, sample.expected, sample.metadata) == ("Say this.", "Say this.", {"input": "else"})


def test_a_row_without_an_id_has_one_of_its_own(tmp_path: Path) -> None:
    first, again = jsonl(tmp_path, {"input": "x"}), jsonl(tmp_path, {"input": "x"}, {"input": "y"})
    assert first.samples[0].id == again.samples[0].id != again.samples[1].id
    with pytest.raises(BadInput, match=r"d\.jsonl:2: .* two rows are the same: give each an id"):
        jsonl(tmp_path, {"input": "x"}, {"input": "x"})


def test_a_mark_before_utf_8_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    assert len(jsonl(tmp_path, b'\xef\xbb\xbf{"input": "x"}', b"", b"  ").samples) == 1
    (tmp_path / "d.csv").write_bytes("\ufeffinput\r\nx\r\n\r\ny\r\n".encode())
    assert len(loaded(tmp_path, {"kind": "csv", "path": "d.csv"}).samples) == 2


@pytest.mark.parametrize(
    ("row", "keys", "said"),
    [
        (b"{", {}, r"d\.jsonl:2: not JSON: .*at character 2"),
        (b'{"input": "\xff"}', {}, r"d\.jsonl:2: byte 12 is not UTF-8: save the file as UTF-8"),
        (
            b'{"input": "y", "x": ' + b"[" * 500 + b"]" * 500 + b"}",
            {},
            r"d\.jsonl:2: it cannot be written as JSON: Recursion",
        ),
        (b"[1]", {}, r"d\.jsonl:2: a row is an object"),
        ({"question": "x"}, {}, r"d\.jsonl:2: there is no input; .*one of question"),
        ({"input": "y", "id": "1"}, {}, r"d\.jsonl:2: the id '1' is there twice; give it another"),
        (
            {"input": "y"},
            {"fields": {"expected": "answer"}},
            r"d\.jsonl:1: there is no column 'answer', .*there are id, input",
        ),
        ({"messages": ["hi"]}, {}, r"d\.jsonl:2: messages are a list of"),
        ({"input": "y", "documents": 3}, {}, r"d\.jsonl:2: Expected `array`, got `int`.*documents"),
        ({"input": "y", "slices": ["en"]}, {}, r"d\.jsonl:2: slices is a mapping"),
        ({"input": "y", "slices": {"Hard": 1}}, {}, r"d\.jsonl:2: the slice 'Hard': a name is a small letter"),
        ({"input": "y", "slices": {f"s{at}": 1 for at in range(21)}}, {}, r"d\.jsonl:2: there are 21 slices"),
        ({"input": "y", "id": "x" * 201}, {}, r"d\.jsonl:2: id has 201 characters"),
        ({"input": "y", "cluster": ""}, {}, r"d\.jsonl:2: cluster has 0 characters"),
    ],
)
def test_what_is_wrong_with_a_row(tmp_path: Path, row: Any, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        jsonl(tmp_path, {"input": "x", "id": "1"}, row, **keys)


def test_a_limit_takes_the_first_rows_and_reads_no_further(tmp_path: Path) -> None:
    assert [one.id for one in jsonl(tmp_path, *ROWS, b"{broken", limit=2).samples] == ["a", "b"]


def test_what_is_not_there_or_empty(tmp_path: Path) -> None:
    for kind in ("csv", "jsonl", "parquet"):
        with pytest.raises(BadInput, match="cannot be read: No such file"):
            loaded(tmp_path, {"kind": kind, "path": "none"})
    with pytest.raises(BadInput, match="the dataset is empty"):
        jsonl(tmp_path)
    with pytest.raises(BadInput, match="there is no kind of dataset 'sql'; there are calls, csv"):
        registry.find("sql")
    with pytest.raises(BadInput, match=r"its name ends in none of \.csv"):
        registry.of_path("data.xlsx")


def test_a_row_has_its_bounds(tmp_path: Path) -> None:
    with (tmp_path / "big.jsonl").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(BadInput, match=r"big\.jsonl:1: a row has more than 16 MiB"):
        loaded(tmp_path, {"kind": "jsonl", "path": "big.jsonl"})
    (tmp_path / "long.csv").write_text(f"input\n{'x' * 200_000}\n")
    assert len(loaded(tmp_path, {"kind": "csv", "path": "long.csv"}).samples[0].question) == 200_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"input,input\nx,y\n", r"d\.csv:1: two columns are called 'input'"),
        (b"input,b\nx\n", r"d\.csv:2: 1 cells, and the header names 2 columns"),
        (b'input,b\n"x\ny",1\nz\n', r"d\.csv:4: 1 cells"),
        (b'input\n"x\n', r"d\.csv:2: not CSV: unexpected end of data"),
        (b"input\nx\n\xff\n", r"d\.csv:3: byte 1 is not UTF-8"),
        (b"input,variables\nx,{\n", r"d\.csv:2: the cell of 'variables' is not JSON"),
        (b"input,expected\nx,y\n", r"d\.csv:2: the cell of 'expected' is not JSON"),
        (b"", "the dataset is empty"),
    ],
)
def test_what_is_wrong_with_csv(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "d.csv").write_bytes(text)
    with pytest.raises(BadInput, match=said):
        loaded(tmp_path, {"kind": "csv", "path": "d.csv", "json": ["expected"]})


def test_cells_of_json(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text('vars;answer;n\n"{""name"": ""Ada""}";"[""x"", ""y""]";\n')
    given = {"kind": "csv", "path": "d.csv", "delimiter": ";", "json": ["answer"]}
    (sample,) = loaded(tmp_path, {**given, "fields": {"variables": "vars", "expected": "answer"}}).samples
    assert (sample.variables, sample.expected, sample.metadata) == ({"name": "Ada"}, ["x", "y"], {"n": None})


def test_cells_of_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "input": ["x"],
            "when": pa.array([1_700_000_000_000], pa.timestamp("ms", "UTC")),
            "price": pa.array([None], pa.decimal128(5, 2)),
            "share": [float("nan")],
            "messages": [[{"role": "user", "content": "hi"}]],
        }
    )
    pq.write_table(table, tmp_path / "d.parquet")
    (sample,) = loaded(tmp_path, {"kind": "parquet", "path": "d.parquet"}).samples
    assert sample.messages == ({"role": "user", "content": "hi"},)
    assert sample.metadata == {"when": "2023-11-14T22:13:20+00:00", "price": None, "share": None}
    pq.write_table(pa.table({"input": ["x"], "image": [b"\x89PNG"]}), tmp_path / "d.parquet")
    with pytest.raises(BadInput, match=r"d\.parquet: row 1: the column 'image' holds bytes"):
        loaded(tmp_path, {"kind": "parquet", "path": "d.parquet"})
    (tmp_path / "d.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(BadInput, match="is not Parquet that can be read"):
        loaded(tmp_path, {"kind": "parquet", "path": "d.parquet"})


def test_without_its_library_parquet_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Missing, match=r"pip install 'sluicegate\[evals\]'"):
        loaded(tmp_path, {"kind": "parquet", "path": "d.parquet"})


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL.filter(bool), CELL), min_size=1, max_size=5, unique_by=lambda row: row[0]))
def test_whatever_is_in_them_files_of_each_kind_hold_the_same(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    import csv

    with (tmp_path / "d.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("input", "expected"), *rows])
    held = [{"input": asked, "expected": expected or None} for asked, expected in rows]
    pq.write_table(pa.Table.from_pylist(held), tmp_path / "d.parquet")
    wanted = jsonl(tmp_path, *held)
    assert loaded(tmp_path, {"kind": "csv", "path": "d.csv"}) == wanted
    assert loaded(tmp_path, {"kind": "parquet", "path": "d.parquet"}) == wanted


def test_a_dataset_that_was_frozen_is_the_same(tmp_path: Path) -> None:
    rows = [*ROWS, {"id": "c", "variables": {"n": 1}, "documents": ["x"], "lang": None, "slices": {"hard": "no"}}]
    before = jsonl(tmp_path, *rows, slices=("lang",))
    freeze(before, tmp_path / "frozen.jsonl")
    assert loaded(tmp_path, registry.of_path("frozen.jsonl"), ("lang",)) == before
    with pytest.raises(BadInput, match="cannot be written: File exists"):
        freeze(before, tmp_path / "frozen.jsonl")
