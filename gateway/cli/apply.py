"""`sluice apply`: declare prompts and endpoints."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import configuration
from gateway.audit import Act, Auditor
from gateway.cli.database import operator
from gateway.cli.options import AsJson, Config
from gateway.cli.table import show
from gateway.data_folder import open_store, pepper
from gateway.errors import BadRequest
from gateway.providers.build import identities
from gateway.releases import apply as releases
from gateway.releases.conduct import Actor
from gateway.releases.golive import Installation
from gateway.releases.manifest import Manifest, parse
from gateway.signing import Signer
from guardrails.errors import BadInput
from guardrails.guards.example_files import inlined


def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="The manifest; - reads standard input.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Bring the prompts and endpoints of a YAML manifest into force. Running gateways notice within a second.

    A prompt that changed becomes a new version, an endpoint that changed a new release; both are named by the digest of
    what is in them, so applying the same file again changes nothing.
    """
    chosen = configuration.load(config)
    source = "standard input" if str(file) == "-" else str(file)
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{source} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{source} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    manifest = _with_examples(parse(text, source), file.parent)
    with closing(open_store(chosen)) as store, store.begin() as connection:
        signer = Signer.of(pepper(chosen))
        me = Actor(operator(), None)
        changes = releases.apply(connection, manifest, Installation(signer, identities(chosen)), me)
        detail = {"changes": [f"{change.kind} {change.name} {change.outcome}" for change in changes]}
        Auditor(signer).append(connection, me.name, None, Act("releases.apply", source, "", detail))
    rows = [asdict(change) for change in changes]
    show(rows, ("kind", "name", "outcome", "digest"), as_json, "The manifest declares nothing.")


def _with_examples(manifest: Manifest, folder: Path) -> Manifest:
    """With the files of examples read that guards name: they lie on this machine, beside the manifest."""
    try:
        read = {name: inlined(policy, folder) for name, policy in manifest.policies.items()}
    except BadInput as error:
        raise BadRequest(f"A file of examples cannot be read in: {error}", code="invalid_manifest") from error
    return manifest.model_copy(update={"policies": read})
