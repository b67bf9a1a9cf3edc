"""What an artefact is, in a file beside it: what it came from and how good it is; of a model also what it reads and
says, and how its scores are calibrated.

Nothing is loaded that is not what the manifest says it is: each file is held against its SHA-256 first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from guardrails.errors import NotRun

FILE = "manifest.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
Kind = TypeVar("Kind", bound="Artefact")


class Stated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Calibration(Stated):
    """For each label what its logit is multiplied by and what is added to it before it is made a probability, fitted on
    rows that took no part in training. (Platt, 1999, "Probabilistic Outputs for Support Vector Machines".)"""

    scale: tuple[float, ...]
    shift: tuple[float, ...]


class Origin(Stated):
    """What the weights can be made from again: the SHA-256 of each file of data, the recipe and its SHA-256."""

    base: str
    data: Mapping[str, str] = {}
    recipe: Mapping[str, Any] = {}
    recipe_digest: str = ""


class Artefact(Stated):
    """Anything that was fitted, and not written. `files` are the SHA-256 of each, `metrics` what was measured."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    licence: str
    files: Mapping[str, str]
    origin: Origin
    metrics: Mapping[str, Any] = {}


class Manifest(Artefact):
    """`window` tokens are read at once, its marks included, and the next window begins `stride` tokens on. A model with
    `pair` reads two texts, of which the second is windowed. With `sigmoid` each label is a question of its own, with
    `softmax` exactly one holds. `batch` windows are run together at most: 1 where a score would depend on its
    neighbours, as it does where activations are quantised by the batch. `thresholds` are, by label, the scores the
    recipe advises."""

    labels: tuple[str, ...] = Field(min_length=1)
    window: int = Field(gt=8, le=8192)
    stride: int = Field(gt=0)
    pair: bool = False
    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    batch: int = Field(1, ge=1, le=256)
    calibration: Calibration
    thresholds: Mapping[str, float] = {}

    @model_validator(mode="after")
    def _whole(self) -> Manifest:
        if self.stride > self.window - 2:
            raise ValueError("`stride` leaves tokens between the windows out; it may be `window` - 2 at most")
        if not len(self.labels) == len(self.calibration.scale) == len(self.calibration.shift):
            raise ValueError("`calibration` needs a scale and a shift for each label")
        if not {MODEL, TOKENIZER} <= set(self.files):
            raise ValueError(f"`files` must name {MODEL} and {TOKENIZER}")
        return self


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def identity(folder: Path) -> str:
    """The SHA-256 of the manifest in `folder`, and so of all that the model is. Raises `NotRun` where there is none."""
    return digest(_bytes(folder / FILE))


def read(folder: Path, pin: str | None = None) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest of a model and its files, verified. `pin` is the beginning of the manifest's own SHA-256. Raises
    `NotRun` where one is missing or not what it should be."""
    return _read(folder, Manifest, pin)


def artefact(folder: Path) -> tuple[Artefact, dict[str, bytes]]:
    """As `read`, of an artefact that is no model."""
    return _read(folder, Artefact, None)


def _read(folder: Path, kind: type[Kind], pin: str | None) -> tuple[Kind, dict[str, bytes]]:
    stated = _bytes(folder / FILE)
    if pin is not None and not digest(stated).startswith(pin):
        raise NotRun(f"the manifest in {folder.name} is not the one that its name pins", "missing")
    try:
        manifest = kind.model_validate_json(stated)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"])
        raise NotRun(f"the manifest of {folder.name} cannot be read: {place}: {first['msg']}", "missing") from error
    found = {name: _bytes(folder / name) for name in manifest.files if name == Path(name).name}
    for name, wanted in manifest.files.items():
        if digest(found.get(name, b"")) != wanted:
            raise NotRun(
                f"{name} of the model {manifest.name} is corrupt: its SHA-256 is not that of the manifest", "missing"
            )
    return manifest, found


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NotRun(f"{file.name} of the model {file.parent.name} is missing or cannot be read", "missing") from error
