"""The log of a run: one suite asked of one target. A folder of three files, each written whole or a line at a time:

run.json        what was run (`Header`), replaced when the run ends
samples.jsonl   the samples, so that a log can be read without the suite's files
results.jsonl   a line for each result as it comes (`Result`); what a killed run has is what it had said

A run that has ended has a fourth, made of the others: `TABLE` (`evals.runs.parquet`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from evals.errors import BadInput
from evals.sample import Json, Result, Sample

TABLE = "results.parquet"

State = Literal["running", "complete", "enough", "stopped"]
"""*enough* is before all was asked, as what was asked says it already; *stopped* is where the budget was spent, or
somebody broke it off."""


class MetricHeader(msgspec.Struct, frozen=True, omit_defaults=True):
    """`judge` is the name, under the header's judges, of the judge that it rests on."""

    name: str
    kind: str
    about: str
    lower: bool = False
    judge: str | None = None


class JudgeHeader(msgspec.Struct, frozen=True, omit_defaults=True):
    """`calibration` holds what was found out about the judge on what people had labelled (`evals.judges`); None where
    that was not done. `family` is that of its model."""

    digest: str
    family: str | None = None
    least: float = 0.8
    calibration: Json | None = None


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """`target` is the target's identity, `release` the digest of the one release that answered, where it was one.
    `looks` says after how many samples a sequential run was looked at; samples are asked in the order of samples.jsonl.
    Times are Unix times, `cost` is in micro-USD, with the judges'."""

    id: str
    suite: str
    suite_digest: str
    dataset_digest: str
    target: Mapping[str, Any]
    target_digest: str
    metrics: tuple[MetricHeader, ...]
    repeats: int
    seed: int
    samples: int
    started: float
    version: str
    state: State = "running"
    about: str = ""
    release: str | None = None
    family: str | None = None
    judges: Mapping[str, JudgeHeader] = {}
    slices: tuple[str, ...] = ()
    ended: float | None = None
    cost: int | None = None
    asked: int = 0
    failed: int = 0
    reused: int = 0
    """Answers that came from a cache on the target's side, which repeats may share."""
    contamination: Json | None = None
    looks: tuple[int, ...] = ()


class RunLog:
    """Written by one process, which holds the folder until it closes the log. Results are handed to the system at once,
    so that they outlive the process."""

    def __init__(self, folder: Path, header: Header, held: int) -> None:
        self.folder, self.header = folder, header
        self._held, self._results = held, _append(folder)
        self._encoder = msgspec.json.Encoder()

    @classmethod
    def create(cls, folder: Path, header: Header, samples: Iterable[Sample]) -> RunLog:
        """Raises `BadInput` where the folder cannot be written, or holds anything but what a run leaves that was killed
        before it began."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / "run.json").exists():
                raise BadInput(f"{folder} holds a run already: name another folder.")
            if found := {file.name for file in folder.iterdir()} - {"samples.jsonl", "results.jsonl", "run.json.new"}:
                raise BadInput(f"{folder} holds {min(found)}, and no run: name another folder.")
            held = _hold(folder)
            with (folder / "samples.jsonl").open("wb") as file:
                for sample in samples:
                    file.write(msgspec.json.encode(sample) + b"\n")
            (folder / "results.jsonl").unlink(missing_ok=True)
            log = cls(folder, header, held)
            log.replace(header)
        except OSError as error:
            raise BadInput(f"{folder} cannot be made: {error.strerror}.") from error
        return log

    @classmethod
    def write(cls, folder: Path, header: Header, samples: Iterable[Sample], results: Iterable[Result]) -> None:
        """A whole one, of a run that was made elsewhere. Raises `BadInput` as `create` does."""
        log = cls.create(folder, header, samples)
        try:
            for result in results:
                log.add(result)
        finally:
            log.close()

    @classmethod
    def resume(cls, folder: Path) -> RunLog:
        """Opens a log to go on with, without what failed: that is asked anew. Raises `BadInput`."""
        header = read_header(folder)
        held = _hold(folder)
        (folder / TABLE).unlink(missing_ok=True)
        _mend(folder)
        return cls(folder, header, held)

    def add(self, result: Result) -> None:
        os.write(self._results, self._encoder.encode(result) + b"\n")

    def replace(self, header: Header) -> None:
        """Whole, or not at all."""
        self.header = header
        new = self.folder / "run.json.new"
        new.write_bytes(msgspec.json.format(msgspec.json.encode(header), indent=1) + b"\n")
        new.replace(self.folder / "run.json")

    def close(self) -> None:
        os.close(self._results)
        os.close(self._held)


def read_header(folder: Path) -> Header:
    """Raises `BadInput` where there is no run."""
    try:
        return msgspec.json.decode((folder / "run.json").read_bytes(), type=Header)
    except OSError as error:
        raise BadInput(f"{folder} holds no run: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise BadInput(f"{folder / 'run.json'} is not the header of a run: {error}.") from error


def read_samples(folder: Path) -> Iterator[Sample]:
    yield from _lines(folder / "samples.jsonl", msgspec.json.Decoder(Sample))


def read_results(folder: Path) -> Iterator[Result]:
    """In the order they came in, one for each sample and repeat. A last line that is not whole is passed over."""
    yield from _lines(folder / "results.jsonl", msgspec.json.Decoder(Result))


def samples_at(folder: Path, places: Iterable[int]) -> Iterator[Sample]:
    """Those that begin at these bytes of samples.jsonl."""
    yield from _at(folder / "samples.jsonl", places, msgspec.json.Decoder(Sample))


def results_at(folder: Path, places: Iterable[int]) -> Iterator[Result]:
    """Those that begin at these bytes of results.jsonl."""
    yield from _at(folder / "results.jsonl", places, msgspec.json.Decoder(Result))


def positions(path: Path) -> Iterator[int]:
    """At which byte each line of a file begins."""
    place = 0
    with path.open("rb") as file:
        for line in file:
            yield place
            place += len(line)


def _at(path: Path, places: Iterable[int], decoder: Any) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            for place in places:
                file.seek(place)
                yield decoder.decode(file.readline())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise BadInput(f"not a line of a run's log: {error}.", file=str(path)) from error


def _lines(path: Path, decoder: Any) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise BadInput(f"not a line of a run's log: {error}.", file=str(path), line=number) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error


def _hold(folder: Path) -> int:
    """Until the descriptor is closed, or its process is gone. Raises `BadInput` where another process holds it."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise BadInput(f"{folder} is written by another run: wait for it, or name another folder.") from error
    return held


def _append(folder: Path) -> int:
    return os.open(folder / "results.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def _mend(folder: Path) -> None:
    """Leaves out what failed, which is asked anew, and a last line that is not whole."""
    new = folder / "results.jsonl.new"
    with new.open("wb") as file:
        for result in read_results(folder):
            if result.error is None:
                file.write(msgspec.json.encode(result) + b"\n")
    new.replace(folder / "results.jsonl")
