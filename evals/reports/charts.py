"""Charts as SVG, made here: no script, no network; they take the page's colours, and each point says what it is when it
is pointed at. The numbers stand in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, LABEL, NUMBER = 720, 26, 220, 170


@dataclass(frozen=True, slots=True)
class Line:
    """A mean with its interval; None where it is not known. `worse` marks what is shown to be worse, `better` the
    other."""

    label: str
    value: float
    low: float | None
    high: float | None
    tone: str = "plain"


def forest(lines: Sequence[Line], zero: float | None = 0.0) -> str:
    """One under the other on a common scale, with a line at `zero`."""
    if not lines:
        return ""
    ends = [end for line in lines for end in (line.value, line.low, line.high) if end is not None]
    ends += [zero] if zero is not None else []
    least, most = min(ends), max(ends)
    pad = (most - least) * 0.06 or 0.05
    least, most = least - pad, most + pad
    left, right = LABEL, WIDTH - NUMBER

    def x(value: float) -> float:
        return round(left + (value - least) / (most - least) * (right - left), 1)

    height = ROW * len(lines) + 12
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" class="chart">']
    if zero is not None:
        parts.append(f'<line x1="{x(zero)}" x2="{x(zero)}" y1="4" y2="{height - 6}" class="zero"/>')
    for number, line in enumerate(lines):
        parts.append(_line(line, ROW * number + ROW // 2 + 4, x))
    return "".join([*parts, "</svg>"])


def bars(counts: Sequence[tuple[str, int]]) -> str:
    """How many of each, from left to right."""
    if not counts:
        return ""
    most = max(count for _, count in counts) or 1
    width = WIDTH / len(counts)
    parts = [f'<svg viewBox="0 0 {WIDTH} 150" role="img" class="chart">']
    for number, (label, count) in enumerate(counts):
        height = round(110 * count / most, 1)
        at = f'x="{round(number * width + 2, 1)}" y="{120 - height}" width="{round(width - 4, 1)}" height="{height}"'
        parts.append(f"<g><title>{escape(label)}: {count}</title><rect {at} class='bar'/>")
        parts.append(f'<text x="{round((number + 0.5) * width, 1)}" y="138" class="tick">{escape(label)}</text></g>')
    return "".join([*parts, "</svg>"])


def _line(line: Line, y: int, x: object) -> str:
    assert callable(x)
    said = f"{line.value:+.3f}" if line.low is None else f"{line.value:+.3f} [{line.low:+.3f}, {line.high:+.3f}]"
    label = line.label if len(line.label) <= 34 else line.label[:33] + "…"
    parts = [f'<g class="{line.tone}"><title>{escape(line.label)}: {said}</title>']
    parts.append(f'<text x="{LABEL - 12}" y="{y + 4}" class="label">{escape(label)}</text>')
    if line.low is not None and line.high is not None:
        parts.append(f'<line x1="{x(line.low)}" x2="{x(line.high)}" y1="{y}" y2="{y}" class="reach"/>')
    parts.append(f'<circle cx="{x(line.value)}" cy="{y}" r="4.5"/>')
    parts.append(f'<text x="{WIDTH - NUMBER + 12}" y="{y + 4}" class="number">{said}</text></g>')
    return "".join(parts)
