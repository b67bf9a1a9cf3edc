"""How findings are said, alike in every form of a report."""

from __future__ import annotations

from collections.abc import Mapping

from evals.evaluation.findings import Finding, SliceFound, State, between, number

STATES: Mapping[State, str] = {"met": "met", "missed": "missed", "unknown": "not known", "invalid": "no evidence"}


def measured(one: Finding) -> str:
    """The number with its interval, in its unit; of what has none, what was found."""
    if one.kind in ("gate", "integrity"):
        return one.reasons[0]
    if one.measured is None:
        return "not known"
    signed = one.unit == "difference"
    return f"{between(one.measured, one.low, one.high, signed)} {'' if signed else one.unit}".rstrip()


def value(one: Finding) -> str:
    """The number alone, in its unit; of what has none, what was found."""
    if one.kind in ("gate", "integrity") or one.measured is None:
        return measured(one)
    return f"{number(one.measured, one.unit == 'difference')} {'' if one.unit == 'difference' else one.unit}".rstrip()


def interval(one: Finding) -> str:
    """Empty where there is none."""
    if one.low is None or one.high is None:
        return ""
    signed = one.unit == "difference"
    return f"{number(one.low, signed)} to {number(one.high, signed)}"


def worse(one: SliceFound) -> str:
    return between(one.worse, one.low, one.high, signed=True)


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
