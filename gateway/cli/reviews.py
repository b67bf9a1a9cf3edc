"""`sluice reviews`: what guards did, looked at and decided on by people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

from gateway.cli.options import AsJson, Url
from gateway.cli.remote import connect
from gateway.cli.table import plain, show, show_json, show_list, when
from gateway.errors import BadRequest
from gateway.paths import segment
from gateway.types import Json

if TYPE_CHECKING:
    from gateway.client.synchronous.transport import Transport

COLUMNS = ("time", "call", "endpoint", "review", "guard", "score", "source", "decided")
PAGE = 500

ActName = Literal["example", "allow", "sample", "dismiss"]
Label = Literal["attack", "harmless"]
Action = Literal["block", "fallback", "ask", "flag", "near"]

cli = typer.Typer(
    help="Look at what guards did, and decide on it.",
    no_args_is_help=True,
    epilog="""\b
In order:  sluice reviews list
           sluice reviews show CALL
           sluice reviews decide CALL example --label harmless
           sluice rollouts propose ENDPOINT --policy DIGEST --reason WHY --submit
""",
)

Call = Annotated[str, typer.Argument(metavar="CALL", help="The reply's x-request-id.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The file to write. Default: shown.", show_default=False)]
OneGuard = Annotated[str | None, typer.Option(help="Only this guard's.", show_default=False)]
OneEndpoint = Annotated[str | None, typer.Option(help="Only this endpoint's.", show_default=False)]
Since = Annotated[str | None, typer.Option(help="Not before: 2h ago, or a date or time.", show_default=False)]


@cli.command("list")
def list_reviews(
    guard: OneGuard = None,
    action: Annotated[
        Action | None, typer.Option(help="Only where this is the most that a guard did, or near.", show_default=False)
    ] = None,
    endpoint: OneEndpoint = None,
    team: Annotated[str | None, typer.Option(help="Only this team's.", show_default=False)] = None,
    project: Annotated[str | None, typer.Option(help="Only this project's.", show_default=False)] = None,
    since: Since = None,
    everything: Annotated[bool, typer.Option("--all", help="What is decided, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show calls that guards stopped or flagged, or nearly did, and that nobody has decided on."""
    asked: dict[str, Any] = {"guard": guard, "endpoint": endpoint, "team": team, "project": project, "since": since}
    asked |= {"action": action, "undecided": not everything}
    with connect(url) as gateway:
        found = [row for row, _ in zip(_pages(gateway, "/admin/reviews", asked), range(limit), strict=False)]
    if as_json:
        show_list(found)
        return
    show([_row(row) for row in found], COLUMNS, False, "Nothing to look at.")


@cli.command("show")
def show_review(call: Call, url: Url = None, as_json: AsJson = False) -> None:
    """Show what guards did with a call, what they judged, and what was decided."""
    with connect(url) as gateway:
        found = gateway.get(f"/admin/reviews/{segment(call)}")
    if as_json:
        show_json(found)
        return
    typer.echo(f"{found['call']}  {found['endpoint']}  {found['review'] or 'not for review'}  status {found['status']}")
    for told, passage in zip(found["guards"], found["passages"], strict=True):
        did = _score(told) if "would" not in told else f"{_score(told)}, would {told['would']}"
        typer.echo(f"\n{told['guard']}  {told['stage']}  {told['action']}  {did}  {told['source']}")
        if passage["text"] is None:
            typer.echo(f"  {passage['missing']}")
            continue
        typer.echo("\n".join(f"  {line}" for line in plain(passage["text"]).split("\n")))
        typer.echo("  (redacted before it was kept)" if passage["redacted"] else f"  sha256 {passage['sha256']}")
    typer.echo("")
    for one in found["decisions"]:
        gone = f"  undone by {one['undone_by']}" if one["undone"] is not None else ""
        typer.echo(f"{when(one['at'])}  {one['id']}  {_decided(one)}  {one['by']}  {plain(one['note'])}{gone}")


