"""How well a guard finds spans: precision and recall by type, over texts whose spans are known.

A span that was to be found is *hit* where a find touches it; *exactly* where one has its start and its end. A find is
right where it touches a span that was to be found; what it was called does not matter, as guards have their own names
for types. Texts without spans are what false alarms are counted on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails.errors import BadInput, Missing
from guardrails.guard import Finder
from guardrails.passage import ALONE

Known = tuple[int, int, str]
"""Start, end and type of a span that is to be found."""


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    spans: tuple[Known, ...]
    kind: str = ""
    """What the text is an example of, where the file says (its column `type`)."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Counts for one type. `exact` of those that were `hit` have the right start and end."""

    known: int
    hit: int
    exact: int

    @property
    def recall(self) -> float | None:
        """From 0 to 1; None where there was nothing to find."""
        return self.hit / self.known if self.known else None


@dataclass(frozen=True, slots=True)
class Table:
    """`found` counts all finds, `right` those that touch a known span, `exact` those that are one. `clean` are texts
    without a span, `alarmed` those of them with a find; `alarms` counts them by the kind of text."""

    by_type: Mapping[str, Hits]
    found: int
    right: int
    exact: int
    clean: int
    alarmed: int
    alarms: Mapping[str, int]

    @property
    def total(self) -> Hits:
        rows = self.by_type.values()
        return Hits(sum(row.known for row in rows), sum(row.hit for row in rows), sum(row.exact for row in rows))

    @property
    def precision(self) -> float | None:
        """Of all finds the share that touches a known span; None where nothing was found."""
        return self.right / self.found if self.found else None

    @property
    def false_alarms(self) -> float | None:
        """Of the texts without a span the share with a find."""
        return self.alarmed / self.clean if self.clean else None

    def markdown(self) -> str:
        """One line a type, and the whole."""
        total = self.total
        lines = ["| type | spans | recall | exact |", "| --- | ---: | ---: | ---: |"]
        for name, hits in [*sorted(self.by_type.items()), ("all", total)]:
            lines.append(
                f"| {name} | {hits.known} | {_share(hits.hit, hits.known)} | {_share(hits.exact, hits.known)} |"
            )
        right, exact = _share(self.right, self.found), _share(self.exact, self.found)
        lines.append(f"\nPrecision {right} of {self.found} finds, exact {exact}; false alarms on {self.alarmed} of")
        lines.append(f"{self.clean} texts without a span ({_share(self.alarmed, self.clean)}).")
        return "\n".join(lines)


def table(guard: Finder, rows: Iterable[Row]) -> Table:
    """What the guard finds in each text from its threshold on, held against what is known of it."""
    known: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    found = right = same = clean = 0
    for row in rows:
        finds = [(one.start, one.end) for one in guard.spans(row.text, ALONE) if one.score >= guard.threshold]
        wanted = [(start, end) for start, end, _ in row.spans]
        for start, end, kind in row.spans:
            known[kind] += 1
            hit[kind] += _touched((start, end), finds)
            exact[kind] += (start, end) in finds
        found += len(finds)
        right += sum(_touched(find, wanted) for find in finds)
        same += sum(find in wanted for find in finds)
        if not wanted:
            clean += 1
            alarms[row.kind] += bool(finds)
    by_type = {kind: Hits(known[kind], hit[kind], exact[kind]) for kind in known}
    return Table(by_type, found, right, same, clean, alarms.total(), {kind: n for kind, n in alarms.items() if n})


def read(path: Path) -> list[Row]:
    """Rows of a Parquet file with `text` and `spans`, a list of {start, end, type}; `type` of the row where it has one.
    Raises `BadInput`, `Missing`."""
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import read_table
    except ImportError as error:
        raise Missing.extra("pyarrow", "evals") from error
    try:
        rows: list[dict[str, Any]] = read_table(path).to_pylist()
    except (OSError, ArrowInvalid) as error:
        raise BadInput(f"cannot be read: {error}.", file=str(path)) from error
    if rows and not {"text", "spans"} <= rows[0].keys():
        raise BadInput("has no columns `text` and `spans`.", file=str(path))
    return [
        Row(row["text"], tuple((one["start"], one["end"], one["type"]) for one in row["spans"]), row.get("type") or "")
        for row in rows
    ]


def _touched(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "none"
