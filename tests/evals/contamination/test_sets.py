"""Files, prompts and samples as texts to hold against each other, and what people cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.contamination.check import check
from evals.contamination.cleared import read_cleared
from evals.contamination.sets import file, items_of, prompt
from evals.errors import BadInput
from evals.sample import Sample

ASKED = "I lost my card in Lisbon yesterday, what am I to do?"


def test_rows_give_all_their_texts_and_lines_themselves(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"messages": [{"role": "user", "content": "Hi"}], "n": 1}\nno json\n"x"\n')
    assert list(file(tmp_path / "t.jsonl")) == [
        ("t.jsonl:1", "user"),
        ("t.jsonl:1", "Hi"),
        ("t.jsonl:2", "no json\n"),
        ("t.jsonl:3", "x"),
    ]
    (tmp_path / "t.md").write_bytes(b"one\n\xff\xfe\x00two")
    assert [place for place, _ in file(tmp_path / "t.md")] == ["t.md:1", "t.md:2"]
    with pytest.raises(BadInput, match=r"absent\.txt: cannot be read"):
        list(file(tmp_path / "absent.txt"))


def test_examples_in_a_prompt_are_found_line_by_line() -> None:
    messages = [{"role": "system", "content": f"You are kind.\nCustomer: {ASKED}\nAgent: Freeze it in the app."}]
    samples = [Sample("lost", ({"role": "user", "content": ASKED},)), Sample("v", variables={"question": "What?"})]
    assert list(items_of(samples)) == [("lost", ASKED), ("v", "What?")]
    (one,) = (f for f in check(items_of(samples), {"prompt": prompt(messages)}).found if f.how == "exact")
    assert (one.item, one.place) == ("lost", "message 1, line 2")


@pytest.mark.parametrize("line", ["Q: {}", "- {}", "3. Customer: {}", '> "{}"', "“{}”", "  {}  "])
def test_marks_around_an_example_do_not_hide_it(line: str) -> None:
    asked = "Is my PIN wrong?"
    messages = [{"role": "system", "content": f"Examples:\n{line.format(asked)}\nA: No."}]
    assert [f.how for f in check([("pin", asked)], {"prompt": prompt(messages)}).found] == ["exact"]


def test_a_finding_is_cleared_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "cleared.yaml"
    path.write_text("cleared:\n- {finding: 0123456789abcdef, reason: a greeting, by: ada}\n")
    assert read_cleared(path) == {"0123456789abcdef": "a greeting"}
    for text, said in (
        ("cleared:\n- {finding: 0123456789abcdef}\n", "reason"),
        ("cleared:\n- {finding: xyz, reason: r}\n", "finding"),
        ("cleared:\n" + 2 * "- {finding: 0123456789abcdef, reason: r}\n", "cleared.yaml:3: cleared.1: .* twice"),
    ):
        path.write_text(text)
        with pytest.raises(BadInput, match=said):
            read_cleared(path)
