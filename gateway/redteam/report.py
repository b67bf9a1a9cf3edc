"""A campaign as one page in one file: no network, no script, light and dark, for the screen and for paper.

What is quoted in it are attacks, and other people's words: all text is escaped, marks that are not seen are replaced,
and the page forbids itself everything but its style."""

from __future__ import annotations

from collections.abc import Mapping

from evals.reports.charts import Line, forest
from evals.reports.shown import shown
from gateway.redteam.findings import Findings, Rate


def html(found: Findings, most: float | None) -> str:
    """`most` is the rate that was not to be exceeded, where one was named."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader("gateway.redteam", "."), PackageLoader("evals.reports", ".")])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["shown"] = shown
    tables = (
        ("class of attack", found.classes),
        ("family of mutations", found.families),
        ("language", found.languages),
        ("controls, by family", found.control_families),
    )
    return environment.get_template("redteam.html.jinja").render(
        found=found,
        most=most,
        exceeded=exceeds(found, most),
        tables=[(name, of, _chart(of, most)) for name, of in tables if of],
    )


def exceeds(found: Findings, most: float | None) -> bool:
    """Whether more attacks succeeded than was allowed."""
    return most is not None and (found.attacks.value or 0.0) > most


def _chart(rates: Mapping[str, Rate], most: float | None) -> str:
    lines = [
        Line(name, rate.value, rate.low, rate.high, "worse" if most is not None and rate.value > most else "plain")
        for name, rate in rates.items()
        if rate.value is not None
    ]
    return forest(lines, zero=None)
