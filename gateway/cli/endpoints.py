"""`sluice endpoints`, `sluice rollback`, `sluice break-glass`: what serves, what protects it, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from evals.verdict import digested
from gateway.cli.files import mapping
from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, when
from gateway.paths import segment

cli = typer.Typer(help="See what serves, and what protects it.", no_args_is_help=True)
gates = typer.Typer(help="Protect an endpoint, or change what protects it.", no_args_is_help=True)
cli.add_typer(gates, name="gate")

Endpoint = Annotated[str, typer.Argument(help="The endpoint.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for those who look later.")]


@cli.command("list")
def list_endpoints(url: Url = None, as_json: AsJson = False) -> None:
    """Show every endpoint: what it serves, what is tried beside it, and what is red."""
    with connect(url) as gateway:
        found = gateway.get("/admin/endpoints")
    if as_json:
        show_json(found)
        return
    rows = [
        {
            **one,
            "release": one["release"] and one["release"][:12],
            "protected": "yes" if one["protected"] else "no",
            "rollout": one["trial"],
            "red": one["broken"] or (f"{one['unreviewed']} to review" if one["unreviewed"] else None),
        }
        for one in found["data"]
    ]
    columns = ("name", "release", "prompt", "upstream", "protected", "rollout", "red")
    show(rows, columns, False, "No endpoint yet: sluice apply -f FILE")


@cli.command("show")
def show_endpoint(endpoint: Endpoint, url: Url = None, as_json: AsJson = False) -> None:
    """Show what is live, what was, what is tried, and what is still to be reviewed."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/endpoints/{segment(endpoint)}")
    if as_json:
        show_json(found)
        return
    typer.echo(f"{endpoint}  {'protected' if found['protected'] else 'not protected'}")
    typer.echo(f"live       {found['release'] or 'nothing yet'}")
    typer.echo(f"last good  {found['last_good'] or 'none'}")
    if found["broken"]:
        typer.secho(f"cannot serve: {found['broken']}", fg="red")
    if found["rollout"] is not None:
        typer.echo(f"rollout    {found['rollout']['id']}  {found['rollout']['stage']}  {found['rollout']['why']}")
    for breaking in found["unreviewed"]:
        line = f"the glass was broken by {breaking['by']}: {breaking['reason']} (review {breaking['id']})"
        typer.secho(line, fg="red")
    for was in found["history"]:
        typer.echo(f"{when(was['at'])}  {was['release'][:12]}  {was['by']}  {was['reason']}")


@gates.command("set")
def set_gate(
    endpoint: Endpoint,
    file: Annotated[Path, typer.Option("--file", "-f", help="YAML with `requires` and `approvals`.")],
    reason: Reason = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Protect an endpoint. Where it is protected already, a second person must approve the change. A suite may be named
    by its path, relative to FILE."""
    gate = digested(mapping(file, "a gate is one mapping, with requires"), file)
    _put_gate(endpoint, gate, reason, url, as_json)


@gates.command("remove")
def remove_gate(endpoint: Endpoint, reason: Reason, url: Url = None, as_json: AsJson = False) -> None:
    """Ask to end an endpoint's protection; a second person must approve."""
    _put_gate(endpoint, None, reason, url, as_json)


@gates.command("changes")
def list_changes(
    state: Annotated[str | None, typer.Option(help="waiting, approved or refused.", show_default=False)] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show changes of gates, newest first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/gate-changes", state=state)
    if as_json:
        show_json(found)
    else:
        show(found["data"], ("id", "endpoint", "state", "author", "decided_by", "reason"), False, "No change yet.")


@gates.command("approve")
def approve_change(
    change: Annotated[str, typer.Argument(help="As shown by `changes`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Bring somebody else's change of a gate into force."""
    _decide(change, "approve", url, as_json)


@gates.command("reject")
def reject_change(
    change: Annotated[str, typer.Argument(help="As shown by `changes`.")], url: Url = None, as_json: AsJson = False
) -> None:
    """Refuse a change of a gate."""
    _decide(change, "reject", url, as_json)


def rollback(
    endpoint: Endpoint,
    reason: Reason,
    to: Annotated[
        str | None, typer.Option(help="A release that was live before. Default: the last good one.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take away what came last: an open canary's candidate, else the live release. In force within a second.

    What is taken away cannot come back without new evidence. Streams that have begun end on the release they began on.
    """
    with connect(url) as gateway:
        made = gateway.post(f"/admin/endpoints/{segment(endpoint)}/rollback", {"reason": reason, "to": to})
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{endpoint} serves {made['release'][:12]}")


def break_glass(
    endpoint: Endpoint,
    release: Annotated[str, typer.Option(help="The digest to go live; its gate must have passed.")],
    reason: Reason,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Go live at once, without a second person; red until somebody else reviews it: sluice endpoints review."""
    with connect(url) as gateway:
        made = gateway.post(f"/admin/endpoints/{segment(endpoint)}/break-glass", {"release": release, "reason": reason})
    if as_json:
        show_json(made)
    else:
        typer.echo(
            f"{endpoint} serves {release[:12]}. To be reviewed by somebody else: sluice endpoints review {made['id']}"
        )


@cli.command("breakings")
def list_breakings(
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Only those nobody has reviewed.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show who broke the glass, when and why, and who has looked at it since; newest first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/breakings", unreviewed=unreviewed or None)
    if as_json:
        show_json(found)
        return
    rows = [{**one, "at": when(one["at"]), "release": one["release"][:12]} for one in found["data"]]
    columns = ("id", "at", "endpoint", "release", "by", "reason", "reviewed_by", "review")
    show(rows, columns, False, "Nobody has broken the glass.")


@cli.command("review")
def review(
    breaking: Annotated[str, typer.Argument(help="As shown by `sluice endpoints show`.")],
    note: Annotated[str, typer.Option(help="What you found.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Review an act of breaking the glass that somebody else did."""
    with connect(url) as gateway:
        made = gateway.post(f"/admin/breakings/{segment(breaking)}/review", {"note": note})
    if as_json:
        show_json(made)
    else:
        typer.echo(f"reviewed {breaking}")


def _put_gate(endpoint: str, gate: Any, reason: str, url: str | None, as_json: bool) -> None:
    with connect(url) as gateway:
        made = gateway.put(f"/admin/endpoints/{segment(endpoint)}/gate", {"gate": gate, "reason": reason})
    if as_json:
        show_json(made)
    elif made["change"] is not None:
        typer.echo(f"waits for a second person: sluice endpoints gate approve {made['change']['id']}")
    else:
        typer.echo(f"{endpoint} is protected")


def _decide(change: str, action: str, url: str | None, as_json: bool) -> None:
    with connect(url) as gateway:
        made = gateway.post(f"/admin/gate-changes/{segment(change)}/{action}", None)
    if as_json:
        show_json(made)
    else:
        typer.echo(f"{made['endpoint']}: {made['state']}")
