"""What guards of a call did is on `/metrics`, whether the call was let in or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.inside import inside

pytestmark = pytest.mark.anyio

POLICIES = """
policies:
  strict:
    input:
      - {guard: patterns, name: words, words: [frobozz], action: block}
      - {guard: language, allow: [en]}
    output: [{guard: patterns, name: words, words: [xyzzy], action: redact}]
  dry:
    dry_run: true
    input: [{guard: patterns, name: words, words: [frobozz], action: block}]
endpoints:
  bot: {upstream: up, policy: strict}
  trying: {upstream: up, policy: dry}
  free: {upstream: up}
"""


async def test_judgements_are_counted(tmp_path: Path) -> None:
    up = {"provider": "scripted", "model": "m", "rules": [{"when": "word", "say": "It is xyzzy today, they say."}]}
    async with inside(tmp_path, upstreams={"up": up}) as running:
        await running.apply(POLICIES)
        headers = await running.key("viewer")
        for model, said in (("bot", "frobozz"), ("bot", "word"), ("trying", "frobozz"), ("free", "frobozz")):
            body = {"model": model, "messages": [{"role": "user", "content": said}]}
            await running.client.post("/v1/chat/completions", json=body, headers=headers)
        text = (await running.client.get("/metrics", headers=headers)).text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    counted = {
        tuple(one.labels[name] for name in ("guard", "stage", "action", "would", "not_run")): one.value
        for one in samples
        if one.name == "sluice_guard_verdicts_total"
    }
    assert counted == {
        ("words", "input", "block", "", ""): 1,
        ("language", "input", "allow", "", "ended"): 1,
        ("words", "input", "allow", "", ""): 1,
        ("language", "input", "allow", "", "idle"): 1,
        ("words", "output", "redact", "", ""): 1,
        ("words", "input", "allow", "block", ""): 1,
    }
    (times,) = [one.value for one in samples if one.name == "sluice_guard_seconds_count"]
    assert times == 4
