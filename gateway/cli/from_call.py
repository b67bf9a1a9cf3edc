"""`sluice prompts from-call`: a prompt to be mended, from a call that it served badly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import yaml

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import plain, show_json
from gateway.errors import BadRequest
from gateway.paths import segment
from gateway.types import Json


class _Readable(yaml.SafeDumper):
    """Texts of several lines as they are read."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def from_call(
    request_id: Annotated[str, typer.Argument(metavar="CALL", help="The reply's x-request-id.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write. Default: shown.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write the prompt that served a call as a draft to edit, what the call gave it as examples of its variables, and
    what came of it as comments."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/calls/{segment(request_id)}/prompt")
    if as_json:
        show_json(found)
        return
    prompt = found["prompt"]
    if prompt is None:
        raise BadRequest(f"{request_id} was served without a prompt: there is none to mend.")
    draft = {"name": prompt["name"], **prompt["draft"], "variables": _with_examples(found)}
    body = yaml.dump(draft, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=100)
    text = "".join(f"# {line}".rstrip() + "\n" for line in _story(found)) + body
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{out} cannot be written: {error.strerror}.") from error
    typer.echo(f"Edit {out}, then: sluice prompts save {out} --parent {prompt['version']} -m WHY")


def _with_examples(found: Json) -> Json:
    """The schema of the variables; those that the call gave come first among the examples of each."""
    schema: Json = found["prompt"]["draft"].get("variables", {})
    given = found["variables"] or {}
    declared = schema.get("properties", {})
    shown = {
        name: {**spec, "examples": [given[name], *(one for one in spec.get("examples", ()) if one != given[name])]}
        for name, spec in declared.items()
        if name in given
    }
    return {**schema, "properties": {**declared, **shown}} if shown else schema


def _story(found: Json) -> Iterator[str]:
    """What came of the call, line by line."""
    prompt = found["prompt"]
    yield f"From {found['call']}, which {prompt['name']}@{prompt['version']} served."
    told = [("Sent", message["content"]) for message in (found["messages"] or ())[-1:]]
    told.append(("Answered", found["answer"]))
    for said in found["feedback"]:
        score = f" {said['metric']} {said['score']:g}" if said["score"] is not None else ""
        told.append((f"Said by {said['by']}{score}", said["comment"] or ""))
        told.append(("Should have been", said["correction"]))
    told += [("Not known", reason) for reason in found["missing"]]
    for title, text in told:
        if text is not None:
            yield f"{title}:"
            yield from (f"  {line}" for line in plain(text if isinstance(text, str) else str(text)).split("\n") if line)
