"""Options of `sluice eval run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from evals.cli.naming import HOW

SuiteFile = Annotated[Path, typer.Argument(help="A suite in YAML; `sluice eval check` shows what it comes to.")]
Target = Annotated[
    str | None, typer.Option("--target", "-t", help=f"What is asked: {HOW}. Default: the suite's.", show_default=False)
]
Release = Annotated[
    str | None,
    typer.Option(help="The digest of the release that is to be proven, of the target's endpoint.", show_default=False),
]
Against = Annotated[
    str | None,
    typer.Option(help="What it is compared with, named as a target. With --release: what is live.", show_default=False),
]
Gated = Annotated[
    bool, typer.Option("--gate", help="Post the results as evidence, and end with the verdict of the endpoint's gate.")
]
ByFile = Annotated[
    Path | None, typer.Option("--gate-file", help="Judge by this gate.yaml, and tell nobody.", show_default=False)
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="The folder of the run; one that is there already is gone on with. Default: .sluice/runs/SUITE-TIME.",
        show_default=False,
    ),
]
Answers = Annotated[
    Path | None,
    typer.Option(
        help="Where answers are kept, so that none is paid for twice. Default: .sluice/answers.db.", show_default=False
    ),
]
Budget = Annotated[str | None, typer.Option(help="What it may cost at most, as 5usd.", show_default=False)]
Concurrency = Annotated[int | None, typer.Option(help="So many asks at once.", show_default=False)]
Executor = Annotated[Literal["local", "ray"], typer.Option(help="Where samples are asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