@cli.command("decide")
def decide(
    call: Call,
    act: Annotated[ActName, typer.Argument(help="example, allow (let it through), sample or dismiss.")],
    label: Annotated[
        Label | None,
        typer.Option(help="Of an example or a sample: should a guard catch it (attack)?", show_default=False),
    ] = None,
    guard: Annotated[
        str | None, typer.Option(help="Which guard it is about, where there are several.", show_default=False)
    ] = None,
    text_file: Annotated[
        Path | None,
        typer.Option(help="What was judged, where it is not kept; a last line end is left out.", show_default=False),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="What it is an example of.", show_default=False)] = None,
    lang: Annotated[str | None, typer.Option(help="The example's language, as en.", show_default=False)] = None,
    note: Annotated[str, typer.Option("--note", "-m", help="Why, for those who look later.")] = "",
    everyone: Annotated[bool, typer.Option("--everyone", help="Let it through for every team.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Decide on a call: keep it as an example or a sample, let its text through, or dismiss it. What serves stays as it
    is: a changed policy is made ready, and has to be proposed."""
    body: Json = {"act": act, "note": note, "everyone": everyone}
    given = {"guard": guard, "label": label, "kind": kind, "lang": lang}
    given["text"] = _text(text_file) if text_file is not None else None
    with connect(url) as gateway:
        done = gateway.post(f"/admin/reviews/{segment(call)}", body | {k: v for k, v in given.items() if v is not None})
    _tell(done, as_json, "" if done["new"] else "It was decided so before.")


@cli.command("undo")
def undo(
    decision: Annotated[str, typer.Argument(help="As `sluice reviews show` names it.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Take a decision back, and the text that it kept. What was put into production with it stays there, until a policy
    without it is."""
    with connect(url) as gateway:
        done = gateway.post(f"/admin/review-decisions/{segment(decision)}/undo")
    _tell(done, as_json, "Undone." if done["new"] else "It was undone before.")


@cli.command("examples")
def examples(
    guard: OneGuard = None,
    endpoint: OneEndpoint = None,
    since: Since = None,
    out: Out = None,
    url: Url = None,
) -> None:
    """Write the labelled examples as JSON lines, for `sluice guard train` and `sluice guard score`."""
    _export("/admin/reviews/examples", {"guard": guard, "endpoint": endpoint, "since": since}, out, url)


@cli.command("samples")
def samples(
    guard: OneGuard = None,
    endpoint: OneEndpoint = None,
    since: Since = None,
    out: Out = None,
    url: Url = None,
) -> None:
    """Write the calls that were kept as samples as JSON lines: a dataset for `sluice eval`."""
    _export("/admin/reviews/samples", {"guard": guard, "endpoint": endpoint, "since": since}, out, url)


def _export(path: str, asked: dict[str, Any], out: Path | None, url: str | None) -> None:
    with connect(url) as gateway:
        lines = [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in _pages(gateway, path, asked)]
    if out is None:
        typer.echo(b"".join(lines).decode(), nl=False)
        return
    try:
        out.write_bytes(b"".join(lines))
    except OSError as error:
        raise BadRequest(f"{out} cannot be written: {error.strerror}.") from error
    typer.echo(f"{len(lines)} written to {out}.")


def _pages(gateway: Transport, path: str, asked: dict[str, Any]) -> Iterator[Json]:
    """Row by row, page after page."""
    after = None
    while True:
        found = gateway.get(path, **asked, after=after, limit=PAGE)
        yield from found["data"]
        after = found["next"]
        if after is None:
            return


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{file} is not UTF-8.") from error


def _tell(done: Json, as_json: bool, said: str) -> None:
    if as_json:
        show_json(done)
        return
    typer.echo(f"{done['id']}  {_decided(done)}  of {done['call']}, by {done['by']}")
    if said:
        typer.echo(said)
    if done["undone"] is None and done["yaml"] is not None:
        typer.echo("Where the policy is kept in a file, write under `allow`:\n" + plain(done["yaml"]).rstrip("\n"))
    if done["policy"] is not None:
        typer.echo(f"The policy is ready, and nothing serves it yet. {'Without it' if done['undone'] else 'Next'}:")
        typer.echo(f"  sluice rollouts propose {done['endpoint']} --policy {done['policy']} --reason WHY --submit")
    elif done["why"]:
        typer.echo(done["why"])


def _row(found: Json) -> Json:
    """The first of the guards that it is here for, the strictest."""
    first = found["guards"][0] if found["guards"] else {"guard": None, "source": None}
    stands = [_decided(one) for one in found["decisions"] if one["undone"] is None]
    return {
        **found,
        "time": when(found["started"] / 1e9),
        "guard": first["guard"],
        "score": _score(first),
        "source": first["source"],
        "decided": ", ".join(stands),
    }


def _score(told: Json) -> str:
    return f"{told['score']:.3f}" if "score" in told else str(told.get("not_run", ""))


def _decided(one: Json) -> str:
    return one["act"] if one["label"] is None else f"{one['act']} ({one['label']})"
