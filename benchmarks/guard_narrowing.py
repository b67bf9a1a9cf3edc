"""What is taken out of a document that holds an attack: how much of the attack, and how much of the document.

    python -m benchmarks.guard_narrowing --data DIR

An attack, an override and what it wants, stands before, between or behind two pieces of documents whose sources the
model was not trained on. It was trained on the words of these attacks, so this says nothing of how many are found.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from guardrails.engine import Engine
from guardrails.models.local import LocalModels
from guardrails.passage import Passage
from guardrails.policy import parse
from guardrails.training.composing import Composer, Phrases
from guardrails.training.corpora import rows

TIMES = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """Of one document: the shares of the attack and of the rest that are taken out."""

    attack: float
    rest: float
    milliseconds: float


def composer(data: Path) -> Composer:
    documents = [str(row["text"]) for row in rows(data / "prompts_dev_ood.parquet") if row["kind"] == "benign_doc"]
    chance = random.Random(3)
    return Composer(Phrases.shipped(), documents, (), (), chance)


async def taken(engine: Engine, made: Composer) -> Taken | None:
    """None where the attack is not found."""
    chance, phrases = made.chance, made.phrases
    attack = f"{chance.choice(phrases.overrides)} {chance.choice(phrases.payloads)}"
    pieces = [made.excerpt(), made.excerpt()]
    pieces.insert(chance.randint(0, 2), attack)
    text = " ".join(pieces)
    (verdict,) = (await engine.check("documents", [Passage(text, "documents")])).verdicts
    if not verdict.flagged:
        return None
    start = text.index(attack)
    theirs = set(range(start, start + len(attack)))
    gone = {place for span in verdict.spans for place in range(span.start, span.end)}
    return Taken(len(gone & theirs) / len(theirs), len(gone - theirs) / (len(text) - len(theirs)), verdict.milliseconds)


async def run(data: Path) -> None:
    models, made = LocalModels(), composer(data)
    for action in ("flag", "redact"):
        engine = Engine(parse({"documents": [{"guard": "prompt_attack", "action": action}]}), models)
        made.chance.seed(3)
        found = [one for _ in range(TIMES) if (one := await taken(engine, made)) is not None]
        sys.stdout.write(
            f"{'sentences' if action == 'redact' else 'windows'}: {len(found)} of {TIMES} found; "
            f"of attacks {sum(one.attack for one in found) / len(found):.3f} taken out, "
            f"of documents {sum(one.rest for one in found) / len(found):.3f}; "
            f"nearly all of the document in {sum(one.rest > 0.7 for one in found) / len(found):.3f}; "
            f"{median(one.milliseconds for one in found):.0f} ms\n"
        )
    models.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    asyncio.run(run(parser.parse_args().data))


if __name__ == "__main__":
    main()
