"""Reports: true to the run, and safe against what stands in questions and answers."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evals.errors import BadInput
from evals.reports.html import html
from evals.reports.junit import junit
from evals.reports.markdown import MOST_CHARACTERS, markdown
from evals.reports.report import Report, read
from tests.evals.cli.test_run import BETTER, gate, sluice, sums
from tests.evals.making import RULES, run_once, suite_of

OLD = json.dumps({"kind": "scripted", "rules": RULES})
EVIL = "```\n# Not a heading\n@everyone <script>alert(1)</script> [x](javascript:y) | a | \x00 \x1b[31m ````"


@pytest.fixture
def passed(tmp_path: Path) -> Path:
    sums(tmp_path)
    gate(tmp_path, superiority=True)
    asked = ["--target", BETTER, "--against", OLD, "--gate-file", "gate.yaml", "--out", "one"]
    assert sluice(tmp_path, "run", "suite.yaml", *asked).returncode == 0
    return tmp_path / "one"


def test_markdown_says_the_verdict_first(passed: Path) -> None:
    text = markdown(read(passed))
    assert text.startswith("## ✅ PASS: `sums`")
    assert "better than the live release" in text
    assert "| `exact` | 0.150 | 1.000 | +0.850" in text
    assert "<details><summary>exact: 51 better</summary>" in text


def test_junit_has_a_case_for_each_requirement(passed: Path) -> None:
    suite = ElementTree.fromstring(junit(read(passed)))
    assert dict(suite.attrib) == {"name": "sums", "tests": "1", "failures": "0", "errors": "0"}
    assert [case.get("name") for case in suite] == ["exact, superiority"]


def test_what_fails_is_a_failure_and_what_is_not_shown_an_error(tmp_path: Path) -> None:
    sums(tmp_path)
    for number, (asked, kind) in enumerate(
        (
            ({"at_least": 0.9}, "failure"),
            ({"at_least": 0.1, "min_items": 500}, "error"),
            ({"suite": "0" * 64, "at_least": 0}, "error"),
        )
    ):
        gate(tmp_path, **asked)
        sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml", "--out", f"r{number}")
        suite = ElementTree.fromstring(junit(read(tmp_path / f"r{number}")))
        assert [child.tag for child in suite[0]] == [kind]
        assert suite[0][0].get("message")


def test_without_a_gate_the_run_is_the_case(tmp_path: Path) -> None:
    sums(tmp_path)
    sluice(tmp_path, "run", "suite.yaml", "--out", "one")
    assert ElementTree.fromstring(junit(read(tmp_path / "one")))[0].get("name") == "run"
    assert markdown(read(tmp_path / "one")).startswith("## complete: `sums`")
    assert markdown(read(tmp_path / "one" / "candidate"))


def test_nothing_that_was_said_is_more_than_text(tmp_path: Path) -> None:
    rows = [{"id": f"<b>`|{n}", "input": f"{n} {EVIL}", "expected": "x"} for n in range(4)]
    suite_of(tmp_path, rows, target={"kind": "scripted", "rules": [{"say": EVIL}]})
    right = json.dumps({"kind": "scripted", "rules": [{"say": "x"}]})
    sluice(tmp_path, "run", "suite.yaml", "--against", right, "--out", "one")
    text = markdown(read(tmp_path / "one"))
    fence, outside = None, []
    for line in text.splitlines():
        if fence is None and line.startswith("```"):
            fence = line.removesuffix("text")
        elif line == fence:
            fence = None
        elif fence is None:
            outside.append(line)
    assert fence is None
    assert not any(word in line for line in outside for word in ("@everyone", "<script", "javascript:"))
    assert ElementTree.fromstring(junit(read(tmp_path / "one"))) is not None


def test_a_comment_is_no_longer_than_it_may_be(tmp_path: Path) -> None:
    rows = [{"id": f"q{n}" + "i" * 150, "input": "long " * 2000, "expected": "x"} for n in range(30)]
    scorers = [{"kind": "exact", "name": f"m{n}"} for n in range(20)]
    suite_of(tmp_path, rows, target={"kind": "scripted", "rules": [{"say": "y" * 3000}]}, scorers=scorers)
    right = json.dumps({"kind": "scripted", "rules": [{"say": "x"}]})
    sluice(tmp_path, "run", "suite.yaml", "--against", right, "--out", "one")
    text = markdown(read(tmp_path / "one"))
    assert len(text) <= MOST_CHARACTERS
    assert "More changed than there is room for" in text


def test_the_command_writes_each_form(passed: Path) -> None:
    folder = passed.parent
    for form in ("html", "markdown", "junit", "json"):
        done = sluice(folder, "report", "one", "-f", form, "-o", f"report.{form}")
        assert done.returncode == 0, done.stderr
    assert json.loads((folder / "report.json").read_text())["gate"]["verdict"] == "pass"
    assert sluice(folder, "report", "one").stdout == (folder / "report.markdown").read_text()
    assert sluice(folder, "report", "nowhere").returncode == 2


def test_a_gate_s_file_that_is_none(passed: Path) -> None:
    (passed / "gate.json").write_text("[]")
    with pytest.raises(BadInput, match=r"gate\.json"):
        read(passed)


def test_so_many_parts_that_they_do_not_fit_are_counted(tmp_path: Path) -> None:
    rows = [{"id": f"q{n}" + "i" * 150, "input": "x", "expected": "x", "kind": f"{n} " + "k" * 90} for n in range(400)]
    suite_of(tmp_path, rows, target={"kind": "scripted", "rules": [{"say": "y"}]}, slices=["kind"])
    right = json.dumps({"kind": "scripted", "rules": [{"say": "x"}]})
    sluice(tmp_path, "run", "suite.yaml", "--against", right, "--out", "one")
    text = markdown(read(tmp_path / "one"))
    assert len(text) <= MOST_CHARACTERS
    assert "370 more parts" in text


def test_marks_that_are_not_seen_steer_nothing(tmp_path: Path) -> None:
    evil = "a\x1b]0;owned\x07\u202eb\u200b"
    rows = [{"id": f"{evil}{n}", "input": evil, "expected": "x", "kind": evil} for n in range(3)]
    suite_of(tmp_path, rows, target={"kind": "scripted", "rules": [{"say": evil}]}, slices=["kind"])
    right = json.dumps({"kind": "scripted", "rules": [{"say": "x"}]})
    sluice(tmp_path, "run", "suite.yaml", "--against", right, "--out", "one")
    for said in (sluice(tmp_path, "diff", "one").stdout, markdown(read(tmp_path / "one"))):
        assert "owned" in said
        assert not any(mark in said for mark in "\x1b\x07\u202e\u200b")


def test_a_page_says_it_all_and_nothing_in_it_is_anybody_s_markup(passed: Path, tmp_path: Path) -> None:
    page = html(read(passed))
    assert "<strong>PASS</strong>" in page
    assert "51 better" in page
    assert page.count("<svg") == page.count("</svg>") >= 2
    assert "Content-Security-Policy" in page
    assert "<script" not in page
    rows = [{"id": f'"><b>{n}', "input": EVIL, "expected": "x", "kind": "<i>"} for n in range(4)]
    folder = tmp_path / "evil"
    folder.mkdir()
    suite_of(folder, rows, target={"kind": "scripted", "rules": [{"say": EVIL}]}, slices=["kind"])
    right = json.dumps({"kind": "scripted", "rules": [{"say": "x"}]})
    sluice(folder, "run", "suite.yaml", "--against", right, "--out", "one")
    page = html(read(folder / "one"))
    assert not any(markup in page for markup in ("<script", "<i>", '"><b>'))
    assert "&lt;script&gt;alert(1)" in page


def test_a_page_of_a_run_by_itself(tmp_path: Path) -> None:
    sums(tmp_path)
    sluice(tmp_path, "run", "suite.yaml", "--out", "one")
    page = html(read(tmp_path / "one"))
    assert "No gate was asked." in page
    assert "What changed" not in page


def classified(folder: Path, labels: int) -> Report:
    """Half of the answers name the next label; all say how sure they are."""
    names = [f"l<{n}>" for n in range(labels)]
    rows = [{"id": f"q{n}", "input": f"{n}.", "expected": names[n % labels]} for n in range(4 * labels)]
    rules = [
        {
            "when": rf"^{n}\.",
            "say": json.dumps({"label": names[(n + (n >= 2 * labels)) % labels], "sure": 0.25 + n % 3 / 4}),
        }
        for n in range(4 * labels)
    ]
    scorer = {"kind": "label", "name": "topic", "labels": names, "field": "label", "probability": "sure"}
    suite = suite_of(folder, rows, scorers=[scorer], target={"kind": "scripted", "rules": rules})
    run_once(suite, folder)
    return read(folder / "run")


def test_labels_are_shown_with_what_was_taken_for_what(tmp_path: Path) -> None:
    page = html(classified(tmp_path, 2))
    assert "Accuracy 0.500" in page
    assert page.count('<td class="n right"') == 2
    assert page.count('class="chart square"') == 2, "the ROC curve, and how sure it was"
    assert "l&lt;1&gt; found" in page
    assert "l<1>" not in page


def test_of_many_labels_the_most_confused_are_shown(tmp_path: Path) -> None:
    page = html(classified(tmp_path, 30))
    assert 'class="confusion"' not in page
    assert page.count("<td>l&lt;") == 60
    assert page.count('class="chart square"') == 1, "there is no ROC curve of thirty labels"
