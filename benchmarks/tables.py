"""Tables of simulations, row by row: what was computed is kept in a file and not computed again, a bar shows how far it
is. Each row draws from a seed of its own, by its name, so that it comes out the same whatever else is computed."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

SEED = 20261125


@dataclass(frozen=True)
class Row:
    """The cells after the first, which has the name."""

    name: str
    compute: Callable[[np.random.Generator], Sequence[str]]


@dataclass(frozen=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[Row, ...]


def show(tables: Iterable[Table], settings: str, keep: Path | None) -> None:
    """Print the tables as Markdown. Rows under the same settings that `keep` has are taken from there."""
    kept: dict[str, list[str]] = json.loads(keep.read_text()) if keep is not None and keep.exists() else {}
    tables = list(tables)
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("rows", total=sum(len(table.rows) for table in tables))
        for table in tables:
            print(f"\n| {' | '.join(table.head)} |\n|{'---|' * len(table.head)}")
            for row in table.rows:
                name = f"{settings}: {table.head}: {row.name}"
                if name not in kept:
                    kept[name] = list(row.compute(np.random.default_rng([SEED, zlib.crc32(name.encode())])))
                    if keep is not None:
                        fresh = keep.with_suffix(".new")
                        fresh.write_text(json.dumps(kept))
                        os.replace(fresh, keep)
                print(f"| {' | '.join([row.name, *kept[name]])} |", flush=True)
                progress.advance(bar)
