"""Charts as SVG, made here: no script, no network; they take the page's colours, and each point says what it is when it
is pointed at. The numbers stand in a table beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, LABEL, NUMBER, SQUARE = 720, 26, 220, 170, 260


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
        parts.append(_line(line, ROW * number + ROW // 2 + 4, x, "" if zero is None else "+"))
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in the unit square, of `n` answers; what it says when it is pointed at."""

    x: float
    y: float
    said: str
    n: int = 0


def square(dots: Sequence[Dot], across: str, up: str, joined: bool = False) -> str:
    """Of rates: both from 0 to 1, with the line on which they are the same. Dots are as large as they have answers; or
    are joined to a curve."""
    if not dots:
        return ""
    parts = [f'<svg viewBox="0 0 {SQUARE + 70} {SQUARE + 56}" role="img" class="chart square">']
    parts.append(f"<title>{escape(up)} by {escape(across)}</title>")
    parts.append(f'<rect x="52" y="12" width="{SQUARE}" height="{SQUARE}" class="frame"/>')
    parts.append(f'<line x1="52" y1="{SQUARE + 12}" x2="{SQUARE + 52}" y2="12" class="zero"/>')
    for at in (0, 0.5, 1):
        parts.append(f'<text x="{_across(at)}" y="{SQUARE + 28}" class="tick">{at:g}</text>')
        parts.append(f'<text x="44" y="{_up(at) + 4}" class="label">{at:g}</text>')
    parts.append(f'<text x="{_across(0.5)}" y="{SQUARE + 46}" class="tick">{escape(across)}</text>')
    middle = f'x="14" y="{_up(0.5)}" transform="rotate(-90 14 {_up(0.5)})"'
    parts.append(f'<text {middle} class="tick">{escape(up)}</text>')
    if joined:
        points = " ".join(f"{_across(dot.x)},{_up(dot.y)}" for dot in dots)
        parts.append(f'<polyline points="{points}" class="reach"/>')
    else:
        most = max(dot.n for dot in dots) or 1
        for dot in dots:
            radius = round(3 + 7 * (dot.n / most) ** 0.5, 1)
            mark = f'<circle cx="{_across(dot.x)}" cy="{_up(dot.y)}" r="{radius}"/>'
            parts.append(f"<g><title>{escape(dot.said)}</title>{mark}</g>")
    return "".join([*parts, "</svg>"])


def _across(value: float) -> float:
    return round(52 + value * SQUARE, 1)


def _up(value: float) -> float:
    return round(12 + (1 - value) * SQUARE, 1)


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


def _line(line: Line, y: int, x: Callable[[float], float], sign: str) -> str:
    said, *ends = [format(end, f"{sign}.3f") for end in (line.value, line.low, line.high) if end is not None]
    said += f" [{', '.join(ends)}]" if ends else ""
    label = line.label if len(line.label) <= 34 else line.label[:33] + "…"
    parts = [f'<g class="{line.tone}"><title>{escape(line.label)}: {said}</title>']
    parts.append(f'<text x="{LABEL - 12}" y="{y + 4}" class="label">{escape(label)}</text>')
    if line.low is not None and line.high is not None:
        parts.append(f'<line x1="{x(line.low)}" x2="{x(line.high)}" y1="{y}" y2="{y}" class="reach"/>')
    parts.append(f'<circle cx="{x(line.value)}" cy="{y}" r="4.5"/>')
    parts.append(f'<text x="{WIDTH - NUMBER + 12}" y="{y + 4}" class="number">{said}</text></g>')
    return "".join(parts)
