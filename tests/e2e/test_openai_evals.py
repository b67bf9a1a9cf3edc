"""OpenAI's evals API by the official `openai` client, against a running gateway: evals, runs, items and graders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.running import Gateway, running_gateway
from tests.waiting import wait_until

TICKETS = [
    ("My monitor won't turn on!", "Hardware"),
    ("I'm in vim and I can't quit!", "Software"),
    ("Best restaurants in Cleveland?", "Other"),
]
RULES = [
    {"when": "polite", "say": '{"steps": ["It helps."], "result": "good"}'},
    {"when": "From 1 to 7", "say": '{"steps": [], "result": 5.5}'},
    {"when": "unreadable", "say": "no idea"},
    {"when": "monitor", "say": "Hardware"},
    {"when": "vim", "say": "Software"},
    {"when": "Cleveland", "say": "Hardware"},
    {"when": "slow", "say": "Software", "pause": 0.4},
    {"when": "broken", "status": 400, "say": "Oops."},
]
SCHEMA = {
    "type": "object",
    "properties": {"ticket_text": {"type": "string"}, "correct_label": {"type": "string"}},
    "required": ["ticket_text", "correct_label"],
}
MATCH = {
    "type": "string_check",
    "name": "Match output to human label",
    "input": "{{ sample.output_text }}",
    "operation": "eq",
    "reference": "{{ item.correct_label }}",
}
POLITE = {
    "type": "label_model",
    "name": "Polite",
    "model": "demo",
    "input": [
        {"role": "developer", "content": "Is the answer good or bad?"},
        {"role": "user", "content": "polite? {{ sample.output_text }}"},
    ],
    "labels": ["good", "bad"],
    "passing_labels": ["good"],
}
PROMPT = [
    {"role": "developer", "content": "Categorize the ticket into Hardware, Software or Other."},
    {"role": "user", "content": "{{ item.ticket_text }}"},
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    upstreams = {"demo": {"provider": "scripted", "rules": RULES}}
    manifest = "endpoints: {classifier: {upstream: demo}}"
    folder = tmp_path_factory.mktemp("evals")
    with running_gateway(folder, upstreams, manifest, content={"capture": "full"}) as started:
        yield started


@pytest.fixture(scope="module")
def client(judged: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=judged.api, api_key=judged.key, max_retries=0) as made:
        yield made


def an_eval(client: OpenAI, *criteria: Any, **more: Any) -> Any:
    config = {"type": "custom", "item_schema": SCHEMA, "include_sample_schema": True}
    return client.evals.create(
        name="IT Ticket Categorization",
        data_source_config=config,  # type: ignore[arg-type]
        testing_criteria=list(criteria or [MATCH]),
        **more,
    )


def a_run(client: OpenAI, eval_id: str, tickets: list[tuple[str, str]], model: str = "classifier") -> Any:
    content = [{"item": {"ticket_text": text, "correct_label": label}} for text, label in tickets]
    source = {
        "type": "completions",
        "model": model,
        "input_messages": {"type": "template", "template": PROMPT},
        "sampling_params": {"temperature": 0.5, "seed": 7},
        "source": {"type": "file_content", "content": content},
    }
    return client.evals.runs.create(eval_id, name="Categorization test", data_source=source)  # type: ignore[arg-type]


def ended(client: OpenAI, run: Any) -> Any:
    def status() -> str:
        return client.evals.runs.retrieve(run.id, eval_id=run.eval_id).status

    wait_until(lambda: status() not in ("queued", "in_progress"))
    return client.evals.runs.retrieve(run.id, eval_id=run.eval_id)


def test_tickets_are_classified_and_graded(client: OpenAI, judged: Gateway) -> None:
    made = an_eval(client, MATCH, POLITE, metadata={"team": "it"})
    assert made.object == "eval"
    assert made.data_source_config.type == "custom"
    assert made.data_source_config.schema_["properties"]["item"] == SCHEMA
    assert [type(one).__name__ for one in made.testing_criteria] == ["StringCheckGrader", "LabelModelGrader"]
    run = a_run(client, made.id, TICKETS)
    assert run.status == "queued"
    assert run.data_source.source.content[0].item["correct_label"] == "Hardware"
    run = ended(client, run)
    assert (run.status, run.model, run.error) == ("completed", "classifier", None)
    assert run.result_counts.to_dict() == {"total": 3, "errored": 0, "failed": 1, "passed": 2}
    told = {one.testing_criteria: (one.passed, one.failed) for one in run.per_testing_criteria_results}
    assert told == {"Match output to human label": (2, 1), "Polite": (3, 0)}
    used = {one.run_model_name: one for one in run.per_model_usage}
    assert sum(one.invocation_count for one in used.values()) == 6
    assert all(one.total_tokens == one.prompt_tokens + one.completion_tokens for one in used.values())
    items = list(client.evals.runs.output_items.list(run.id, eval_id=made.id))
    assert [item.status for item in items] == ["pass", "pass", "fail"]
    first = items[0]
    assert first.datasource_item["ticket_text"] == TICKETS[0][0]
    assert (first.sample.output[0].content, first.sample.finish_reason) == ("Hardware", "stop")
    assert (first.sample.temperature, first.sample.seed) == (0.5, 7)
    assert first.sample.input[1].content == TICKETS[0][0]
    assert [(one.name, one.passed, one.score) for one in first.results][1] == ("Polite", True, 1.0)
    again = client.evals.runs.output_items.retrieve(first.id, eval_id=made.id, run_id=run.id)
    assert again.to_dict() == first.to_dict()


def test_calls_of_a_run_are_recorded_as_its_keys(client: OpenAI, judged: Gateway) -> None:
    run = ended(client, a_run(client, an_eval(client).id, TICKETS))

    def calls() -> list[dict[str, Any]]:
        listed = httpx.get(f"{judged.url}/admin/calls", headers=judged.headers, params={"limit": 100}).json()["data"]
        return [call for call in listed if (call.get("client_request_id") or "").startswith(run.id)]

    wait_until(lambda: len(calls()) == 3)
    assert {call["endpoint"] for call in calls()} == {"classifier"}
    assert all(call["key_id"] and call["release"] for call in calls())


def test_lists_come_in_pages(client: OpenAI) -> None:
    made = [an_eval(client, metadata={"n": str(n)}) for n in range(3)]
    first = client.evals.list(limit=2, order="desc")
    assert [one.id for one in first.data] == [made[2].id, made[1].id]
    assert first.has_next_page()
    assert first.get_next_page().data[0].id == made[0].id
    with pytest.raises(openai.BadRequestError, match="eval_none"):
        client.evals.list(after="eval_none")
    runs = [a_run(client, made[0].id, TICKETS[:1]) for _ in range(3)]
    assert [run.id for run in client.evals.runs.list(made[0].id, limit=2)] == [run.id for run in runs]
    ended(client, runs[2])
    done = ended(client, runs[0])
    assert done.id in [run.id for run in client.evals.runs.list(made[0].id, status="completed")]
    assert client.evals.runs.list(made[0].id, status="failed").data == []


def test_an_eval_is_renamed_and_deleted_with_its_runs(client: OpenAI) -> None:
    made = an_eval(client)
    run = ended(client, a_run(client, made.id, TICKETS))
    changed = client.evals.update(made.id, name="Renamed", metadata={"a": "b"})
    assert (changed.name, changed.metadata) == ("Renamed", {"a": "b"})
    failing = client.evals.runs.output_items.list(run.id, eval_id=made.id, status="fail")
    assert [item.datasource_item_id for item in failing] == [2]
    other = ended(client, a_run(client, made.id, TICKETS[:1]))
    assert client.evals.runs.delete(other.id, eval_id=made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.evals.runs.retrieve(other.id, eval_id=made.id)
    assert client.evals.delete(made.id).deleted
    for gone in (lambda: client.evals.retrieve(made.id), lambda: client.evals.runs.retrieve(run.id, eval_id=made.id)):
        with pytest.raises(openai.NotFoundError):
            gone()


def test_a_run_is_cancelled(client: OpenAI) -> None:
    run = a_run(client, an_eval(client).id, [("slow", "Software")] * 200)
    wait_until(lambda: client.evals.runs.retrieve(run.id, eval_id=run.eval_id).result_counts.total > 0)
    stopped = client.evals.runs.cancel(run.id, eval_id=run.eval_id)
    assert stopped.status == "canceled"
    assert 0 < stopped.result_counts.total < 200
    time.sleep(1)
    later = client.evals.runs.retrieve(run.id, eval_id=run.eval_id)
    assert later.result_counts.to_dict() == stopped.result_counts.to_dict()


def test_what_fails_is_an_errored_item(client: OpenAI) -> None:
    tickets = [("broken", "Other"), *TICKETS[:1]]
    run = ended(client, a_run(client, an_eval(client).id, tickets))
    assert (run.result_counts.errored, run.result_counts.passed) == (1, 1)
    item = client.evals.runs.output_items.list(run.id, eval_id=run.eval_id).data[0]
    assert (item.status, item.sample.error.code) == ("error", "sample_failed")
    run = ended(client, a_run(client, an_eval(client).id, TICKETS, model="nobody"))
    assert run.result_counts.errored == 3


def test_rows_with_samples_are_graded_as_they_are(client: OpenAI) -> None:
    close = {
        "type": "text_similarity",
        "name": "close",
        "input": "{{sample.output_text}}",
        "reference": "{{item.correct_label}}",
        "evaluation_metric": "fuzzy_match",
        "pass_threshold": 0.8,
    }
    made = an_eval(client, close)
    item = {"ticket_text": "x", "correct_label": "Hardware"}
    content = [{"item": item, "sample": {"output_text": said}} for said in ("Hardwares", "Other")]
    run = client.evals.runs.create(
        made.id,
        data_source={"type": "jsonl", "source": {"type": "file_content", "content": content}},  # type: ignore[typeddict-item]
    )
    run = ended(client, run)
    assert (run.result_counts.passed, run.result_counts.failed, run.per_model_usage) == (1, 1, [])


def test_stored_completions_and_responses_are_rows(client: OpenAI) -> None:
    config: Any = {"type": "logs", "metadata": {"usecase": "tickets"}}
    criterion = {**MATCH, "operation": "like", "reference": "Hard"}
    made = client.evals.create(name="logs", data_source_config=config, testing_criteria=[criterion])  # type: ignore[list-item]
    assert made.data_source_config.metadata == {"usecase": "tickets"}
    for text, _ in TICKETS:
        asked: Any = [{"role": "user", "content": text}]
        client.chat.completions.create(model="classifier", messages=asked, metadata={"usecase": "tickets"})
    client.responses.create(model="classifier", input=TICKETS[0][0], store=True)
    stored: Any = {"type": "stored_completions", "metadata": {"usecase": "tickets"}}

    def graded(source: Any) -> Any:
        return ended(client, client.evals.runs.create(made.id, data_source=source))

    def there() -> bool:
        try:
            return bool(graded({"type": "completions", "source": stored}).result_counts.total == 3)
        except openai.BadRequestError as error:
            return error.code != "no_rows"

    wait_until(there)
    again = graded(
        {
            "type": "completions",
            "model": "demo",
            "source": stored,
            "input_messages": {"type": "item_reference", "item_reference": "item.input"},
        }
    )
    assert (again.result_counts.passed, again.result_counts.failed) == (2, 1)
    answered = graded({"type": "responses", "source": {"type": "responses", "model": None}})
    assert (answered.result_counts.total, answered.result_counts.passed) == (1, 1)


def test_what_cannot_be_is_refused_by_name(client: OpenAI) -> None:
    made = an_eval(client)
    source: Any = {"type": "jsonl", "source": {"type": "file_id", "id": "file-1"}}
    with pytest.raises(openai.BadRequestError, match="file_content"):
        client.evals.runs.create(made.id, data_source=source)
    source = {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {"ticket_text": "x"}}]}}
    with pytest.raises(openai.BadRequestError, match="correct_label") as refused:
        client.evals.runs.create(made.id, data_source=source)
    assert refused.value.param == "data_source.source.content.0.item"
    with pytest.raises(openai.BadRequestError, match="python") as refused:
        an_eval(client, {"type": "python", "name": "p", "source": "def grade(sample, item): return 1"})
    assert refused.value.code == "unsupported_parameter"
    with pytest.raises(openai.BadRequestError, match="no path"):
        an_eval(client, {**MATCH, "input": "{{ item.__class__() }}"})
    with pytest.raises(openai.BadRequestError, match="two criteria"):
        an_eval(client, MATCH, MATCH)
    with pytest.raises(openai.BadRequestError, match="metadata"):
        an_eval(client, metadata={f"k{n}": "v" for n in range(17)})


def test_graders_are_validated_and_run(client: OpenAI) -> None:
    graders = client.fine_tuning.alpha.graders
    checked: Any = graders.validate(grader=MATCH)  # type: ignore[arg-type]
    assert checked.grader.operation == "eq"
    score: Any = {
        "type": "score_model",
        "name": "score",
        "model": "demo",
        "range": [1, 7],
        "input": [{"role": "user", "content": "From 1 to 7, how good is {{sample.output_text}}?"}],
    }
    found = graders.run(grader=score, model_sample="Paris", item={})
    assert found.reward == 5.5
    assert not any(value for value in found.metadata.errors.to_dict().values())
    assert found.metadata.token_usage
    exact: Any = {**MATCH, "name": "exact", "input": "{{sample.output_json.city}}", "reference": "{{item.city}}"}
    multi: Any = {
        "type": "multi",
        "name": "both",
        "graders": {"exact": exact, "score": score},
        "calculate_output": "0.5 * exact + 0.5 * score / 7",
    }
    found = graders.run(grader=multi, model_sample='{"city": "Paris"}', item={"city": "Paris"})
    assert found.reward == pytest.approx(0.5 + 0.5 * 5.5 / 7)
    assert found.sub_rewards == {"exact": 1.0, "score": 5.5}
    wrong = graders.run(grader=exact, model_sample="no JSON", item={"city": "Paris"})
    assert wrong.metadata.errors.invalid_variable_error
    unread: Any = {**score, "input": [{"role": "user", "content": "unreadable"}]}
    assert graders.run(grader=unread, model_sample="x", item={}).metadata.errors.api_model_grader_parse_error
