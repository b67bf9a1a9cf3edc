from __future__ import annotations

import pytest

from evals.scorers.fenced import fenced


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("So:\n```json\n{}\n```\nand\n```\n[]\n```", "{}\n"),
        ("```\na\n\nb\n```", "a\n\nb\n"),
        ("  ```\r\n x\r\n  ```", " x\r\n"),
        ("```\n```", ""),
        ("```json\n{}", None),
        ("say ```x``` twice", None),
        ("```x``` twice\n```", None),
        ("", None),
    ],
)
def test_the_first_whole_block(text: str, block: str | None) -> None:
    assert fenced(text) == block


def test_fences_without_end_are_passed_over_in_one_go() -> None:
    """Taken pair by pair they would take minutes."""
    assert fenced("```json\n" * 200_000) is None
