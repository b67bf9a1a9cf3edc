"""Whether an answer calls the tools that it should, with the right arguments, in order, and no others."""

from __future__ import annotations

from typing import ClassVar, Literal

from evals.sample import Output, Sample, Score, ToolCall
from evals.scorers.base import Comparing, Instruments
from evals.scorers.calls import Arguments, Wanted, calls_of, fits, shown, wanted_calls


class Tools(Comparing):
    """`expected` lists calls, each a name or `{name, arguments}`; an empty list says that no tool may be called. With
    `order: any` they may come in whatever order; with `extra: allow` others may come in between. With `partial: true`
    the score is not 1 or 0 but the F1 of expected and made calls.

    `arguments` are `equal`, or need only `contain` the expected ones, or are left out of account (`ignore`)."""

    about: ClassVar[str] = "1 where the right tools are called with the right arguments, else 0; or their F1"
    kind: Literal["tools"] = "tools"
    order: Literal["same", "any"] = "same"
    extra: Literal["refuse", "allow"] = "refuse"
    arguments: Arguments = "equal"
    partial: bool = False

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        expected = self.wanted(sample)
        if expected is None:
            return self.nothing()
        try:
            wanted = wanted_calls(expected)
        except ValueError as error:
            return Score(None, f"what is expected is no list of calls: {error}")
        made = calls_of(output)
        pairs = self._in_order(wanted, made) if self.order == "same" else self._in_any_order(wanted, made)
        missing = [shown(call) for at, call in enumerate(wanted) if at not in pairs]
        taken = set(pairs.values())
        surplus = [shown(call) for at, call in enumerate(made) if at not in taken] if self.extra == "refuse" else []
        reason = "; ".join(
            f"{what}: {', '.join(calls[:5])}"
            for what, calls in (("missing", missing), ("not asked for", surplus))
            if calls
        )
        counted = len(wanted) + len(taken) + len(surplus)
        share = 2 * len(pairs) / counted if counted else 1.0
        value = share if self.partial else float(not missing and not surplus)
        return Score(value, reason, details={"missing": missing, "surplus": surplus} if reason else {})

    def _in_order(self, wanted: list[Wanted], made: list[ToolCall]) -> dict[int, int]:
        """The longest common subsequence: which wanted call each made call is."""
        best = [[0] * (len(made) + 1) for _ in range(len(wanted) + 1)]
        for i in range(len(wanted) - 1, -1, -1):
            for j in range(len(made) - 1, -1, -1):
                fit = best[i + 1][j + 1] + 1 if fits(made[j], wanted[i], self.arguments) else 0
                best[i][j] = max(fit, best[i + 1][j], best[i][j + 1])
        pairs: dict[int, int] = {}
        i = j = 0
        while i < len(wanted) and j < len(made):
            if fits(made[j], wanted[i], self.arguments) and best[i][j] == best[i + 1][j + 1] + 1:
                pairs[i] = j
                i, j = i + 1, j + 1
            elif best[i + 1][j] >= best[i][j + 1]:
                i += 1
            else:
                j += 1
        return pairs

    def _in_any_order(self, wanted: list[Wanted], made: list[ToolCall]) -> dict[int, int]:
        """The most pairs there can be: a call that fits several is given to the one that needs it."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_bipartite_matching

        if not wanted or not made:
            return {}
        fitting = csr_array([[fits(call, one, self.arguments) for call in made] for one in wanted])
        matched = maximum_bipartite_matching(fitting, perm_type="column")
        return {i: int(j) for i, j in enumerate(matched) if j >= 0}
