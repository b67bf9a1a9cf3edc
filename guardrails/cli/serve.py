"""`sluice guard serve`: the models of this machine, for many gateways."""

from __future__ import annotations

import logging
import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from guardrails.environment import TOKEN, token
from guardrails.errors import BadInput
from guardrails.models.local import LocalModels, shipped


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8090,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", "-m", help="A model to serve, as often as needed: NAME, or NAME@DIGEST of an own one."
        ),
    ] = None,
    own: Annotated[Path | None, typer.Option(help="The folder of own models.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Batches of one model run at once; without it, one for each core.", min=1)
    ] = None,
) -> None:
    """Serve the models that guards ask to many gateways, from one box; all that are shipped where none is named. With
    a token in SLUICE_GUARD_TOKEN nobody else is answered. It is needed to listen on an address that others reach."""
    from guardrails.server.app import Box
    from guardrails.server.listening import LOCAL, listen, run

    known, bearer = sorted(place.name for place in shipped().iterdir() if place.is_dir()), token()
    if host not in LOCAL and bearer is None:
        raise BadInput(f"on {host} anybody could have texts judged: set a token in {TOKEN}, or listen on 127.0.0.1.")
    names = models or known
    for name in names:
        if "@" not in name and name not in known:
            raise BadInput(f"there is no model {name[:80]!r}; there is {', '.join(known)}.")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    listening = listen(host, port)
    shown, bound = listening.getsockname()[:2]
    with closing(LocalModels(own, threads=threads or os.cpu_count() or 1)) as served:
        said = Console(stderr=True, highlight=False)
        said.print(f"serving {', '.join(names)}\nlistening on [bold]http://{shown}:{bound}[/]  (Ctrl+C stops)")
        run(Box(served, names, bearer).application(), listening)
