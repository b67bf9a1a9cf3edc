"""Texts of which many are the same, as numbers: what counts by name are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Names = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Coded:
    """`names[code]` for each; a code of -1 is none. Names are there once, and some may have no code."""

    names: Names
    codes: Codes

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Coded:
        places: dict[str, int] = {}
        codes = [-1 if text is None else places.setdefault(text, len(places)) for text in texts]
        return cls(names(places), np.array(codes, dtype=np.int32))

    def at(self, rows: Ints) -> Coded:
        """Of those rows, in their order."""
        return Coded(self.names, self.codes[rows])

    def texts(self) -> list[str | None]:
        """Of each."""
        known: list[str | None] = [*self.names.tolist(), None]
        return [known[code] for code in self.codes.tolist()]  # -1 is the last

    def counted(self) -> Counter[str]:
        """How often each is there."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))
        return Counter({str(self.names[code]): int(counts[code]) for code in np.flatnonzero(counts)})

    def parts(self) -> Iterator[tuple[str, Ints]]:
        """By name, and sorted so, the rows where each is."""
        small = self.codes.astype(np.int16) if len(self.names) < 2**15 else self.codes  # which are sorted in no time
        order = np.argsort(small, kind="stable")
        ends = np.searchsorted(small[order], np.arange(-1, len(self.names)), side="right")
        for code in sorted(range(len(self.names)), key=self.names.__getitem__):
            rows = order[ends[code] : ends[code + 1]]
            if len(rows):
                yield str(self.names[code]), rows


def names(texts: Iterable[str]) -> Names:
    """An array of texts as they are, of whatever length."""
    held = list(texts)
    found = np.empty(len(held), dtype=np.object_)
    found[:] = held
    return found
