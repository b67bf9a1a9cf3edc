"""What makes a run no evidence, whatever it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals.evidence import ALWAYS_LOWER, Counts, EvalEvidence, Grading, Item, JudgeFacts

if TYPE_CHECKING:
    from evals.gate import Requirement

LEAST_LABELLED = 30
"""People's labels of each kind before a judge's sensitivity and specificity say anything: of fewer the interval is more
than 30 points wide."""
LEAST_GRADED = 2 * LEAST_LABELLED
"""People's grades before a judge's agreement with them says anything."""


def why_invalid(requirement: Requirement, evidence: EvalEvidence, now: float) -> str | None:
    """In words; None where the run can be judged by this requirement."""
    return (
        _out_of_date(requirement, evidence, now)
        or _turned(requirement, evidence)
        or _lacking(requirement, evidence)
        or _share_of_nothing(requirement, evidence)
        or _shortened(requirement, evidence)
        or _contaminated(requirement, evidence)
        or _reused(evidence)
        or _misjudged(evidence.judge_of(requirement.metric))
        or _beyond_the_judge(requirement, evidence)
    )


def look_sizes(samples: int, looks: int) -> tuple[int, ...]:
    """After how many samples a run is looked at: at equal distances, the last time when all were asked."""
    return tuple(-(-samples * (look + 1) // looks) for look in range(looks))


def notes(requirement: Requirement, evidence: EvalEvidence) -> list[str]:
    """What does not make a run invalid, and people should know."""
    judge = evidence.judge_of(requirement.metric)
    if judge is None:
        return []
    found = []
    if judge.family is not None and judge.family == judge.judged:
        found.append(f"judge and candidate are both of the family {judge.family}: a judge prefers its own")
    values = {value for item in evidence.items for value in _values(item, requirement.metric)}
    if judge.grading is not None:
        found.append("it is not corrected for the judge's errors: the judge gives grades")
    elif not values <= {0.0, 1.0}:
        found.append("it is not corrected for the judge's errors: its values are not all 0 or 1")
    return found


def _values(item: Item, metric: str) -> list[float]:
    return [scores[metric] for scores in (item.candidate, item.baseline or {}) if metric in scores]


def _out_of_date(requirement: Requirement, evidence: EvalEvidence, now: float) -> str | None:
    if now - evidence.made > requirement.lasts:
        how = "ask anew, with another --answers where they were kept"
        return f"the run's oldest answer is older than {requirement.max_age}: {how}"
    if evidence.made > now + 3600:
        return "the run says that it was made in time to come"
    return None


def _turned(requirement: Requirement, evidence: EvalEvidence) -> str | None:
    """A gate that takes more for better, of what less is better of, lets pass what is worse."""
    lower = requirement.metric in evidence.lower or requirement.metric in ALWAYS_LOWER
    if requirement.compares and requirement.direction == "higher" and lower:
        return f"less {requirement.metric} is better, and the gate takes more for better: write direction: lower"
    return None


def _lacking(requirement: Requirement, evidence: EvalEvidence) -> str | None:
    metric = requirement.metric
    lacking = sum(metric not in item.candidate for item in evidence.items)
    if requirement.compares:
        if evidence.baseline is None:
            return "the run has no baseline to compare with"
        lacking += sum(metric not in (item.baseline or {}) for item in evidence.items)
    if lacking:
        return f"{lacking} results have no {metric}: what is left out may be what went wrong"
    return None


def _share_of_nothing(requirement: Requirement, evidence: EvalEvidence) -> str | None:
    if not requirement.relative or any((item.baseline or {}).get(requirement.metric) for item in evidence.items):
        return None
    return f"the live release's {requirement.metric} is 0 throughout: no share of it is a margin"


def _shortened(requirement: Requirement, evidence: EvalEvidence) -> str | None:
    """A run that is looked at may end with a look, and only then."""
    if evidence.samples is None and requirement.looks > 1:
        return "a gate with looks must know how many samples the dataset has"
    if evidence.samples is None or len(evidence.items) == evidence.samples:
        return None
    if len(evidence.items) in look_sizes(evidence.samples, requirement.looks):
        return None
    missing = evidence.samples - len(evidence.items)
    return f"{missing} of the dataset's {evidence.samples} samples are missing: what is left out may be what went wrong"


def _contaminated(requirement: Requirement, evidence: EvalEvidence) -> str | None:
    held = evidence.contamination
    if held is None or held.found <= requirement.contaminated * len(evidence.items):
        return None
    sets = sorted({example["set"] for example in held.examples if "set" in example}) or list(held.sets)
    return f"{held.found} of {len(evidence.items)} items are in {', '.join(sets)} too: it may know them by heart"


def _reused(evidence: EvalEvidence) -> str | None:
    if not evidence.reused:
        return None
    return f"{evidence.reused} answers came from a cache, or were shared by repeats: they are not answers of their own"


def _misjudged(judge: JudgeFacts | None) -> str | None:
    """Below the stated quality, or before it is known, a judge advises, and proves nothing."""
    if judge is None:
        return None
    if judge.moved:
        return "its judge has moved since it was calibrated: it proves nothing until it is calibrated anew"
    if judge.grading is not None:
        return _disagreeing(judge.grading, judge.least)
    if judge.counts is None:
        return "its judge was not calibrated on what people labelled: it advises, and proves nothing"
    right, wrong = of_right(judge.counts), of_wrong(judge.counts)
    if min(right, wrong) < LEAST_LABELLED:
        return (
            f"its judge was calibrated on {right} right and {wrong} wrong answers, fewer than {LEAST_LABELLED} of each"
        )
    sensitivity, specificity = judge.counts.true_right / right, judge.counts.true_wrong / wrong
    if min(sensitivity, specificity) < judge.least:
        found = f"knows {sensitivity:.0%} of right and {specificity:.0%} of wrong answers"
        return f"its judge {found}, less than {judge.least:.0%}: it advises, and proves nothing"
    if sensitivity + specificity <= 1 + 2 / LEAST_LABELLED:
        return "its judge is right hardly more often than chance: it proves nothing"
    return None


def _beyond_the_judge(requirement: Requirement, evidence: EvalEvidence) -> str | None:
    """A judge that calls more of a run's answers right than it called of right ones, or fewer than it called of wrong
    ones, by more than three standard errors, is not what it was when it was calibrated."""
    judge = evidence.judge_of(requirement.metric)
    if judge is None or judge.counts is None:
        return None
    arms = [item.candidate for item in evidence.items], [item.baseline for item in evidence.items if item.baseline]
    for values in ([arm[requirement.metric] for arm in held if requirement.metric in arm] for held in arms):
        if values and set(values) <= {0.0, 1.0}:
            found, n = sum(values) / len(values), len(values)
            for most, of, above in _ends(judge.counts):
                spread = 3 * (most * (1 - most) * (1 / of + 1 / n)) ** 0.5
                if (found - most if above else most - found) > spread:
                    return (
                        f"its judge calls {found:.0%} of the answers right, and when it was calibrated "
                        f"{most:.0%} of {'right' if above else 'wrong'} ones: it is not what it was"
                    )
    return None


def _ends(counts: Counts) -> tuple[tuple[float, int, bool], tuple[float, int, bool]]:
    """Which share it calls right of right and of wrong answers (with one more of each kind, as for corrections), and of
    how many that is known; whether more is not to be had."""
    right, wrong = of_right(counts), of_wrong(counts)
    return ((counts.true_right + 1) / (right + 2), right + 2, True), (
        (counts.false_right + 1) / (wrong + 2),
        wrong + 2,
        False,
    )


def _disagreeing(grading: Grading, least: float) -> str | None:
    if grading.n < LEAST_GRADED:
        return f"its judge was calibrated on {grading.n} grades of people, fewer than {LEAST_GRADED}"
    if grading.alpha is None:
        return "its judge and people gave one grade to all: whether they agree cannot be told, and it proves nothing"
    if grading.alpha < least:
        found = f"agrees with people's grades by {grading.alpha:.2f} (Krippendorff's alpha)"
        return f"its judge {found}, less than {least:.2f}: it advises, and proves nothing"
    return None


def of_right(counts: Counts) -> int:
    return counts.true_right + counts.false_wrong


def of_wrong(counts: Counts) -> int:
    return counts.true_wrong + counts.false_right
