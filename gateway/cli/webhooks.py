"""`sluice webhooks`: who is told of what happens."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import show, show_json, show_list, when
from gateway.paths import segment
from gateway.types import Json

cli = typer.Typer(
    help="Have other systems told of every change: signed, and sent until it arrives.",
    no_args_is_help=True,
    epilog="""\b
In order:  sluice webhooks create https://ci.example/hook -e prompt. -e rollout.
           sluice webhooks test wh_12ab34cd56ef7890
           sluice webhooks deliveries wh_12ab34cd56ef7890
""",
)

Id = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, as wh_12ab34cd56ef7890.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Where messages are posted: https://…")]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        "-e",
        help="An act of the audit log, or how some begin: prompt. and rollout.; again for more. Default: all.",
        show_default=False,
    ),
]

LOOKS = 30
LOOK_EVERY = 0.5
"""Longer than a try takes, in seconds, when multiplied."""


@cli.command("create")
def create(address: Address, events: Events = None, url: Url = None, as_json: AsJson = False) -> None:
    """Have acts told to an address, from now on. Prints the secret that messages are signed with, this once."""
    body = {"url": address, "events": events} if events else {"url": address}
    with connect(url) as gateway:
        made = gateway.post("/admin/webhooks", body)
    if as_json:
        show_json(made)
        return
    typer.echo(f"{made['id']} tells {made['url']} of {_told(made)}")
    typer.echo(f"It signs with {made['secret']}, which is shown this once: give it to the receiver.")
    typer.echo(f"Try it: sluice webhooks test {made['id']}")


@cli.command("list")
def list_webhooks(url: Url = None, as_json: AsJson = False) -> None:
    """Show who is told of what, and whether it arrives."""
    with connect(url) as gateway:
        found = gateway.get("/admin/webhooks")["data"]
    if as_json:
        show_list(found)
        return
    rows = [{**one, "events": _told(one), "state": _state(one), "to": one["url"]} for one in found]
    empty = "Nobody is told: sluice webhooks create ADDRESS"
    show(rows, ("id", "to", "events", "waiting", "state"), False, empty)


@cli.command("change")
def change(
    webhook: Id,
    address: Annotated[str | None, typer.Option(help="Send to this address.", show_default=False)] = None,
    events: Events = None,
    enabled: Annotated[
        bool | None,
        typer.Option(
            "--enable/--disable",
            help="Begin again, with all that happened meanwhile; or stop for a while.",
            show_default=False,
        ),
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Send elsewhere, tell of other acts, stop for a while, or begin again."""
    with connect(url) as gateway:
        body = {"url": address, "events": events or None, "enabled": enabled}
        changed = gateway.patch(f"/admin/webhooks/{segment(webhook)}", body)
    if as_json:
        show_json(changed)
    else:
        typer.echo(f"{changed['id']} tells {changed['url']} of {_told(changed)}: {_state(changed)}")


@cli.command("delete")
def delete(webhook: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Tell it nothing more; what was on its way to it is dropped."""
    with connect(url) as gateway:
        gone = gateway.delete(f"/admin/webhooks/{segment(webhook)}")
    if as_json:
        show_json(gone)
    else:
        typer.echo(f"{webhook} is gone")


@cli.command("test")
def send_test(webhook: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Send an event, and say what came of it. Exit status 1 where it did not arrive."""
    with connect(url) as gateway:
        sent = gateway.post(f"/admin/webhooks/{segment(webhook)}/test")
        for _ in range(LOOKS):
            if sent["tries"]:
                break
            time.sleep(LOOK_EVERY)
            sent = gateway.get(f"/admin/webhooks/{segment(webhook)}/deliveries/{sent['id']}")
    if as_json:
        show_json(sent)
    elif sent["state"] == "delivered":
        typer.echo(f"arrived: {sent['last']}")
    else:
        typer.secho(f"did not arrive: {sent['last'] or 'not tried yet; is the webhook disabled?'}", fg="red")
    if sent["state"] != "delivered":
        raise typer.Exit(1)


@cli.command("deliveries")
def deliveries(
    webhook: Id,
    state: Annotated[
        str | None, typer.Option(help="Only those: waiting, delivered or given_up.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1000)] = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what was sent, and what came of it, newest first."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/webhooks/{segment(webhook)}/deliveries", state=state, limit=limit)
    if as_json:
        show_json(found)
        return
    rows = [
        {**one, "created": when(one["created"]), "object": one["body"]["data"]["object"], "next_try": _next(one)}
        for one in found["data"]
    ]
    columns = ("id", "created", "event", "object", "state", "tries", "last", "next_try")
    show(rows, columns, False, f"Nothing yet: sluice webhooks test {webhook}")


@cli.command("redeliver")
def redeliver(
    webhook: Id,
    delivery: Annotated[int, typer.Argument(min=1, help="Its number, as `sluice webhooks deliveries` shows it.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Send a message again, under the id it had."""
    with connect(url) as gateway:
        queued = gateway.post(f"/admin/webhooks/{segment(webhook)}/deliveries/{delivery}/redeliver")
    if as_json:
        show_json(queued)
    else:
        typer.echo(f"{queued['message']} is sent again, as delivery {queued['id']}")


def _told(webhook: Json) -> str:
    return "everything" if webhook["events"] == ["*"] else ", ".join(webhook["events"])


def _state(webhook: Json) -> str:
    if webhook["disabled"] is not None:
        return f"disabled {when(webhook['disabled'])}: {webhook['why']}"
    return f"nothing arrives since {when(webhook['failing'])}" if webhook["failing"] is not None else "in order"


def _next(delivery: Json) -> str:
    return when(delivery["due"]) if delivery["due"] is not None else ""
