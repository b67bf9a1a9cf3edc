"""OpenAI's graders as they come over the wire, parsed. A `python` grader is known, and refused: it would run code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from evals.errors import BadInput
from evals.graders import formula, template

Text = Annotated[str, Field(max_length=100_000)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
METRICS = (
    "fuzzy_match", "bleu", "gleu", "meteor", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l",
)  # fmt: skip


class Spec(BaseModel):
    """A part of a grader. Fields that OpenAI adds later are refused until they mean something here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Spec):
    """`content` is a text, a part, or a list of them; texts may hold tags."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Any
    type: Literal["message"] = "message"

    @field_validator("content")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        for part in value if isinstance(value, list) else [value]:
            text = part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None
            if not isinstance(text, str):
                raise ValueError("only texts can be graded here: a string, or {type: input_text, text}")
            _tags(text)
        return value

    def filled(self, space: template.Space) -> dict[str, str]:
        """As a chat message."""
        parts = self.content if isinstance(self.content, list) else [self.content]
        texts = [part if isinstance(part, str) else part["text"] for part in parts]
        return {"role": self.role, "content": "".join(template.fill(text, space) for text in texts)}


class Named(Spec):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    pass_threshold: float | None = None


class Comparing(Named):
    input: Text
    reference: Text

    @field_validator("input", "reference")
    @classmethod
    def _tagged(cls, value: str) -> str:
        return _tags(value)


class StringCheck(Comparing):
    """`like` and `ilike` ask whether the reference stands in the input."""

    type: Literal["string_check"]
    operation: Literal["eq", "ne", "like", "ilike"]


class TextSimilarity(Comparing):
    type: Literal["text_similarity"]
    evaluation_metric: str

    @field_validator("evaluation_metric")
    @classmethod
    def _known(cls, value: str) -> str:
        if value == "cosine":
            raise ValueError("cosine needs an embedding model, which no grader can name: use another metric")
        if value not in METRICS:
            raise ValueError(f"there are {', '.join(METRICS)}")
        return value


class Sampling(Spec):
    max_completions_tokens: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: str | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None


class ModelGrader(Named):
    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: Annotated[tuple[Message, ...], Field(min_length=1, max_length=100)]
    sampling_params: Sampling | None = None


class ScoreModel(ModelGrader):
    type: Literal["score_model"]
    range: tuple[float, float] = (0.0, 1.0)

    @model_validator(mode="after")
    def _ordered(self) -> ScoreModel:
        if not self.range[0] < self.range[1]:
            raise ValueError("range: the least score comes first")
        return self


class LabelModel(ModelGrader):
    type: Literal["label_model"]
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=100)]
    passing_labels: tuple[Label, ...]

    @model_validator(mode="after")
    def _known(self) -> LabelModel:
        if unknown := set(self.passing_labels) - set(self.labels):
            raise ValueError(f"passing_labels: {min(unknown)!r} is not one of the labels")
        return self


Single = StringCheck | TextSimilarity | ScoreModel | LabelModel


class Multi(Named):
    """`calculate_output` is arithmetic on the scores of `graders`, by their names."""

    type: Literal["multi"]
    calculate_output: Annotated[str, Field(max_length=2000)]
    graders: Annotated[Mapping[str, Annotated[Single, Field(discriminator="type")]], Field(min_length=1, max_length=20)]

    @model_validator(mode="before")
    @classmethod
    def _single(cls, given: Any) -> Any:
        """OpenAI's SDK types `graders` as one grader, its documentation as graders by name."""
        one = given.get("graders") if isinstance(given, dict) else None
        if isinstance(one, dict) and isinstance(one.get("type"), str):
            return {**given, "graders": {str(one.get("name")): one}}
        return given

    @model_validator(mode="after")
    def _formula(self) -> Multi:
        try:
            formula.check(self.calculate_output, set(self.graders))
        except BadInput as error:
            raise ValueError(f"calculate_output: {error.message}") from error
        return self


Grader = StringCheck | TextSimilarity | ScoreModel | LabelModel | Multi
_ANY: TypeAdapter[Grader] = TypeAdapter(Annotated[Grader, Field(discriminator="type")])
NO_CODE = (
    "A python grader would run code in the gateway, which it does not. Use string_check, text_similarity, score_model, "
    "label_model or multi, or score with `sluice eval run` and a scorer in Python on a machine of yours"
)


class Ungradable(BadInput):
    """Of a grader: `message` is without its `place`, unlike elsewhere."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


def parse(given: Any) -> Grader:
    """Raises `Ungradable` with the place of the first fault."""
    inner = given.get("graders") if isinstance(given, dict) else None
    listed = list(inner.values()) if isinstance(inner, dict) else []
    if any(isinstance(one, dict) and one.get("type") == "python" for one in [given, *listed]):
        raise Ungradable(f"{NO_CODE}.")
    try:
        return _ANY.validate_python(given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        steps = [str(step) for step in fault["loc"] if step not in KINDS]
        said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
        raise Ungradable(f"{said}.", ".".join(steps)) from error


KINDS = ("string_check", "text_similarity", "score_model", "label_model", "multi")


def _tags(text: str) -> str:
    try:
        template.check(text)
    except BadInput as error:
        raise ValueError(error.message.removesuffix(".")) from error
    return text
