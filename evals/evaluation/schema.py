"""The JSON Schemas of an evaluation's files, the plan and the measurements, for editors."""

from __future__ import annotations

from pydantic import BaseModel

from evals.evaluation.measurements import MeasurementsFile
from evals.evaluation.plan import PlanFile
from evals.sample import Json
from evals.schema import DIALECT, explain, tidy


def plan() -> Json:
    return _of(PlanFile, "An evaluation plan")


def measurements() -> Json:
    return _of(MeasurementsFile, "What was measured elsewhere")


def _of(kind: type[BaseModel], title: str) -> Json:
    made: Json = kind.model_json_schema()
    held = made.pop("$defs", {})
    tidy(made, held)
    for part in (made, *held.values()):
        explain(part)
    return {"$schema": DIALECT, **made, "title": title, "$defs": held}
