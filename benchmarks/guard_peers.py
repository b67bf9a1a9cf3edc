"""Guards beside their peers, on the same rows in one run: each peer in an environment of its own, at its own threshold.

    secrets          detect-secrets
    pii              Presidio with spaCy's small English model
    prompt_attack    jailguard, with MiniLM in place of the file that it would download

Needs the development install. A peer takes part where the Python of its environment is named:

    python benchmarks/guard_peers.py --data DIR --detect-secrets PYTHON --presidio PYTHON --jailguard PYTHON
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModel

from guardrails.benchmark.spans import Row, read
from guardrails.errors import NotRun
from guardrails.guard import Finder, Guard
from guardrails.guards.pii import Pii
from guardrails.guards.prompt_attack import PromptAttack
from guardrails.guards.secrets import Secrets
from guardrails.models.local import LocalModels
from guardrails.passage import ALONE, Passage
from guardrails.training.corpora import Example, of_prompts, rows
from guardrails.training.encoder import base

ASK = Path(__file__).parent / "targets" / "ask_guard.py"
Spans = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Said:
    """Of each text the spans that were found, and the seconds all took."""

    spans: Sequence[Spans]
    seconds: float


def asked(name: str, python: str, texts: Sequence[str], **environment: str) -> Said:
    given = "".join(json.dumps(text) + "\n" for text in texts)
    command = [python, str(ASK), name]
    done = subprocess.run(
        command, input=given, text=True, stdout=subprocess.PIPE, check=True, env={**os.environ, **environment}
    )
    *spans, seconds = map(json.loads, done.stdout.splitlines())
    return Said(spans, seconds)


def ours(guard: Guard, texts: Sequence[str]) -> Said:
    began = time.perf_counter()
    if isinstance(guard, Finder):
        found: list[Spans] = [
            [(one.start, one.end) for one in guard.spans(text, ALONE) if one.score >= guard.threshold] for text in texts
        ]
    else:
        found = asyncio.run(judged(guard, texts))
    return Said(found, time.perf_counter() - began)


async def judged(guard: Guard, texts: Sequence[str]) -> list[Spans]:
    models, found = LocalModels(), list[Spans]()
    for text in texts:
        try:
            score = (await guard.judge(Passage(text), ALONE, models)).score
        except NotRun:
            score = 0.0
        found.append([(0, len(text))] if score >= guard.threshold else [])
    models.close()
    return found


def span_line(name: str, given: Sequence[Row], said: Said) -> str:
    """A known span is found where a find touches it, whatever either calls it."""

    def touched(one: Sequence[int], others: Spans) -> bool:
        return any(start < one[1] and one[0] < end for start, end in others)

    known = [(span, found) for row, found in zip(given, said.spans, strict=True) for span in row.spans]
    finds = [(find, row.spans) for row, found in zip(given, said.spans, strict=True) for find in found]
    clean = [bool(found) for row, found in zip(given, said.spans, strict=True) if not row.spans]
    recall = sum(touched(span[:2], found) for span, found in known) / len(known)
    right = sum(touched(find, [span[:2] for span in spans]) for find, spans in finds) / max(1, len(finds))
    alarms = sum(clean) / max(1, len(clean))
    return f"| {name} | {recall:.3f} | {right:.3f} | {alarms:.3f} | {said.seconds / len(given) * 1000:.2f} |"


def prompt_line(name: str, given: Sequence[Example], said: Said) -> str:
    flagged: dict[str, list[bool]] = defaultdict(list)
    for example, found in zip(given, said.spans, strict=True):
        flagged[example.source if example.targets[0] == 1 else example.kind].append(bool(found))
    share = {group: sum(of) / len(of) for group, of in flagged.items()}
    sources = {example.source for example in given if example.targets[0] == 1}
    recall = sum(share[source] for source in sources) / len(sources)
    alarms = " | ".join(f"{share[kind]:.3f}" for kind in ("benign", "benign_doc", "benign_hard"))
    return f"| {name} | {recall:.3f} | {alarms} | {said.seconds / len(given) * 1000:.2f} |"


def exported(folder: Path) -> None:
    """The packaged MiniLM, where jailguard looks for the one that it would download."""
    model = AutoModel.from_pretrained(base(), attn_implementation="eager", add_pooling_layer=False).eval()
    ids = torch.tensor([[101, 2023, 102], [101, 2003, 102]])
    size = {0: torch.export.Dim("texts", max=4096), 1: torch.export.Dim("tokens", max=512)}
    torch.onnx.export(
        model,
        kwargs={"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)},
        f=folder / "all-MiniLM-L6-v2.onnx",
        input_names=["input_ids", "attention_mask", "token_type_ids"],
        output_names=["last_hidden_state"],
        dynamic_shapes={name: size for name in ("input_ids", "attention_mask", "token_type_ids")},
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    for peer in ("detect-secrets", "presidio", "jailguard"):
        parser.add_argument(f"--{peer}", help="the Python of an environment that has it")
    given = parser.parse_args()
    for guard, peer, file in (
        (Secrets(guard="secrets"), "detect-secrets", "secrets_dev"),
        (Pii(guard="pii"), "presidio", "pii_dev"),
    ):
        known = read(given.data / f"{file}.parquet")
        texts = [row.text for row in known]
        print(f"| {file} | recall | precision | texts without a span flagged | ms a text |\n|---|---|---|---|---|")
        print(span_line(guard.guard, known, ours(guard, texts)))
        if python := getattr(given, peer.replace("-", "_")):
            print(span_line(peer, known, asked(peer, python, texts)))
        print()
    examples = of_prompts(rows(given.data / "prompts_dev_ood.parquet"))
    texts = [example.text for example in examples]
    kinds = "benign | benign_doc | benign_hard"
    print(f"| prompts_dev_ood | recall, mean of sources | {kinds} flagged | ms a text |\n|---|---|---|---|---|---|")
    print(prompt_line("prompt_attack", examples, ours(PromptAttack(guard="prompt_attack"), texts)))
    if given.jailguard:
        with tempfile.TemporaryDirectory() as folder:
            exported(Path(folder))
            print(
                prompt_line(
                    "jailguard", examples, asked("jailguard", given.jailguard, texts, JAILGUARD_MODEL_DIR=folder)
                )
            )


if __name__ == "__main__":
    main()
