"""All that a report shows of a run: both arms, what changed, and the verdict. Every form is made of this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson

from evals.comparison import Comparison, compare
from evals.errors import BadInput
from evals.runs.log import Header, read_header, read_results, read_samples
from evals.sample import Json
from evals.summaries import Summary, summarise


class Report(msgspec.Struct, frozen=True):
    """`gate` is what `gate.json` holds, where a gate was asked; `comparison` is with the baseline, where there was
    one."""

    candidate: Header
    summary: Summary
    baseline: Header | None
    comparison: Comparison | None
    gate: Json | None
    seconds: tuple[float, ...] = ()
    """That the candidate's answers took, those of no cache."""


def read(run: Path) -> Report:
    """Of the folder of a run, or of one log. Raises `BadInput` where there is none."""
    candidate = run / "candidate" if (run / "candidate").is_dir() else run
    header = read_header(candidate)
    baseline = run / "baseline"
    has_baseline = (baseline / "run.json").is_file()
    return Report(
        candidate=header,
        summary=summarise(header, read_samples(candidate), read_results(candidate)),
        baseline=read_header(baseline) if has_baseline else None,
        comparison=compare(baseline, candidate) if has_baseline else None,
        gate=_gate(run / "gate.json"),
        seconds=tuple(
            found.output.seconds
            for found in read_results(candidate)
            if found.output is not None and not found.output.reused
        ),
    )


def _gate(path: Path) -> Json | None:
    try:
        found: Any = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"is not JSON: {error}.", file=str(path)) from error
    if not isinstance(found, dict) or not isinstance(found.get("requires"), list):
        raise BadInput("is not what a gate came to.", file=str(path))
    return found
