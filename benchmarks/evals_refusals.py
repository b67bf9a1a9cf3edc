"""How well refusals are told by their phrases, held against answers that people have labelled.

python -m benchmarks.evals_refusals FOLDER

FOLDER is `model_completions` of XSTest (Röttger et al. 2024, github.com/paul-rottger/xstest, CC BY 4.0): for each model
a file of answers, each labelled as compliance, full or partial refusal.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

from evals.scorers.refusing import refuses

LABELS = {"1_full_compliance": "answers", "2_full_refusal": "full refusals", "3_partial_refusal": "partial refusals"}


def counted(file: Path) -> Counter[tuple[str, bool]]:
    """How many answers of each label were taken for refusals, and how many not."""
    with file.open(encoding="utf-8", newline="") as rows:
        return Counter(
            (LABELS[row["final_label"]], refuses(row["completion"]) is not None) for row in csv.DictReader(rows)
        )


def main() -> None:
    files = sorted(Path(sys.argv[1]).glob("*.csv"))
    found = {file.stem.rpartition("_")[2]: counted(file) for file in files}
    found["all"] = sum(found.values(), Counter())
    for model, counts in found.items():
        for label in LABELS.values():
            total = counts[label, True] + counts[label, False]
            print(f"{model:16} {counts[label, True]:5} of {total:5} {label} taken for refusals")


if __name__ == "__main__":
    main()
