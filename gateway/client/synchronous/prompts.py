# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.prompts`: prompts to use, and the registry to work on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.client.disk import Disk, Wanted
from gateway.client.prompt import Prompt
from gateway.client.results.prompts import (
    Branch,
    Comment,
    Comparison,
    FoundPrompt,
    LabelMove,
    Labels,
    PromptHistory,
    ProtectedLabel,
)
from gateway.client.results.reading import read, read_all
from gateway.client.synchronous.prompt_cache import PromptCache
from gateway.client.synchronous.transport import Transport
from gateway.paths import folders, segment
from gateway.types import Json

Reference = str | int
"""A version's number, or a label."""


class Saved(NamedTuple):
    """`new` is False where the prompt had a version of this content already."""

    prompt: Prompt
    new: bool


class Prompts:
    """`get` is for programs that use a prompt: any key that may use an endpoint with it may read it. The rest is the
    registry, and asks for a role."""

    def __init__(self, transport: Transport, disk: Disk | None, ttl: float) -> None:
        self._transport = transport
        self._cache = PromptCache(self._fetch, disk, ttl)

    def get(
        self,
        name: str,
        label: str = "production",
        *,
        version: int | None = None,
        fallback: Sequence[Json] | None = None,
    ) -> Prompt:
        """The version that a label points at, or the one of a number. Cached; see `PromptCache`. `fallback` are
        messages for a start while no gateway answers and nothing is known."""
        wanted = Wanted(name, label, None) if version is None else Wanted(name, None, version)
        return self._cache.get(wanted, Prompt.fallback(name, fallback) if fallback is not None else None)

    def _fetch(self, wanted: Wanted) -> Any:
        path = f"/v1/prompts/{folders(wanted.name)}"
        return self._transport.get(path, label=wanted.label, version=wanted.version)

    def search(
        self,
        query: str | None = None,
        *,
        folder: str | None = None,
        label: str | None = None,
        author: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[FoundPrompt, ...]:
        """Prompts by name. `after` goes on after the last name of a page."""
        body = self._transport.get(
            "/admin/prompts", query=query, folder=folder, label=label, author=author, after=after, limit=limit
        )
        return read_all(FoundPrompt, body)

    def history(self, name: str) -> PromptHistory:
        """Versions, branches and labels of a prompt."""
        return read(PromptHistory, self._transport.get(_at(name)))

    def version(self, name: str, version: Reference) -> Prompt:
        """One version as it is now, past the cache."""
        return Prompt.read(self._transport.get(f"{_at(name)}/versions/{segment(version)}"))

    def save(
        self, name: str, draft: Mapping[str, Any], message: str = "", *, branch: str = "main", parent: int | None = None
    ) -> Saved:
        """Save a version: `draft` holds messages, and variables, parameters, tools and response_format as far as there
        are any. With `parent`, the version it was made from, it is refused where somebody else has saved since."""
        body = self._transport.post(
            _at(name), {**draft, "message": message, "branch": branch, "parent": parent}, repeatable=True
        )
        return Saved(Prompt.read(body), body["new"])

    def compare(
        self,
        name: str,
        candidate: Reference | None = None,
        *,
        live: Reference | None = None,
        good: Reference | None = None,
        upstream: str | None = None,
    ) -> Comparison:
        """What a version, the newest where none is named, changes against what is live and what was last good; at the
        price of an upstream."""
        asked = {"candidate": candidate, "live": live, "good": good, "upstream": upstream}
        return read(Comparison, self._transport.get(f"{_at(name)}/diff", **asked))

    def render(self, name: str, version: Reference | None = None, /, **variables: Any) -> list[Json]:
        """The messages that the gateway itself makes of a version."""
        body = self._transport.post(
            f"{_at(name)}/render", {"version": version, "variables": variables}, repeatable=True
        )
        messages: list[Json] = body["messages"]
        return messages

    def fork(self, name: str, branch: str, start: Reference | None = None) -> Branch:
        """Begin a branch, at the version `main` is at or at another."""
        return read(Branch, self._transport.post(f"{_at(name)}/branches", {"branch": branch, "from": start}))

    def merge(self, name: str, branch: str, message: str = "", *, resolved: Mapping[str, Any] | None = None) -> Saved:
        """Bring a branch into `main`. Raises `Conflict` where both sides changed the same; `resolved` is what it is to
        be then."""
        path = f"{_at(name)}/branches/{segment(branch)}/merge"
        body = self._transport.post(path, {"message": message, "resolved": resolved})
        return Saved(Prompt.read(body), body["new"])

    def close_branch(self, name: str, branch: str) -> Branch:
        """End a branch without merging it. Its versions stay."""
        return read(Branch, self._transport.delete(f"{_at(name)}/branches/{segment(branch)}"))

    def labels(self, name: str) -> Labels:
        """The labels of a prompt, and all their moves."""
        return read(Labels, self._transport.get(f"{_at(name)}/labels"))

    def move_label(
        self, name: str, label: str, version: Reference, reason: str = "", *, evidence: Sequence[str] = ()
    ) -> LabelMove:
        """Point a label at a version."""
        body = {"version": version, "reason": reason, "evidence": list(evidence)}
        return read(LabelMove, self._transport.put(f"{_at(name)}/labels/{segment(label)}", body))

    def remove_label(self, name: str, label: str, reason: str = "") -> LabelMove:
        """Take a label away."""
        return read(LabelMove, self._transport.delete(f"{_at(name)}/labels/{segment(label)}", reason=reason))

    def comments(self, name: str) -> tuple[Comment, ...]:
        """Oldest first."""
        return read_all(Comment, self._transport.get(f"{_at(name)}/comments"))

    def comment(self, name: str, version: Reference, body: str) -> Comment:
        """Say something of a version."""
        said = {"version": version, "body": body}
        return read(Comment, self._transport.post(f"{_at(name)}/comments", said))

    def set_alias(self, alias: str, prompt: str) -> str:
        """Let an id that a prompt has elsewhere, as `pmpt_…`, name it too. Gives the name it stands for."""
        body = self._transport.put(f"/admin/prompt-aliases/{segment(alias)}", {"prompt": prompt})
        named: str = body["prompt"]
        return named

    def protected_labels(self) -> tuple[ProtectedLabel, ...]:
        """Those that only an approver moves, who did not write the version."""
        return read_all(ProtectedLabel, self._transport.get("/admin/protected-labels"))

    def protect_label(self, label: str) -> ProtectedLabel:
        """Of every prompt. For administrators."""
        return read(ProtectedLabel, self._transport.put(f"/admin/protected-labels/{segment(label)}"))

    def unprotect_label(self, label: str) -> None:
        """`production` stays protected."""
        self._transport.delete(f"/admin/protected-labels/{segment(label)}")

    def close(self) -> None:
        self._cache.close()


def _at(name: str) -> str:
    return f"/admin/prompts/{folders(name)}"
