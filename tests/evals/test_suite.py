"""Suites are read whole, or refused with the line, the key and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.errors import BadInput
from evals.suite import read

ROWS = [{"id": "1", "input": "x", "expected": "y", "lang": "en"}, {"id": "2", "input": "z", "expected": "y"}]
WHOLE: dict[str, Any] = {
    "suite": "first",
    "dataset": "d.jsonl",
    "target": {"kind": "scripted"},
    "scorers": ["exact", {"kind": "contains", "name": "polite", "texts": ["please"]}],
    "slices": ["lang"],
    "limits": {"budget": "0.5usd"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "mine.py").write_text("def half(sample, output):\n    return 0.5\n")
    return tmp_path


def suite(folder: Path, text: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def made(folder: Path, **keys: Any) -> str:
    """The digest of a suite that is like the whole one but for some keys."""
    return read(suite(folder, yaml.safe_dump({**WHOLE, **keys}, allow_unicode=True))).digest


def test_a_suite_is_read_whole(folder: Path) -> None:
    found = read(suite(folder, yaml.safe_dump(WHOLE)))
    assert (found.name, found.repeats, found.seed, found.folder) == ("first", 1, 0, folder)
    assert [sample.id for sample in found.dataset.samples] == ["1", "2"]
    assert [scorer.metric for scorer in found.scorers] == ["exact", "polite"]
    assert found.scorer("polite") is found.scorers[1]
    assert found.scorer("rude") is None
    assert found.limits.micro_usd == 500_000
    assert found.target is not None
    assert found.target.kind == "scripted"


def test_the_digest_is_of_all_that_a_score_depends_on(folder: Path) -> None:
    whole = made(folder)
    assert made(folder, about="other words", suite="second", target="scripted", limits={"concurrency": 3}) == whole
    assert made(folder, scorers=WHOLE["scorers"][::-1]) == whole
    changed: list[dict[str, Any]] = [
        {"scorers": ["exact"]},
        {"scorers": [{"kind": "exact", "ignore_case": True}, WHOLE["scorers"][1]]},
        {"repeats": 2},
        {"seed": 7},
        {"slices": []},
        {"dataset": {"kind": "jsonl", "path": "d.jsonl", "limit": 1}},
        {"dataset": {"kind": "jsonl", "path": "d.jsonl", "fields": {"expected": "input"}}},
        {"judges": {"j": {"target": {"kind": "scripted"}, "rubric": "Be strict."}}},
    ]
    digests = {whole, *(made(folder, **keys) for keys in changed)}
    assert len(digests) == len(changed) + 1


def test_slices_by_other_names_than_their_columns(folder: Path) -> None:
    found = read(suite(folder, yaml.safe_dump({**WHOLE, "slices": {"tongue": "lang"}})))
    assert found.slices == ("tongue",)
    assert [dict(sample.slices) for sample in found.dataset.samples] == [{"tongue": "en"}, {}]


def test_a_schema_and_a_function_of_the_suites_own_are_in_its_digest(folder: Path) -> None:
    (folder / "s.json").write_text('{"type": "object"}')
    by_file = made(folder, scorers=[{"kind": "json_schema", "schema": "s.json"}])
    assert by_file == made(folder, scorers=[{"kind": "json_schema", "schema": {"type": "object"}}])
    half = made(folder, scorers=[{"kind": "python", "call": "mine:half"}])
    (folder / "mine.py").write_text("def half(sample, output):\n    return 0.4\n")
    assert made(folder, scorers=[{"kind": "python", "call": "mine:half"}]) != half


BROKEN = [
    ("", r"suite\.yaml: is empty"),
    ("- 1\n", r":1: write a mapping, as \{name: value\}"),
    ("suite: a\n  dataset: [\n", r":2: mapping values are not allowed here"),
    ("suite: a\n---\nsuite: b\n", r"holds 2 YAML documents, and one is expected"),
    ("suite: a\nsuite: b\n", r":2: the key 'suite' is given twice"),
    ("suite: a\ndataset: d.jsonl\n", r":1: scorers: it is missing: write `scorers: …`"),
    ("suite: A b\n", r":1: suite: a name is a small letter, then"),
    ("suite: 3\n", r":1: suite: write a text"),
    ("dataset: 3\nscorers: [exact]\nsuite: a\n", r":1: dataset: write a text or a mapping"),
    ("scorers: exact\nsuite: a\ndataset: d.jsonl\n", r":1: scorers: write a list, as \[one, other\]"),
    ("scorers: []\nsuite: a\ndataset: d.jsonl\n", r":1: scorers: it needs 1 at least"),
    ("limit: {}\n", r":1: limit: there is no such key; did you mean limits\? There are about, "),
    ("limits:\n  concurency: 3\n", r":2: limits\.concurency: .* did you mean concurrency\?"),
    ("limits:\n  concurrency: many\n", r":2: limits\.concurrency: write a whole number"),
    ("limits:\n  concurrency: 1.5\n", r":2: limits\.concurrency: write a whole number"),
    ("limits:\n  seconds: 0\n", r":2: limits\.seconds: it has to be above 0"),
    ("limits:\n  budget: 5 dollars\n", r":2: limits\.budget: an amount is written as 5usd"),
    ("repeats: 0\n", r":1: repeats: it has to be at least 1"),
    ("seed: 2147483648\n", r":1: seed: it has to be below 2147483648"),
    ("dataset: d.xls\n", r":1: dataset: what 'd\.xls' is cannot be told, .*write \{kind: …, path: …\}"),
    ("dataset: none.jsonl\n", r":1: dataset: .*none\.jsonl cannot be read: No such file"),
    ("dataset: {path: d.jsonl}\n", r":1: dataset: it does not say of which kind it is"),
    ("dataset: {kind: json, path: x}\n", r":1: dataset: there is no kind of dataset 'json'; did you mean jsonl\?"),
    ("dataset:\n  kind: jsonl\n", r":1: dataset\.path: it is missing: write `path: …`"),
    ("dataset:\n  kind: jsonl\n  path: d.jsonl\n  limit: few\n", r":4: dataset\.limit: write a whole number"),
    (
        "dataset:\n  kind: jsonl\n  path: d.jsonl\n  fields: {expect: answer}\n",
        r":4: dataset\.fields: a sample has no 'expect'; did you mean expected\?",
    ),
    (
        "dataset:\n  kind: jsonl\n  path: d.jsonl\n  fields: {expected: answer}\n",
        r":1: dataset: d\.jsonl:1: there is no column 'answer', .*; there are expected, id, input, lang",
    ),
    ("slices:\n- lang\n- language\n", r":3: slices\.1: no row of the dataset has anything in the column 'language'"),
    (
        "slices: {tongue: language}\n",
        r":1: slices\.tongue: no row of the dataset has anything in the column 'language'",
    ),
    ("slices: {Tongue: lang}\n", r":1: slices\.Tongue: a name is a small letter"),
    ("slices: 3\n", r":1: slices: write a list, as \[one, other\] or a mapping"),
    ("slices: [Language]\n", r":1: slices\.0: a name is a small letter"),
    ("scorers:\n- exact\n- exat\n", r":3: scorers\.1: there is no scorer 'exat'; did you mean exact\?"),
    ("scorers:\n- {kind: exact, name: failed}\n", r":2: scorers\.0: 'failed' is measured of every run: give"),
    ("scorers:\n- exact\n- exact\n", r":3: scorers\.1: two scorers yield 'exact': give one of them another name"),
    ("scorers:\n- {kind: exact, ignore-case: true}\n", r":2: scorers\.0\.ignore-case: .*did you mean ignore_case\?"),
    ("scorers:\n- kind: contains\n  match: some\n", r":3: scorers\.0\.match: it is 'all' or 'any'"),
    ("scorers:\n- kind: exact\n  name: Exact Match\n", r":3: scorers\.0\.name: a name is a small letter"),
    ("scorers:\n- kind: exact\n  ignore_case: 3\n", r":3: scorers\.0\.ignore_case: write true or false"),
    ("scorers:\n- kind: regex\n", r":2: scorers\.0\.pattern: it is missing: write `pattern: …`"),
    ("scorers:\n- kind: regex\n  pattern: '('\n", r":3: scorers\.0\.pattern: is no regular expression"),
    ("scorers:\n- kind: json_schema\n  schema: no.json\n", r":2: scorers\.0: the schema .*no\.json cannot be read"),
    ("scorers:\n- kind: python\n  call: mine\n", r":3: scorers\.0\.call: a function is named as module:function"),
    ("scorers:\n- kind: python\n  call: mine:whole\n", r":2: scorers\.0: mine:whole: .*mine\.py has no 'whole'"),
    ("scorers:\n- kind: label\n  labels: [a]\n", r":3: scorers\.0\.labels: it needs 2 at least"),
    (
        "scorers:\n- exact\n- {kind: f1, key: answer}\n",
        r":3: scorers\.1: f1 scores nothing: no sample .* under 'answer'",
    ),
    (
        "scorers:\n- numeric\n",
        r":2: scorers\.0: numeric scores nothing: no sample of the dataset expects anything that",
    ),
    ("scorers: [refusal]\n", r":1: scorers\.0: refusal scores nothing: .* under 'refuse'"),
    ("scorers: [context_recall]\n", r":1: scorers\.0: context_recall scores nothing"),
    ("target: {kind: script}\n", r":1: target: there is no kind of target 'script'; did you mean scripted\?"),
    ("target: {}\n", r":1: target: it does not say of which kind it is"),
    (
        "target:\n  kind: scripted\n  rules:\n  - {when: '('}\n",
        r":4: target\.rules\.0\.when: is not a regular expression",
    ),
    (
        "judges:\n  j:\n    target: {kind: openai, modle: x}\n    rubric: x\n",
        r":3: judges\.j\.target\.modle: there is no such key",
    ),
    ("judges:\n  j:\n    target: {kind: scripted}\n    rubrik: x\n", r":4: judges\.j\.rubrik: .*did you mean rubric\?"),
    ("dataset:\n  kind: jsonl\n  pat: d.jsonl\n", r":3: dataset\.pat: .*did you mean path\?"),
    ("judges:\n  j:\n    rubric: x\n", r":2: judges\.j: name a target, or the targets of a panel"),
    (
        "judges:\n  j:\n    rubric: x\n    targets:\n    - {kind: scripted}\n    - {kind: openai, modle: x}\n",
        r":6: judges\.j\.targets\.1\.modle: there is no such key",
    ),
    ("judges:\n  J: {}\n", r":2: judges\.J"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_what_is_wrong_is_told_with_its_line_and_what_to_write(folder: Path, text: str, said: str) -> None:
    """What is whole of a suite but for the keys that a case has of its own."""
    whole = ["suite: first", "dataset: d.jsonl", "scorers: [exact]"]
    missing = [line for line in whole if line.split(":")[0] + ":" not in text]
    alone = not text or "---" in text or text.startswith(("- ", "suite: a\n"))
    path = suite(folder, text if alone else text + "\n".join(missing) + "\n")
    with pytest.raises(BadInput, match=said) as raised:
        read(path)
    assert str(raised.value).startswith(str(path))
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)
