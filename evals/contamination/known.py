"""What the candidate of a run may know of a suite: the sets that the suite names, and the prompt of the release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.contamination.check import Text, check
from evals.contamination.cleared import read_cleared
from evals.contamination.findings import Findings
from evals.contamination.sets import file, items_of, prompt
from evals.evidence import Contamination
from evals.sample import Json
from evals.suite import Suite

PROMPT = "the prompt"


def look(suite: Suite, messages: Sequence[Json] = ()) -> Findings | None:
    """`messages` are those of the prompt. None where there is nothing to look at. Raises `BadInput` for a file that is
    not there."""
    against: dict[str, Iterable[Text]] = {name: file(suite.folder / name) for name in suite.contamination.sets}
    if messages:
        against[PROMPT] = prompt(messages)
    return check(items_of(suite.dataset.samples), against) if against else None


def evidence(suite: Suite, messages: Sequence[Json] = ()) -> Contamination | None:
    """Without what people cleared. Raises `BadInput`."""
    findings = look(suite, messages)
    if findings is None:
        return None
    cleared = suite.contamination.cleared
    return findings.evidence(read_cleared(suite.folder / cleared) if cleared is not None else {})
