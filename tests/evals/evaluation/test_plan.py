"""A plan is read whole or refused by its line, and its digest is of what is asked."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from evals.errors import BadInput
from evals.evaluation.plan import read
from evals.evaluation.schema import plan as schema
from tests.evals.evaluation.making import LEAST, SUITE, plan_of
from tests.evals.making import suite_of

GAP = {"metric": "exact", "seen": "holdout", "at_most": 0.1}
FOLDS = {"metric": "exact", "runs": ["holdout", "other"], "at_least": 0.5}


def test_the_digest_is_of_what_is_asked(tmp_path: Path) -> None:
    plain = plan_of(tmp_path).digest
    runs = {"holdout": {"suite": SUITE, "folder": "elsewhere"}}
    assert plan_of(tmp_path, runs=runs, measurements="m.yaml", alpha=0.05).digest == plain
    for change in (
        {"alpha": 0.01},
        {"technical": [{"metric": "exact", "at_least": 0.6}]},
        {"technical": [{"metric": "exact", "at_least": 0.5, "priority": "should"}]},
        {"runs": {"holdout": {"suite": "f" * 64}}},
        {"question": "Is it better?"},
    ):
        assert plan_of(tmp_path, **change).digest != plain


def test_a_suite_that_changed_is_another_plan(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    runs = {"holdout": {"suite": "suite.yaml", "folder": "runs/one"}}
    first = plan_of(tmp_path, runs=runs)
    assert first.suites == {"holdout": suite.digest}
    assert first.folder_of("holdout") == tmp_path / "runs" / "one"
    suite_of(tmp_path, seed=3)
    assert plan_of(tmp_path, runs=runs).digest != first.digest


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"technical": []}, "technical", "it needs 1 at least"),
        ({"business": []}, "business", "it needs 1 at least"),
        ({"qestion": "?"}, "qestion", "did you mean question"),
        ({"technical": [{"metric": "exact"}]}, "technical.0", "ask one of at_least, at_most, margin and superiority"),
        ({"technical": [{"metric": "exact", "margin": 0.1, "at_least": 1}]}, "technical.0", "ask one of"),
        ({"technical": [{"metric": "exact", "at_least": 1, "relative": True}]}, "technical.0", "name a margin"),
        (
            {"technical": [{"metric": "exact", "at_least": 1, "quantile": 0.9}]},
            "technical.0",
            "a quantile takes at_most",
        ),
        ({"technical": [{"metric": "exact", "at_least": 1, "run": "x"}]}, "technical.0.run", "there is no run 'x'"),
        ({"technical": [{"metric": "a", "at_least": 1}] * 2}, "technical.1", "give one of them a name"),
        ({"business": [{"name": "a", "sum": {"exact": 1}}]}, "business.0", "ask one of at_least and at_most"),
        ({"business": [{"name": "a", "at_least": 1}]}, "business.0", "sum or measured"),
        ({"business": [{"name": "a", "at_least": 1, "measured": "a", "times": 2}]}, "business.0", "taken as it is"),
        (
            {"business": [{"name": "a", "at_least": 1, "sum": {"b": 1}, "times": 0}]},
            "business.0",
            "times 0 is always 0",
        ),
        ({"business": [{"name": "a", "at_least": 1, "sum": {"b": "much"}}]}, "business.0.sum.b", "write a number"),
        ({"generalisation": [{**GAP, "seen": "x"}]}, "generalisation.0.seen", "there is no run 'x'"),
        ({"folds": [FOLDS]}, "folds.0.runs.1", "there is no run 'other'"),
        ({"folds": [{**FOLDS, "runs": ["holdout", "holdout"]}]}, "folds.0", "a fold is named twice"),
        ({"folds": [{**FOLDS, "at_most": 1}]}, "folds.0", "ask one of"),
        ({"bias": [{"metric": "exact", "slice": "a", "at_most": -1}]}, "bias.0.at_most", "at least 0"),
        ({"max_age": "soon"}, "max_age", "write a number and s, m, h, d or w"),
        ({"runs": {"holdout": {"suite": "nowhere.yaml"}}}, "runs.holdout.suite", "cannot be read"),
        ({"runs": {"seen": {"suite": SUITE}}}, "technical.0", "there is no run 'holdout'"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(tmp_path: Path, change: dict[str, Any], place: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        plan_of(tmp_path, **change)
    assert caught.value.place == place
    assert said in caught.value.message or said in str(caught.value)
    assert caught.value.line is not None
    lines = (tmp_path / "evaluation.yaml").read_text().splitlines()
    assert 1 <= caught.value.line <= len(lines)


def test_what_is_measured_elsewhere_needs_no_run(tmp_path: Path) -> None:
    business = [{"name": "a", "at_least": 1, "measured": "a"}]
    runs = {"holdout": {"suite": SUITE}, "unused": {"suite": SUITE}}
    assert plan_of(tmp_path, business=business, runs=runs).file.business[0].measured == "a"


def test_a_run_without_a_folder_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--run holdout=FOLDER"):
        plan_of(tmp_path).folder_of("holdout")


def test_the_plan_to_begin_with_is_one(tmp_path: Path) -> None:
    """As it is, and with all that it has as comments."""
    text = files("evals.evaluation").joinpath("template.yaml").read_text(encoding="utf-8")
    suite_of(tmp_path)
    for name in ("seen", "fold-1", "fold-2"):
        (tmp_path / f"{name}.yaml").write_text((tmp_path / "suite.yaml").read_text())
    path = tmp_path / "evaluation.yaml"
    path.write_text(text)
    assert read(path).file.evaluation == "support"
    path.write_text(re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE))
    whole = read(path).file
    assert (len(whole.runs), len(whole.technical), len(whole.business)) == (4, 3, 3)
    assert whole.generalisation
    assert whole.folds
    assert whole.bias


def test_the_schema_and_the_reading_are_of_one_mind() -> None:
    made = schema()
    assert jsonschema_rs.meta.is_valid(made)
    rules = jsonschema_rs.validator_for(made)
    assert rules.is_valid(LEAST)
    for change in ({"technical": []}, {"more": 1}, {"runs": {"Holdout!": {"suite": SUITE}}}):
        assert not rules.is_valid({**LEAST, **change})


def test_every_option_of_the_schema_says_what_it_is() -> None:
    made = schema()
    parts = [made, *made["$defs"].values()]
    dumb = [name for part in parts for name, option in part["properties"].items() if not option.get("description")]
    assert dumb == []
    assert json.dumps(made)
    assert yaml.safe_dump(LEAST)
