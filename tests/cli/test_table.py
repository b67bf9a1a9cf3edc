"""Rows for people: what a client named is shown, and does nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.table import bar, show


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("[/bold]", "[/bold]"),
        ("[red]x[/blue]", "[red]x[/blue]"),
        ("\x1b[2Jx\x07", "\\x1b[2Jx\\x07"),
        ("a\nb", "a\\nb"),
        ("\u202eabc", "\\u202eabc"),
        ("日本 é", "日本 é"),
        (0, "0"),
        (None, ""),
    ],
)
def test_a_cell_is_text(capsys: pytest.CaptureFixture[str], named: object, shown: str) -> None:
    show([{"asked": named, "end": "|"}], ("asked", "end"), False, "nothing")
    _, row = capsys.readouterr().out.splitlines()
    assert row.split("|")[0].strip() == shown


def test_a_narrow_terminal_hides_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    row = {"asked": "support-bot", "id": "req_" + 24 * "0", "release": 64 * "f"}
    show([row], tuple(row), False, "nothing")
    shown = capsys.readouterr().out
    assert all(value in shown for value in row.values())


@given(share=st.floats(0, 1), width=st.integers(1, 40))
def test_a_bar_is_as_long_as_its_share(share: float, width: int) -> None:
    drawn = bar(share, width)
    assert abs(len(drawn) - share * width) < 1.1
    assert (drawn == "") == (share == 0)
    assert bar(1, width) == "█" * width
