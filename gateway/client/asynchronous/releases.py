"""`client.releases`: immutable bundles of what serves, and manifests that declare it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.results.reading import read, read_all
from gateway.client.results.releases import AppliedChange, Release
from gateway.paths import segment


class AsyncReleases:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def make(self, *, upstream: str, prompt: str | None = None, **parts: Any) -> Release:
        """A release of its parts: beside the upstream and the prompt (as `greeter@3`) parameters, tools,
        response_format and policy. The same parts are the same release; it serves nowhere yet."""
        body = {"upstream": upstream, "prompt": prompt, **parts}
        return read(Release, await self._transport.post("/admin/releases", body, repeatable=True))

    async def get(self, digest: str) -> Release:
        """By the digest that calls carry in `x-sluice-release`."""
        return read(Release, await self._transport.get(f"/admin/releases/{segment(digest)}"))

    async def apply(self, manifest: Mapping[str, Any]) -> tuple[AppliedChange, ...]:
        """Bring prompts and endpoints into force as `sluice apply` does, whole or not at all."""
        return read_all(AppliedChange, await self._transport.post("/admin/apply", manifest, repeatable=True))
