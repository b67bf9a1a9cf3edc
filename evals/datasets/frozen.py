"""A dataset written to a file, so that it stays what it was: of recorded calls, or of what may change elsewhere."""

from __future__ import annotations

from pathlib import Path

import msgspec

from evals.datasets.base import Dataset
from evals.errors import BadInput


def freeze(dataset: Dataset, path: Path) -> None:
    """As JSON Lines, that are a dataset of the same digest. Raises `BadInput` where there is a file already."""
    lines = [msgspec.json.encode(sample) + b"\n" for sample in dataset.samples]
    try:
        with path.open("xb") as file:
            file.writelines(lines)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
