"""Evals, runs and output items as OpenAI's API shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from evals.graders.grade import Grade
from gateway.store.evals import DataRow, EvalRow, ItemRow, RunRow
from gateway.types import Json

TEXT = {"type": "string"}
SAMPLE_SCHEMA: Json = {
    "type": "object",
    "properties": {"output_text": TEXT, "output_json": {}, "model": TEXT, "finish_reason": TEXT},
    "required": ["output_text"],
}
USAGE = ("prompt_tokens", "completion_tokens", "cached_tokens", "total_tokens")
FAULTS = (
    "formula_parse_error", "invalid_variable_error", "model_grader_parse_error", "model_grader_refusal_error",
    "model_grader_server_error", "other_error", "python_grader_runtime_error", "python_grader_server_error",
    "sample_parse_error", "truncated_observation_error", "unresponsive_reward_error",
)  # fmt: skip
"""What can be wrong with a grader's run, as flags."""


def eval_object(row: EvalRow) -> Json:
    return {
        "object": "eval",
        "id": row.id,
        "created_at": int(row.created),
        "name": row.name,
        "data_source_config": _config(row.config),
        "testing_criteria": row.criteria,
        "metadata": row.metadata,
    }


def _config(config: Json) -> Json:
    custom = config["type"] == "custom"
    properties: Json = {"item": config["item_schema"] if custom else {"type": "object"}}
    if not custom or config.get("include_sample_schema"):
        properties["sample"] = SAMPLE_SCHEMA
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": config["type"], "schema": schema, **({} if custom else {"metadata": config.get("metadata") or {}})}


def run_object(row: RunRow, summary: Json, rows: Sequence[DataRow] = ()) -> Json:
    """`rows` are shown where they came with the request."""
    source = row.source
    if source["source"]["type"] == "file_content":
        content = [{"item": one.item, **({"sample": one.sample} if one.sample is not None else {})} for one in rows]
        source = {**source, "source": {"type": "file_content", "content": content}}
    return {
        "object": "eval.run",
        "id": row.id,
        "eval_id": row.eval,
        "created_at": int(row.created),
        "name": row.name,
        "model": source.get("model") or "",
        "status": row.status,
        "data_source": source,
        "error": row.error,
        "metadata": row.metadata,
        "report_url": f"/v1/evals/{row.eval}/runs/{row.id}/output_items",
        **summary,
    }


def summary_of(outcomes: Iterable[tuple[str, list[Json], list[Json]]], criteria: Sequence[Json]) -> Json:
    """Counts of a run: of its items by outcome, of each criterion, and of tokens by model."""
    counts: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    models: dict[str, Counter[str]] = {}
    for status, results, usage in outcomes:
        counts[status] += 1
        for result in results:
            (passed if result["passed"] else failed)[result["name"]] += 1
        for used in usage:
            of = models.setdefault(used["model"], Counter())
            of.update({name: used[name] for name in USAGE})
            of["invocation_count"] += 1
    return {
        "result_counts": {
            "total": counts.total(),
            "errored": counts["error"],
            "failed": counts["fail"],
            "passed": counts["pass"],
        },
        "per_testing_criteria_results": [
            {"testing_criteria": one["name"], "passed": passed[one["name"]], "failed": failed[one["name"]]}
            for one in criteria
        ],
        "per_model_usage": [
            {"model_name": name, **{field: of[field] for field in ("invocation_count", *USAGE)}}
            for name, of in sorted(models.items())
        ],
    }


def item_object(row: ItemRow, eval_id: str, data: DataRow) -> Json:
    return {
        "object": "eval.run.output_item",
        "id": row.id,
        "eval_id": eval_id,
        "run_id": row.run,
        "created_at": int(row.created),
        "datasource_item": data.item,
        "datasource_item_id": row.number,
        "status": row.status,
        "results": row.results,
        "sample": row.sample,
    }


def usage_of(reply: Json) -> Json:
    """The tokens of one reply, by its model."""
    usage = reply.get("usage") or {}
    asked, said = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    return {
        "model": str(reply.get("model") or ""),
        "prompt_tokens": asked,
        "completion_tokens": said,
        "cached_tokens": cached,
        "total_tokens": asked + said,
    }


def listed(data: list[Json], more: bool) -> Json:
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, **ends, "has_more": more}


def graded(name: str, kind: str, grade: Grade | None, faults: dict[str, str], seconds: float) -> Json:
    """What `/v1/fine_tuning/alpha/graders/run` answers. `faults` are flags that are up, with what to say of them."""
    used = [usage_of(reply) for reply in grade.replies] if grade is not None else []
    by_model: Counter[str] = Counter()
    for one in used:
        by_model[one["model"]] += one["total_tokens"]
    said = faults.get("model_grader_server_error")
    errors: Json = {
        **{fault: fault in faults for fault in FAULTS},
        "model_grader_server_error_details": said,
        "python_grader_runtime_error_details": None,
        "python_grader_server_error_type": None,
    }
    return {
        "reward": grade.score if grade is not None else 0.0,
        "sub_rewards": grade.parts if grade is not None else {},
        "model_grader_token_usage_per_model": dict(by_model),
        "metadata": {
            "name": name,
            "type": kind,
            "errors": errors,
            "execution_time": seconds,
            "scores": grade.parts if grade is not None else {},
            "sampled_model_name": used[0]["model"] if used else None,
            "token_usage": by_model.total() if used else None,
        },
    }
