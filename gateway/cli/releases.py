"""`sluice releases`: what serves where."""

from __future__ import annotations

from gateway.cli.database import transaction
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show
from gateway.store import catalogue


def releases(config: Config = None, as_json: AsJson = False) -> None:
    """Show each endpoint's live release: prompt version, upstream, parameters, digest."""
    with transaction(config) as connection:
        held = catalogue.load(connection)
    rows = []
    for endpoint in held.endpoints:
        if endpoint.release is None:
            continue
        release = held.releases[endpoint.release]
        rows.append(
            {
                "endpoint": endpoint.name,
                "stage": "live",
                "prompt": f"{release.prompt.name}@{release.prompt.number}" if release.prompt is not None else None,
                "upstream": release.upstream,
                "parameters": release.parameters,
                "release": release.digest,
                "since": endpoint.updated,
            }
        )
    show(rows, ("endpoint", "stage", "prompt", "upstream", "release"), as_json, "No endpoint yet: sluice apply -f FILE")
