"""`sluice prompts label`, and what else is said of versions: comments, and ids from elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.prompts import Name, Reference
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, when
from gateway.paths import folders, segment
from gateway.types import Json

cli = typer.Typer()
"""Commands beside those of `sluice prompts`."""

Label = Annotated[str, typer.Argument(help="As production or staging.")]
Why = Annotated[str, typer.Option("--reason", "-r", help="Why; a protected label needs it.")]


@cli.command("labels")
def list_labels(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Show a prompt's labels, and every move of them."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/prompts/{folders(name)}/labels")
    if as_json:
        show_json(found)
        return
    show(found["data"], ("label", "version", "protected"), False, f"No labels yet: sluice prompts label {name} LABEL N")
    if found["history"]:
        typer.echo("")
        rows = [{**move, "at": when(move["at"]), "move": _move(move)} for move in found["history"]]
        show(rows, ("at", "label", "move", "by", "reason"), False, "")


@cli.command("label")
def move_label(
    name: Name,
    label: Label,
    version: Annotated[str, typer.Argument(help="A number, another label, or latest.")],
    reason: Why = "",
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", "-e", help="An id that speaks for it.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Point a label at a version. A protected one, as production, is moved by an approver who did not write it."""
    with connect(url) as gateway:
        body = {"version": version, "reason": reason, "evidence": evidence or []}
        _tell_move(name, gateway.put(f"/admin/prompts/{folders(name)}/labels/{segment(label)}", body), as_json)


@cli.command("unlabel")
def remove_label(name: Name, label: Label, reason: Why = "", url: Url = None, as_json: AsJson = False) -> None:
    """Take a label away."""
    with connect(url) as gateway:
        moved = gateway.delete(f"/admin/prompts/{folders(name)}/labels/{segment(label)}", reason=reason)
    _tell_move(name, moved, as_json)


@cli.command("comments")
def list_comments(name: Name, url: Url = None, as_json: AsJson = False) -> None:
    """Show what people said of a prompt's versions."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/prompts/{folders(name)}/comments")
    if as_json:
        show_json(found)
        return
    rows = [{**comment, "at": when(comment["at"])} for comment in found["data"]]
    show(rows, ("at", "version", "by", "body"), False, "Nobody said anything yet.")


@cli.command("comment")
def add_comment(
    prompt: Reference,
    text: Annotated[str, typer.Argument(help="What there is to say.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say something of a version; without @VERSION, of the newest."""
    name, _, version = prompt.partition("@")
    with connect(url) as gateway:
        made = gateway.post(f"/admin/prompts/{folders(name)}/comments", {"version": version or "latest", "body": text})
    if as_json:
        show_json(made)
    else:
        typer.echo(f"said of {name}@{made['version']}")


@cli.command("alias")
def set_alias(
    alias: Annotated[str, typer.Argument(help="Its id elsewhere, as pmpt_123.")],
    name: Name,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Let an id that a prompt has elsewhere name it here too."""
    with connect(url) as gateway:
        made = gateway.put(f"/admin/prompt-aliases/{segment(alias)}", {"prompt": name})
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{made['alias']} is {made['prompt']}")


@cli.command("protected")
def list_protected(url: Url = None, as_json: AsJson = False) -> None:
    """Show the labels that only an approver moves."""
    with connect(url) as gateway:
        found = gateway.get("/admin/protected-labels")
    if as_json:
        show_json(found)
        return
    rows = [{**one, "since": when(one["at"]) if one["at"] is not None else "always"} for one in found["data"]]
    show(rows, ("label", "since", "by"), False, "")


@cli.command("protect")
def protect(
    label: Label,
    off: Annotated[bool, typer.Option("--off", help="Protect it no longer.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Protect a label of every prompt: only an approver moves it. For administrators."""
    path = f"/admin/protected-labels/{segment(label)}"
    with connect(url) as gateway:
        made = gateway.delete(path) if off else gateway.put(path)
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{label} is {'no longer ' if off else ''}protected")


def _move(move: Json) -> str:
    before, after = ("nothing" if version is None else version for version in (move["before"], move["after"]))
    return f"{before} → {after}"


def _tell_move(name: str, move: Json, as_json: bool) -> None:
    if as_json:
        show_json(move)
    else:
        typer.echo(f"{move['label']} of {name}: {_move(move)}")
