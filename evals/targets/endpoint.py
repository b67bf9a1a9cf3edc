"""An endpoint of a Sluicegate gateway, or one release of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from evals import environment
from evals.errors import TargetFailed
from evals.sample import Output, Sample
from evals.targets.base import Asking, Target, TargetSpec
from evals.targets.chat import Chat


class EndpointSpec(TargetSpec):
    """`release` is the digest of the live release or of a rollout's candidate, which takes a key of an evaluator;
    without it answers whatever serves. The gateway is at `url`, or at SLUICE_URL; the key is in SLUICE_KEY.
    `parameters` go into each request, where the release leaves them to its clients; `seeded` sends a seed with each,
    which some upstreams refuse."""

    about: ClassVar[str] = "an endpoint of a gateway, or one release of it"
    kind: Literal["endpoint"] = "endpoint"
    name: str = Field(min_length=1, max_length=200)
    release: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    url: str | None = Field(None, pattern=r"^https?://")
    parameters: Mapping[str, Any] = {}
    seeded: bool = True

    @property
    def identity(self) -> Mapping[str, Any]:
        """Content-addressed, where the release is named: then it does not matter where the gateway is."""
        named = self.model_dump(mode="json", include={"kind", "name", "release", "parameters", "seeded"})
        return named if self.release is not None else {**named, "url": self._url}

    def open(self, folder: Path) -> Target:
        model = self.name if self.release is None else f"{self.name}@{self.release}"
        chat = Chat(
            f"{self._url}/v1", environment.key(environment.KEY), {"model": model, **self.parameters}, self.seeded
        )
        return chat if self.release is None else Pinned(chat, self.release)

    @property
    def _url(self) -> str:
        return environment.gateway_url(self.url)


class Pinned:
    """Takes answers of one release alone."""

    def __init__(self, chat: Chat, release: str) -> None:
        self._chat, self._release = chat, release

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        output = await self._chat.ask(sample, asking)
        if output.release != self._release:
            message = f"The release {output.release and output.release[:12]} answered, not {self._release[:12]}."
            raise TargetFailed(message)
        return output

    async def close(self) -> None:
        await self._chat.close()
