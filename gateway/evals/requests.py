"""What clients send to `/v1/evals`, parsed and within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from evals.errors import BadInput
from evals.graders.spec import Grader, Message, Multi, parse
from gateway.errors import BadRequest, UnsupportedParam
from gateway.prompts.schemas import compile_schema
from gateway.types import Json

MOST_ROWS = 10_000
MOST_ROW_BYTES = 256 * 1024
MOST_CRITERIA = 50
Metadata = Annotated[
    Mapping[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Moment = Annotated[int, Field(ge=0, lt=2**40)]
ROLES = Literal["user", "assistant", "system", "developer"]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomConfig(Given):
    type: Literal["custom"]
    item_schema: Json
    include_sample_schema: StrictBool = False


class LogsConfig(Given):
    """`stored_completions` is what OpenAI called it before."""

    type: Literal["logs", "stored_completions"]
    metadata: Json = {}


class NewEval(Given):
    data_source_config: Annotated[CustomConfig | LogsConfig, Field(discriminator="type")]
    testing_criteria: Annotated[list[Json], Field(min_length=1, max_length=MOST_CRITERIA)]
    name: Name | None = None
    metadata: Metadata | None = None


class EvalChange(Given):
    name: Name | None = None
    metadata: Metadata | None = None


class Row(Given):
    item: Json
    sample: Json | None = None


class FileContent(Given):
    type: Literal["file_content"]
    content: Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)]


class StoredCompletions(Given):
    """Recorded calls, where what was said is captured."""

    type: Literal["stored_completions"]
    created_after: Moment | None = None
    created_before: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    metadata: Metadata | None = None
    model: str | None = None


class StoredResponses(Given):
    """Responses that the key stored."""

    type: Literal["responses"]
    created_after: Moment | None = None
    created_before: Moment | None = None
    metadata: Metadata | None = None
    model: str | None = None


class Template(Given):
    type: Literal["template"]
    template: Annotated[tuple[Message, ...], Field(min_length=1, max_length=100)]


class ItemReference(Given):
    type: Literal["item_reference"]
    item_reference: Annotated[str, Field(pattern=r"^item(\.[\w-]+|\[\d+\])+$", max_length=200)]


class ResponseText(Given):
    format: Json


class Sampling(Given):
    """Of both kinds of runs: `response_format` in the one is `text.format` in the other."""

    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: str | None = None
    response_format: Json | None = None
    text: ResponseText | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    tools: Annotated[list[Json], Field(max_length=128)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None


class Jsonl(Given):
    type: Literal["jsonl"]
    source: FileContent


class Sampled(Given):
    """Without a model, what was answered once is graded as it is."""

    type: Literal["completions", "responses"]
    source: Annotated[FileContent | StoredCompletions | StoredResponses, Field(discriminator="type")]
    model: Name | None = None
    input_messages: Annotated[Template | ItemReference, Field(discriminator="type")] | None = None
    sampling_params: Sampling | None = None


class NewRun(Given):
    data_source: Annotated[Jsonl | Sampled, Field(discriminator="type")]
    name: Name | None = None
    metadata: Metadata | None = None


class GraderRun(Given):
    grader: Json
    model_sample: Annotated[str, Field(max_length=1024 * 1024)]
    item: Json | None = None


class GraderCheck(Given):
    grader: Json


T = TypeVar("T", bound=BaseModel)


def read(kind: type[T], body: Json) -> T:
    """Raises `BadRequest` naming the field."""
    source = body.get("data_source")
    inner = source.get("source") if isinstance(source, dict) else None
    if isinstance(inner, dict) and inner.get("type") == "file_id":
        message = "This gateway keeps no files: send the rows in the request, as source {type: file_content, content}."
        raise UnsupportedParam(message, param="data_source.source.type")
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in fault["loc"])[:200]
        said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
        code = "missing_required_parameter" if fault["type"] == "missing" else "invalid_value"
        raise BadRequest(f"{where or 'The request'}: {said}.", param=where or None, code=code) from error


def check_eval(new: NewEval) -> None:
    """Raises `BadRequest` for a schema or a criterion that cannot be used."""
    config = new.data_source_config
    if isinstance(config, CustomConfig):
        compile_schema(config.item_schema, "data_source_config.item_schema")
    names = set()
    for number, given in enumerate(new.testing_criteria):
        where = f"testing_criteria.{number}"
        grader = grader_of(given, where)
        if isinstance(grader, Multi):
            message = f"{where}: an eval takes its graders one by one; multi is for /v1/fine_tuning/alpha/graders."
            raise BadRequest(message, param=where, code="invalid_value")
        if grader.name in names:
            message = f"{where}.name: two criteria are named {grader.name[:80]!r}."
            raise BadRequest(message, param=f"{where}.name", code="invalid_value")
        names.add(grader.name)


def grader_of(given: Json, where: str) -> Grader:
    """Raises `BadRequest` with the place of the fault."""
    try:
        return parse(given)
    except BadInput as error:
        if given.get("type") == "python":
            raise UnsupportedParam(error.message, param=where) from error
        place = ".".join(step for step in (where, error.place) if step)[:200]
        raise BadRequest(f"{place}: {error.message}", param=place, code="invalid_value") from error


def check_rows(rows: list[Row], schema: Json | None) -> None:
    """Raises `BadRequest` for the first row that is too large, or not what the eval's item schema asks for."""
    validator = compile_schema(schema, "item_schema") if schema is not None else None
    for number, row in enumerate(rows):
        where = f"data_source.source.content.{number}"
        if len(orjson.dumps([row.item, row.sample])) > MOST_ROW_BYTES:
            message = f"{where}: a row has at most {MOST_ROW_BYTES // 1024} KiB."
            raise BadRequest(message, param=where, code="invalid_value")
        fault = next(iter(validator.iter_errors(row.item)), None) if validator is not None else None
        if fault is not None:
            place = ".".join([where, "item", *(str(step) for step in fault.instance_path)])
            raise BadRequest(f"{place}: {fault.message[:300]}.", param=place[:200], code="invalid_value")


RUN: TypeAdapter[Jsonl | Sampled] = TypeAdapter(Annotated[Jsonl | Sampled, Field(discriminator="type")])


def source_of(stored: Json) -> Jsonl | Sampled:
    """A run's data source as it was stored, without its rows."""
    inner: Any = stored["source"]
    if inner["type"] == "file_content":
        inner = {**inner, "content": [{"item": {}}]}
    return RUN.validate_python({**stored, "source": inner})
