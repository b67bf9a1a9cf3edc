"""`sluice guard train`: a model of one's own, by the recipe of a shipped one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from guardrails.errors import BadInput, Missing

if TYPE_CHECKING:
    from guardrails.training.own import Package

NEEDED = ("torch", "transformers", "tokenizers", "onnx", "onnxscript", "onnxruntime", "pyarrow")
"""Libraries without which training would fail, some of them at its end only."""


class What(StrEnum):
    PROMPTS = "prompts"
    GROUNDEDNESS = "groundedness"


USES = {
    What.PROMPTS: "{{guard: prompt_attack, model: {name}, threshold: {threshold:g}}}",
    What.GROUNDEDNESS: "{{guard: groundedness, ask_model: true, model: {name}}}",
}


def train(
    what: Annotated[What, typer.Argument(help="The recipe; prompts is of prompt_attack and moderation.")],
    data: Annotated[Path, typer.Option("--data", "-d", help="The folder of the Parquet files to train on.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of own models that the package goes to.")],
    minutes: Annotated[
        float | None, typer.Option(help="The most that it trains; without it, what the recipe says.", min=0.01)
    ] = None,
    passes: Annotated[
        int | None, typer.Option(help="How often it reads the data; without it, what the recipe says.", min=1)
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help="Reviewed examples to train prompts on as well, as JSON lines: text, label.")
    ] = None,
) -> None:
    """Train a model of your own on a CPU, pack it with its calibration and a manifest, and say how a policy asks it.
    It is gated and promoted with that policy, like anything else."""
    for library in NEEDED:
        if find_spec(library) is None:
            raise Missing.extra(library, "train")
    from guardrails.training import own

    if examples is not None and what is not What.PROMPTS:
        raise BadInput("--examples are of prompts.")
    for name in own.PROMPTS if what is What.PROMPTS else own.GROUNDEDNESS:
        if not (data / f"{name}.parquet").is_file():
            raise BadInput(f"there is no {name}.parquet in it.", file=str(data))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"no folder can be made here: {error.strerror}.", file=str(out)) from error
    asked = own.Asked(data, out, passes, minutes, examples)
    recipe = own.recipe_of(what.value, asked)
    with _bar(recipe.minutes):
        made = own.of_prompts(asked) if what is What.PROMPTS else own.of_groundedness(asked)
    _told(what, made)


@contextmanager
def _bar(minutes: float) -> Iterator[None]:
    """How much of the time is over in which it may train; measuring and packing come after that."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    over = threading.Event()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=minutes * 60)

        def tick() -> None:
            while not over.wait(1.0):
                bar.advance(task)
                if bar.finished:
                    bar.update(task, description="measuring and packing", total=None)
                    return

        ticking = threading.Thread(target=tick, daemon=True)
        ticking.start()
        try:
            yield
        finally:
            over.set()
            ticking.join()


def _told(what: What, made: Package) -> None:
    name, manifest = made.folder.name, made.manifest
    for group, figures in manifest.metrics.items():
        said = ", ".join(f"{measure} {value:g}" for measure, value in figures.items())
        typer.echo(f"{group}: {said}")
    typer.echo(f"the package: {made.folder}")
    threshold = manifest.thresholds.get("attack", 0.5)
    typer.echo(f"in a policy: {USES[what].format(name=name, threshold=threshold)}")
    typer.echo(f"for a gateway: SLUICE_GUARD_MODELS={made.folder.parent.resolve()}")
