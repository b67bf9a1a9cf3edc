"""How long each class of data is kept, as it is configured; `gateway.jobs.retention` does it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.durations import seconds


class RetentionSettings(BaseModel):
    """How long each class of data is kept, as `90d`; null keeps it for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: str | None = Field("90d", description="Records of calls. What was spent by day is kept for ever.")
    contents: str | None = Field("30d", description="What was said in them, where that is captured.")
    responses: str | None = Field("30d", description="Stored responses.")
    feedback: str | None = Field("90d", description="What was said of calls, corrections and comments included.")
    reviews: str | None = Field(None, description="What people decided on guards, with the examples they labelled.")
    deliveries: str | None = Field("30d", description="What was sent to webhooks.")

    @field_validator("calls", "contents", "responses", "feedback", "reviews", "deliveries")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        if value is not None:
            seconds(value)
        return value

    def ages(self) -> dict[str, int]:
        """Seconds by the name of the class, for those that are not kept for ever."""
        return {name: seconds(age) for name, age in self if age is not None}
