"""Whether an answer is to the point: yes or no, as ARES has judges say it (Saad-Falcon et al. 2023, arXiv:2311.09476).

RAGAS has questions made from the answer, and compares their embeddings with the question's; a plain question needs
neither, and its errors can be counted and corrected. The words are ours."""

from __future__ import annotations

from msgspec.structs import replace

from evals.sample import Sample

RUBRIC = (
    "Does the answer address the question? Yes, where it takes up all that is asked, and little else. No, where it "
    "answers another question, evades, leaves a part out, or only says that it does not know. Whether it is true does "
    "not count here."
)


def rubric(more: str) -> str:
    """With what a judge's own says besides."""
    return f"{RUBRIC}\n\n{more}".strip()


def bare(sample: Sample) -> Sample:
    """Without what would draw attention to whether it is true."""
    return replace(sample, documents=(), expected=None)
