"""The prompts of a gateway, as `sluice` finds them and saves them over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import Conflict, NotFound
from gateway.paths import folders, segment
from gateway.prompts.draft import PromptDraft
from gateway.prompts.published import read as read_version
from gateway.prompts.sync import Mark, text_digest
from gateway.types import Json

if TYPE_CHECKING:
    from gateway.client.synchronous.transport import Transport

PAGE = 1000
"""Prompts that are listed at once."""


@dataclass(frozen=True, slots=True)
class Version:
    mark: Mark
    draft: PromptDraft

    @classmethod
    def read(cls, body: Json) -> Version:
        found = read_version(body)
        draft = PromptDraft.of(found)
        return cls(Mark(found.number, found.digest, text_digest(draft)), draft)


class RemotePrompts:
    """Each version is fetched once."""

    def __init__(self, gateway: Transport) -> None:
        self._gateway = gateway
        self._versions: dict[tuple[str, int], Version] = {}

    def heads(self, only: str | None) -> Iterator[Json]:
        """Name, version and digest of each prompt, as `main` has it; of those that `only` is, or is a folder of."""
        if only is not None:
            yield from self._called(only)
        after = None
        while True:
            page = self._gateway.get("/admin/prompts", folder=only, after=after, limit=PAGE)["data"]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1]["name"]

    def version(self, name: str, number: int) -> Version:
        """Raises `NotFound`."""
        if (name, number) not in self._versions:
            body = self._gateway.get(f"/admin/prompts/{folders(name)}/versions/{number}")
            self._versions[name, number] = Version.read(body)
        return self._versions[name, number]

    def holds(self, name: str, mark: Mark) -> bool:
        """Whether it is this registry that the mark is of."""
        try:
            return self.version(name, mark.version).mark == mark
        except NotFound:
            return False

    def save(self, name: str, draft: PromptDraft, message: str, parent: int | None) -> Version:
        """On `main`, after `parent`. Raises `Conflict` where somebody else saved since."""
        return self._post(name, "", {**draft.as_json(), "message": message, "parent": parent})

    def merge(self, name: str, base: Mark, draft: PromptDraft, message: str) -> Version:
        """A version on a branch from `base`, merged into `main`, so that both stay in the registry. Raises `Conflict`
        where they clash. A branch that was left by a merge cut off is gone on with."""
        branch = f"sync-{base.version}-{text_digest(draft)[:12]}"
        try:
            self._gateway.post(f"/admin/prompts/{folders(name)}/branches", {"branch": branch, "from": base.version})
        except Conflict as error:
            if error.code != "branch_exists":
                raise
        self._post(name, "", {**draft.as_json(), "message": message, "branch": branch})
        return self._post(name, f"/branches/{segment(branch)}/merge", {"message": message})

    def _post(self, name: str, below: str, body: Json) -> Version:
        try:
            return Version.read(self._gateway.post(f"/admin/prompts/{folders(name)}{below}", body))
        except Conflict as error:
            raise Conflict("Somebody else saved it meanwhile: sync again.", code=error.code) from error

    def _called(self, name: str) -> Iterator[Json]:
        try:
            found = self._gateway.get(f"/admin/prompts/{folders(name)}/versions/latest")
        except NotFound:
            return
        if found["name"] == name:
            yield found
