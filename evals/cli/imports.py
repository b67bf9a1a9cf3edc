"""`sluice eval import`: a suite from what another tool keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evals.errors import BadInput
from evals.importers import inspect, inspect_log, inspect_run, lm_eval, lm_eval_samples, openai, openai_run, promptfoo
from evals.importers.base import Imported, written_by
from evals.suite import read

cli = typer.Typer(name="import", help="Make suites from what other tools keep.", no_args_is_help=True)
Source = Annotated[Path, typer.Argument(metavar="FILE", help="What the other tool keeps.")]
Folder = Annotated[Path, typer.Option("--out", "-o", help="Where suite.yaml, items.jsonl and import.md go.")]


@cli.command("openai")
def from_openai(file: Source, out: Folder) -> None:
    """OpenAI evals: the eval, its runs and output items as JSON or JSON Lines. Of output items, in the folder `run` the
    log of what was run."""
    with written_by("OpenAI", file):
        found = openai.read(file)
        _write(openai.convert(found, file), out)
        openai_run.keep(found, out)
    _check(out)


@cli.command("promptfoo")
def from_promptfoo(file: Source, out: Folder) -> None:
    """A promptfoo configuration in YAML."""
    with written_by("promptfoo", file):
        _write(promptfoo.convert(file), out)
    _check(out)


@cli.command("inspect")
def from_inspect(file: Source, out: Folder) -> None:
    """A log of Inspect, .json or .eval: a suite, and in the folder `run` the log of what was run."""
    with written_by("Inspect", file):
        log = inspect_log.read(file)
        _write(inspect.convert(log), out)
        inspect_run.keep(log, out / "run")
    _check(out)


@cli.command("lm-eval")
def from_lm_eval(file: Source, out: Folder) -> None:
    """A task of lm-eval, in YAML; or samples_*.jsonl that it logged: a suite, and in the folder `run` the log of what
    was run."""
    with written_by("lm-eval", file):
        if file.suffix != ".jsonl":
            _write(lm_eval.convert(file), out)
        else:
            samples = lm_eval_samples.read(file)
            _write(lm_eval.convert_samples(samples), out)
            lm_eval_samples.keep(samples, out / "run")
    _check(out)


def _write(made: Imported, out: Path) -> None:
    made.write(out)
    typer.echo(made.report)


def _check(out: Path) -> None:
    """All is written, and told. Raises `BadInput` where the suite still needs somebody's hand."""
    try:
        read(out / "suite.yaml")
    except BadInput as error:
        raise BadInput(f"What could be carried over is there, but is no suite yet. {error.message}") from error
