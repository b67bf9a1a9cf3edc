"""What evals ask of a gateway besides answers: what is live, what its gate demands; and what they tell it, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

from evals import environment
from evals.errors import BadInput, EvalError, TargetFailed
from evals.sample import Json

TIMEOUT = 120.0
"""Seconds: evidence can be tens of megabytes."""


class NotThere(BadInput):
    """What was asked for by name."""


class Gateway:
    """Its admin API, as whoever the key in SLUICE_KEY belongs to. Raises `BadInput` for what it refuses, in its own
    words, and `TargetFailed` where it cannot be reached."""

    def __init__(self, url: str | None = None) -> None:
        key = environment.value(environment.KEY)
        if key is None:
            message = f"This asks a gateway, as somebody: set {environment.KEY} to a key of an evaluator."
            raise BadInput(message)
        self.url = environment.gateway_url(url)
        self._http = httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT, trust_env=False
        )

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def endpoint(self, name: str) -> Json:
        """`release` is what is live, `gate` what protects it, `rollout` what is tried; each may be None."""
        return self._json("GET", f"/admin/endpoints/{_segment(name)}")

    def prompt_of(self, release: str) -> list[Json]:
        """The messages of the prompt of a release; none where it has no prompt."""
        prompt = self._json("GET", f"/admin/releases/{_segment(release)}")["prompt"]
        return list(prompt["messages"]) if prompt is not None else []

    def runs_of(self, release: str, suite: str) -> int:
        """How many runs of a suite there is evidence of."""
        found = self._json("GET", "/admin/evidence", query={"release": release})["data"]
        return sum(one["suite"] == suite for one in found)

    def post_evidence(self, body: Any) -> Json:
        return self._json("POST", "/admin/evidence", body)

    def proof(self, endpoint: str, release: str, evidence: str) -> Json:
        """How a release stands at an endpoint's gate, worked out and signed by the gateway; that piece of evidence
        counted, though it may have ended its rollout by now."""
        path = f"/admin/endpoints/{_segment(endpoint)}/proof/{_segment(release)}"
        return self._json("GET", path, query={"evidence": evidence})

    def calls(self, query: Mapping[str, str | int]) -> Json:
        """A page of the records of calls, newest first; `next` is the `after` of the next page, or None."""
        return self._json("GET", "/admin/calls", query=query)

    def content(self, call: str) -> Json | None:
        """What was said in a call, where that was kept."""
        try:
            return self._json("GET", f"/admin/calls/{_segment(call)}/content")
        except NotThere:
            return None

    def _json(self, method: str, path: str, body: Any = None, query: Mapping[str, str | int] | None = None) -> Json:
        try:
            reply = self._http.request(method, path, json=body, params=query)
        except httpx.HTTPError as error:
            message = f"The gateway at {self.url} cannot be reached: {error}. Start one with `sluice serve`, or set"
            message += f" {environment.URL}."
            raise TargetFailed(message, retryable=True) from error
        if reply.status_code >= 400:
            raise _refusal(reply)
        found: Json = reply.json()
        return found


def _refusal(reply: httpx.Response) -> EvalError:
    try:
        said = reply.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = reply.text[:200]
    message = f"The gateway refused ({reply.status_code}): {said}"
    if reply.status_code == 404:
        return NotThere(message)
    return TargetFailed(message, status=reply.status_code) if reply.status_code >= 500 else BadInput(message)


def _segment(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
