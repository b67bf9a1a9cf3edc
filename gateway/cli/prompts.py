"""`sluice prompts`: write prompts, look at what there is, fork, compare and merge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway.cli.files import mapping
from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import plain, show, show_json, when
from gateway.errors import BadRequest
from gateway.paths import folders, segment
from gateway.types import Json

cli = typer.Typer(
    help="Write prompts, compare their versions, and say which is in production.",
    no_args_is_help=True,
    epilog="""\b
In order:  sluice prompts save FILE -m WHY       a new version, live nowhere
           sluice prompts diff NAME              against the one in production
           sluice rollouts propose ENDPOINT --prompt NAME@N
           sluice prompts label NAME production N -r WHY
""",
)

A_PROMPT = "a prompt is one mapping, with messages"
Name = Annotated[str, typer.Argument(metavar="NAME", help="The prompt, with its folders: support/greeting.")]
Reference = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="VERSION is a number, a label, a branch, or latest.")
]
File = Annotated[Path, typer.Argument(help="YAML or JSON: messages, variables, parameters, ...; - reads it.")]
Message = Annotated[str, typer.Option("--message", "-m", help="What changed, for those who look later.")]


@cli.command("list")
def list_prompts(
    folder: Annotated[str | None, typer.Option(help="Only in this folder.", show_default=False)] = None,
    label: Annotated[str | None, typer.Option(help="Only with this label.", show_default=False)] = None,
    author: Annotated[str | None, typer.Option(help="Only with a version of theirs.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1000)] = 50,
    after: Annotated[str | None, typer.Option(help="Go on after this prompt.", show_default=False)] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the prompts there are, by name."""
    with connect(url) as gateway:
        asked = {"folder": folder, "label": label, "author": author, "limit": limit, "after": after}
        _show_found(gateway.get("/admin/prompts", **asked), as_json, "No prompts yet: sluice prompts save FILE")


@cli.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Looked for in names and messages.")],
    folder: Annotated[str | None, typer.Option(help="Only in this folder.", show_default=False)] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Find prompts by what is in their names or their newest messages."""
    with connect(url) as gateway:
        found = gateway.get("/admin/prompts", query=text, folder=folder, limit=1000)
        _show_found(found, as_json, "Nothing found.")


@cli.command("show")
def show_prompt(prompt: Reference, url: Url = None, as_json: AsJson = False) -> None:
    """Show a prompt's versions, or, with @VERSION, what one of them says."""
    name, at, version = prompt.partition("@")
    with connect(url) as gateway:
        found = gateway.get(f"/admin/prompts/{folders(name)}{f'/versions/{segment(version)}' if at else ''}")
    if as_json:
        show_json(found)
    elif at:
        _tell_version(found)
    else:
        _tell_prompt(found)


