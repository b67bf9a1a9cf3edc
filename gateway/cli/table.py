"""How commands show rows: a table for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.types import Json

TIMES = frozenset(("at", "expires", "made"))
"""Fields that hold Unix times."""


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool, empty: str) -> None:
    """Print `rows`; `columns` are the keys shown to people, JSON has them all. `empty` says what to do when there are
    none."""
    if as_json:
        show_json(list(rows))
        return
    if not rows:
        typer.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    Console(width=10_000).print(table)  # whole lines, for grep, and so that an id can be copied from a narrow terminal


def plain(text: str) -> str:
    """What somebody wrote, as it is read: nothing in it steers the terminal, and lines stay lines."""
    return "".join(mark if mark.isprintable() or mark == "\n" else repr(mark)[1:-1] for mark in text)


def show_json(value: Any) -> None:
    """What the API said, unchanged."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def show_fields(found: Json, as_json: bool) -> None:
    """One thing: a line a field for people, what is in it as JSON; fields that are empty are left out."""
    if as_json:
        show_json(found)
        return
    rows = {name: value for name, value in found.items() if value not in (None, "", [], {})}
    for name, value in rows.items():
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        shown = when(value) if name in TIMES else text
        typer.echo(f"{name.replace('_', ' '):<{max(map(len, rows))}}  {plain(shown)}")


def show_list(data: Sequence[Json]) -> None:
    """Print them as the API lists them."""
    show_json({"object": "list", "data": data})


def when(at: float) -> str:
    """A Unix time, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "minutes")


def bar(share: float, width: int = 20) -> str:
    """A share from 0 to 1 as a bar; what is more than nothing is seen."""
    eighths = min(8 * width, max(round(share * 8 * width), 1 if share > 0 else 0))
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _cell(value: Any) -> Text:
    """What a client named is shown as it is: no markup is read from it, and nothing in it steers the terminal."""
    text = "" if value is None else str(value)
    return Text(text if text.isprintable() else repr(text)[1:-1])
