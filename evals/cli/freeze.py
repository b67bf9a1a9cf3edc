"""`sluice eval freeze`: the dataset of a suite, as it is now, in a file that stays so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evals.cli.options import SuiteFile
from evals.datasets.frozen import freeze as write
from evals.suite import read


def freeze(
    suite: SuiteFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file, which must not be there yet.")],
) -> None:
    """Write the dataset of a suite to a file of JSON Lines, with the same digest: recorded calls, say, that are to be
    read through and kept before they stand in a gate."""
    dataset = read(suite).dataset
    write(dataset, out)
    typer.echo(f"{len(dataset.samples)} samples, dataset {dataset.digest[:12]}, in {out}")
