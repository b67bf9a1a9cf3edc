"""Classifiers of others: any sequence classifier in the format of transformers, from this disk."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from guardrails.errors import NotRun
from guardrails.guard import Guard, Models, Window, labelled
from guardrails.models.transformers_classifier import Checkpoint, Wanted
from guardrails.passage import STAGES, Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


class Classifier(Guard):
    """Prompt Guard 2, PIGuard, toxic-bert and their like. A text is read in windows, and the score is that of the
    worst: the probability that any of `labels` holds. How well that is calibrated is up to the model; set the threshold
    on texts of your own. Spans are the windows at or above it."""

    guard: Literal["classifier"] = "classifier"
    about: ClassVar[str] = "Whatever a Hugging Face sequence classifier on this disk was trained to tell"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    model: str = Field(min_length=1, max_length=1000, description="A folder, as /models/x; or a name on the hub.")
    revision: str | None = Field(None, pattern=r"^[0-9a-f]{40}$", description="The commit, for a name on the hub.")
    labels: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        min_length=1, max_length=100, description="The model's labels that count."
    )
    window: int = Field(512, ge=16, le=8192, description="Tokens read at once; fewer where the model reads no more.")
    overlap: int = Field(64, ge=1, le=4096, description="Tokens of a window that the next one reads again.")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d{1,2})?)$", description="auto, cpu, cuda or mps.")

    @model_validator(mode="after")
    def _found(self) -> Self:
        if self.model.startswith(("/", "./")):
            if self.revision is not None:
                raise ValueError("a folder has no `revision`")
        elif not ON_THE_HUB.fullmatch(self.model):
            raise ValueError("`model` is a folder, as /models/x or ./x, or a name on the hub, as owner/name")
        elif self.revision is None:
            raise ValueError("pin what is on the hub: write `revision: COMMIT`, all 40 digits")
        return self

    @property
    def wanted(self) -> Wanted:
        return Wanted(Checkpoint(self.model, self.revision, self.window, self.overlap, self.device), tuple(self.labels))

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", "idle")
        (windows,) = await models.score(self.wanted.name, [(passage.text,)])
        return self.found(windows)

    def found(self, windows: tuple[Window, ...]) -> Finding:
        """Of windows whose scores are that of any label, and then that of each."""
        worst = labelled(
            {label: max(window.scores[at] for window in windows) for at, label in enumerate(self.labels, 1)}
        )
        spans = tuple(
            Span(window.start, window.end, self.called, window.scores[0])
            for window in windows
            if window.scores[0] >= self.threshold
        )
        reason = f"{worst[0][0]} is the likeliest of its labels" if spans else ""
        return Finding(max(window.scores[0] for window in windows), spans, reason, worst)
