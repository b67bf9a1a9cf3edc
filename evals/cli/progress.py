"""The progress of a run, as people see it: what is done, how long it will take, what it has cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evals.runs.runner import Progress as Told


@contextmanager
def shown(quiet: bool) -> Iterator[Told | None]:
    """On stderr, where that is a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[spent]}"),
        TextColumn("[red]{task.fields[failed]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("asking", total=None, spent="", failed="")

        def tell(done: int, total: int, failed: int, spent: int) -> None:
            money = f"{spent / 1e6:.4f} USD" if spent else ""
            bar.update(task, completed=done, total=total, spent=money, failed=f"{failed} failed" if failed else "")

        yield tell
