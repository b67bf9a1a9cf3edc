"""A version of a prompt as JSON, whole: with what it includes, so that a client can render it by itself."""

from __future__ import annotations

from typing import Any

from gateway.types import Json, PromptVersion


def as_json(version: PromptVersion) -> Json:
    """`included` are the versions it is pinned to, directly or not, each once."""
    included: dict[tuple[str, int], PromptVersion] = {}
    waiting = list(version.partials.values())
    while waiting:
        partial = waiting.pop()
        if (partial.name, partial.number) not in included:
            included[partial.name, partial.number] = partial
            waiting += partial.partials.values()
    return {**_own(version), "included": [_own(included[key]) for key in sorted(included)]}


def read(body: Json) -> PromptVersion:
    """The version that `as_json` wrote. Raises `KeyError` for anything else."""
    included = {(one["name"], one["version"]): one for one in body["included"]}

    def version(of: Json) -> PromptVersion:
        return PromptVersion(
            name=of["name"],
            number=of["version"],
            digest=of["digest"],
            messages=tuple(of["messages"]),
            variables=of["variables"],
            parameters=of["parameters"],
            tools=tuple(of["tools"]),
            response_format=of["response_format"],
            partials={name: version(included[name, number]) for name, number in of["partials"].items()},
            branch=of["branch"],
            parent=of["parent"],
            merged=of["merged"],
            message=of["message"],
            author=of["author"],
            created=of["created"],
            aliases=tuple(of["aliases"]),
        )

    return version(body)


def _own(version: PromptVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.number,
        "digest": version.digest,
        "messages": list(version.messages),
        "variables": version.variables,
        "parameters": version.parameters,
        "tools": list(version.tools),
        "response_format": version.response_format,
        "partials": {name: partial.number for name, partial in version.partials.items()},
        "branch": version.branch,
        "parent": version.parent,
        "merged": version.merged,
        "message": version.message,
        "author": version.author,
        "created": version.created,
        "aliases": list(version.aliases),
    }
