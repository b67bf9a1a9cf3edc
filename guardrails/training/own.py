"""One's own model: a shipped recipe on one's own rows, and the package where gateways look for it.

A package lies in a folder `NAME@DIGEST`, as `guardrails.models.local` finds it and a policy names it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from guardrails.grounding import judging
from guardrails.guards import example_files
from guardrails.models.manifest import TOKENIZER, Manifest, identity
from guardrails.training import groundedness, groundedness_package, package, prompts
from guardrails.training.encoder import base, cuts, keep_memory
from guardrails.training.refit import refit

PROMPTS = ("prompts_train", "prompts_dev_ood", "moderation_train", "moderation_dev")
GROUNDEDNESS = ("groundedness_train",)
"""The Parquet files that each recipe reads."""
DIGITS = 16
"""Of the digest, in the name of a package."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`passes` and `minutes` are the recipe's own where they are None. `examples` are added to the rows of prompts."""

    data: Path
    out: Path
    passes: int | None = None
    minutes: float | None = None
    examples: Path | None = None

    @property
    def changed(self) -> dict[str, Any]:
        given = {"passes": self.passes, "minutes": self.minutes}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Package:
    folder: Path
    manifest: Manifest


def recipe_of(name: str, asked: Asked) -> prompts.Recipe | groundedness.Recipe:
    """The shipped recipe of that name, with what is asked otherwise."""
    return replace(prompts.Recipe() if name == package.NAME else groundedness.Recipe(), **asked.changed)


def of_prompts(asked: Asked) -> Package:
    """Raises `BadInput` for examples that cannot be read, before anything is trained."""
    read = lines(asked.examples) if asked.examples is not None else []
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        data = joined(asked.data, read, folder / "data") if read else asked.data
        recipe = replace(prompts.Recipe(), **asked.changed)
        keep_memory()
        model, tokenizer = prompts.train(recipe, data)
        refit(model, cuts(tokenizer, prompts.moderated(data)))
        torch.save(model.state_dict(), folder / "encoder.pt")
        tokenizer.save(str(folder / TOKENIZER))
        (folder / "recipe.json").write_text(json.dumps(asdict(recipe)), "utf-8")
        making = asked.out / f".{package.NAME}"
        return placed(making, package.build(data, folder, making))


def of_groundedness(asked: Asked) -> Package:
    recipe = replace(groundedness.Recipe(), **asked.changed)
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        keep_memory()
        model = groundedness.train(recipe, asked.data, Tokenizer.from_file(str(base() / TOKENIZER)))
        torch.save(model.state_dict(), folder / "model.pt")
        making = asked.out / f".{judging.MODEL}"
        return placed(making, groundedness_package.build(asked.data, folder, making, recipe))


def placed(making: Path, manifest: Manifest) -> Package:
    """The package under the name that its digest gives it. One that is there already is the same."""
    folder = making.with_name(f"{manifest.name}@{identity(making)[:DIGITS]}")
    if folder.exists():
        for file in making.iterdir():
            file.unlink()
        making.rmdir()
    else:
        making.rename(folder)
    return Package(folder, manifest)


def lines(file: Path) -> list[dict[str, Any]]:
    """Reviewed examples as rows to train on."""
    return [
        {
            "text": row["text"],
            "label": row["label"],
            "kind": "injection_direct" if row["attack"] else "benign_hard",
            "source": str(row.get("source") or "examples"),
            "lang": str(row.get("lang") or "und"),
            "quality": "clean",
        }
        for row in example_files.rows(file)
    ]


def joined(data: Path, examples: Sequence[dict[str, Any]], folder: Path) -> Path:
    """A folder like `data`, whose rows to train on have the examples among them. What is in the rows already counts as
    the example says."""
    from pyarrow import Table, parquet

    folder.mkdir()
    for name in PROMPTS[1:]:
        (folder / f"{name}.parquet").symlink_to((data / f"{name}.parquet").resolve())
    table = parquet.read_table(data / f"{PROMPTS[0]}.parquet")
    said = {row["text"] for row in examples}
    kept = [row for row in table.to_pylist() if row["text"] not in said]
    blank = dict.fromkeys(table.column_names)
    parquet.write_table(
        Table.from_pylist([*kept, *({**blank, **row} for row in examples)], schema=table.schema),
        folder / f"{PROMPTS[0]}.parquet",
    )
    return folder