@cli.command("save")
def save(
    file: File,
    message: Message = "",
    name: Annotated[
        str | None, typer.Option(help="The prompt, where the file has no `name`.", show_default=False)
    ] = None,
    branch: Annotated[str, typer.Option(help="The branch it goes to.")] = "main",
    parent: Annotated[
        int | None,
        typer.Option(help="The version you began with: refused if it is not the newest.", show_default=False),
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Save a version of a prompt. What it says already makes none, and no label moves."""
    draft = mapping(file, A_PROMPT)
    called = draft.pop("name", None)
    chosen = name or called
    if not isinstance(chosen, str) or not chosen:
        raise BadRequest(f"{file} does not say which prompt it is: give it a `name`, or say --name.")
    with connect(url) as gateway:
        body = {**draft, "message": message, "branch": branch, "parent": parent}
        saved = gateway.post(f"/admin/prompts/{folders(chosen)}", body)
    _tell_saved(saved, as_json)


@cli.command("diff")
def diff(
    name: Name,
    candidate: Annotated[str, typer.Option(help="A number, a label or a branch.")] = "latest",
    live: Annotated[
        str | None, typer.Option(help="Default: the version labelled production.", show_default=False)
    ] = None,
    good: Annotated[str | None, typer.Option(help="And a version that was good.", show_default=False)] = None,
    upstream: Annotated[str | None, typer.Option(help="At whose price.", show_default=False)] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what a version changes, in words, tokens and cost: against what is live, and what was good."""
    with connect(url) as gateway:
        asked = {"candidate": candidate, "live": live, "good": good, "upstream": upstream}
        found = gateway.get(f"/admin/prompts/{folders(name)}/diff", **asked)
    if as_json:
        show_json(found)
        return
    for role in ("live", "good"):
        if found[f"against_{role}"] is not None:
            _tell_difference(name, role, found[f"against_{role}"])
    if found["against_live"] is None and found["against_good"] is None:
        typer.echo(f"Nothing of {name} is labelled production. Name a version: --live N")


@cli.command("fork")
def fork(
    name: Name,
    branch: Annotated[str, typer.Argument(help="What to call it.")],
    start: Annotated[
        str | None, typer.Option("--from", help="A number or a label. Default: the newest.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Fork a branch, to try a rewrite beside what others write."""
    with connect(url) as gateway:
        made = gateway.post(f"/admin/prompts/{folders(name)}/branches", {"branch": branch, "from": start})
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{made['name']} of {name}, from version {made['base']}: save to it with --branch {made['name']}")


@cli.command("merge")
def merge(
    name: Name,
    branch: Annotated[str, typer.Argument(help="What to bring into main.")],
    file: Annotated[
        Path | None, typer.Argument(help="What it is to be, where both changed the same.", show_default=False)
    ] = None,
    message: Message = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Bring what a branch changed into main, line by line."""
    resolved = mapping(file, A_PROMPT) if file is not None else None
    if resolved is not None:
        resolved.pop("name", None)
    with connect(url) as gateway:
        body = {"message": message, "resolved": resolved}
        merged = gateway.post(f"/admin/prompts/{folders(name)}/branches/{segment(branch)}/merge", body)
    if as_json:
        show_json(merged)
    else:
        typer.echo(f"main is at {merged['name']}@{merged['version']}  {merged['digest'][:12]}")


@cli.command("close")
def close(
    name: Name,
    branch: Annotated[str, typer.Argument(help="What is not to be merged.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """End a branch without merging it. Its versions stay."""
    with connect(url) as gateway:
        closed = gateway.delete(f"/admin/prompts/{folders(name)}/branches/{segment(branch)}")
    if as_json:
        show_json(closed)
    else:
        typer.echo(f"{branch} is closed, at version {closed['head']}")


@cli.command("render")
def render(
    prompt: Reference,
    variable: Annotated[
        list[str] | None, typer.Option("--var", "-v", metavar="NAME=VALUE", help="A text, or JSON.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the messages that a prompt makes of variables. Nothing is asked."""
    name, _, version = prompt.partition("@")
    variables = dict(_variable(given) for given in variable or ())
    with connect(url) as gateway:
        body = {"version": version or None, "variables": variables}
        found = gateway.post(f"/admin/prompts/{folders(name)}/render", body)
    if as_json:
        show_json(found)
    else:
        _tell_messages(found["messages"])


def _variable(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals:
        raise BadRequest(f"--var {given}: write NAME=VALUE.")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


def _show_found(found: Json, as_json: bool, empty: str) -> None:
    if as_json:
        show_json(found)
        return
    rows = [{**row, "labels": _labels(row["labels"]), "created": when(row["created"])} for row in found["data"]]
    show(rows, ("name", "version", "labels", "author", "created", "message"), False, empty)


def _tell_prompt(found: Json) -> None:
    forks = [f"{branch['name']} (at {branch['head']})" for branch in found["branches"] if branch["closed"] is None]
    typer.echo(f"{found['name']}  labels: {_labels(found['labels']) or 'none'}  branches: {', '.join(forks)}\n")
    rows = [{**entry, "created": when(entry["created"])} for entry in found["versions"]]
    show(rows, ("version", "branch", "parent", "author", "created", "message"), False, "")


def _tell_version(found: Json) -> None:
    typer.echo(
        f"{found['name']}@{found['version']}  by {found['author']}, {when(found['created'])}, about "
        f"{found['tokens']} tokens  {plain(found['message'])}\n"
    )
    _tell_messages(found["messages"])
    for part in ("variables", "parameters", "tools", "response_format", "partials"):
        if found[part]:
            typer.echo(f"{part}: {orjson.dumps(found[part]).decode()}")


def _tell_messages(messages: list[Json]) -> None:
    for message in messages:
        content = message["content"]
        text = content if isinstance(content, str) else orjson.dumps(content).decode()
        typer.echo(f"--- {message['role']}\n{plain(text)}")


def _tell_saved(saved: Json, as_json: bool) -> None:
    if as_json:
        show_json(saved)
        return
    new = "saved" if saved["new"] else "nothing new: it is"
    typer.echo(f"{new} {saved['name']}@{saved['version']}  {saved['digest'][:12]}  about {saved['tokens']} tokens")


def _tell_difference(name: str, role: str, difference: Json) -> None:
    marks = {"same": " ", "removed": "-", "added": "+"}
    colours = {"same": None, "removed": "red", "added": "green"}
    typer.secho(f"{name}@{difference['before']} ({role}) → {name}@{difference['after']}", bold=True)
    for line in difference["lines"]:
        typer.secho(f"{marks[line['op']]} {plain(line['text'])}", fg=colours[line["op"]])
    for place in difference["changed"]:
        typer.echo(f"{place['where']}: {_value(place['before'])} → {_value(place['after'])}")
    cost = difference["cost"]
    priced = f", {cost / 1e6:+.4f} USD for 1000 calls" if cost is not None else ""
    typer.echo(f"about {difference['tokens']:+d} tokens a call{priced}\n")


def _value(value: Any) -> str:
    return "not there" if value is None else orjson.dumps(value).decode()


def _labels(labels: dict[str, int]) -> str:
    return ", ".join(f"{label}={version}" for label, version in labels.items())
