"""`sluice calls`: what happened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from gateway import configuration
from gateway.app import open_store
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show
from gateway.record import CallRecord
from gateway.store import calls as rows

COLUMNS = ("time", "surface", "asked", "upstream", "status", "error", "tokens", "cost_usd", "ms", "overhead_us", "id")


def calls(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    endpoint: Annotated[str | None, typer.Option(help="Only this endpoint.", show_default=False)] = None,
    key: Annotated[str | None, typer.Option(help="Only this key id.", show_default=False)] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only what was refused or failed.")] = False,
    request_id: Annotated[str | None, typer.Option("--id", help="Only this request id.", show_default=False)] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the records of recent calls, refused ones included."""
    wanted = rows.Filter(limit=limit, endpoint=endpoint, key_id=key, errors_only=errors, id=request_id)
    chosen = configuration.load(config)
    store = open_store(chosen)
    try:
        with store.begin() as connection:
            found = rows.recent(connection, wanted)
    finally:
        store.close()
    show([_shown(record) for record in found], COLUMNS, as_json, f"No such call in {chosen.data.absolute()}.")


def _shown(record: CallRecord) -> dict[str, Any]:
    when = datetime.fromtimestamp(record.started / 1e9, UTC)
    return {
        **msgspec.structs.asdict(record),
        "time": when.isoformat(" ", "seconds")[:19],
        "tokens": f"{record.input_tokens}+{record.output_tokens}{'~' if record.estimated else ''}",
        "cost_usd": f"{record.cost / 1e6:.6f}" if record.cost else "0",
        "ms": f"{record.total_us / 1000:.1f}",
        "overhead_us": record.total_us - record.upstream_us,
    }
