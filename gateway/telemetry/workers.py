"""One `/metrics` for all the processes of a gateway: each leaves its counts in a shared folder, any of them adds up.

A process writes its counts each second, and again before it answers a scrape: so no count a scrape has shown is ever
taken back, whichever process answers the next one. Counters and histograms of processes that ended stay in the sum;
gauges are summed over those that live. A process killed between two writes takes the counts since the last with it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two writes."""


class Family(msgspec.Struct, array_like=True, frozen=True):
    """One metric as a process left it. A sample is its name, its labels and its value."""

    name: str
    help: str
    type: str
    samples: list[tuple[str, dict[str, str], float]]


class Left(msgspec.Struct, array_like=True, frozen=True):
    """What one process left."""

    pid: int
    families: list[Family]


_DECODER = msgspec.msgpack.Decoder(Left)


class Workers(Collector):
    """This process among those that share `folder`; `own` is what it counts itself."""

    def __init__(self, own: Collector, folder: Path) -> None:
        self._own = own
        self._folder = folder
        self._pid = os.getpid()
        self._file = folder / f"{self._pid}-{time.time_ns()}"
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    async def run(self) -> None:
        """Write for ever."""
        while True:
            try:
                self.write()
            except OSError as error:
                log.warning("this process's counts cannot be shared with the others: %s", error)
            await asyncio.sleep(EVERY)

    def write(self) -> None:
        """Leave this process's counts, whole or not at all. Raises `OSError` when the folder cannot be written."""
        scratch = self._folder / f".{self._file.name}"
        scratch.write_bytes(
            msgspec.msgpack.encode(Left(self._pid, [_family(metric) for metric in self._own.collect()]))
        )
        scratch.replace(self._file)

    def close(self) -> None:
        """Leave the last counts, where that can be done."""
        with suppress(OSError):
            self.write()

    def exposition(self) -> tuple[bytes, bytes]:
        """Content type and text of `/metrics`."""
        self.write()
        return CONTENT_TYPE_LATEST.encode(), generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        left = [_DECODER.decode(path.read_bytes()) for path in sorted(self._folder.glob("[0-9]*-[0-9]*"))]
        living = [held for held in left if _lives(held.pid)]
        yield GaugeMetricFamily("sluice_workers", "Processes that serve.", value=len(living))
        yield from _sums(family for held in left for family in held.families if family.type != "gauge")
        yield from _sums(family for held in living for family in held.families if family.type == "gauge")


def _family(metric: Metric) -> Family:
    return Family(
        metric.name,
        metric.documentation,
        metric.type,
        [(sample.name, dict(sample.labels), sample.value) for sample in metric.samples],
    )


def _sums(families: Iterable[Family]) -> Iterator[Metric]:
    """Families of one name made one, samples of one name and labels added up, in the order of their first mention."""
    sums: dict[str, tuple[Family, dict[tuple[str, tuple[tuple[str, str], ...]], float]]] = {}
    for family in families:
        _, samples = sums.setdefault(family.name, (family, {}))
        for name, labels, value in family.samples:
            key = (name, tuple(labels.items()))
            samples[key] = samples.get(key, 0.0) + value
    for family, samples in sums.values():
        metric = Metric(family.name, family.help, family.type)
        for (name, labelled), value in samples.items():
            metric.add_sample(name, dict(labelled), value)
        yield metric


def _lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
