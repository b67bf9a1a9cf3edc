"""The recipe of the model `prompts`: prompt attacks and moderation, on one encoder.

python -m guardrails.training.prompts --data DIR --out DIR
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, normalizers

from guardrails.models.manifest import TOKENIZER
from guardrails.training.composing import Composer, Phrases
from guardrails.training.corpora import ATTACK, CLEAN, HARMFUL, Example, of_moderation, of_prompts, rows
from guardrails.training.encoder import (
    MASK,
    Cut,
    Encoder,
    base,
    batches,
    cuts,
    highest,
    keep_memory,
    logits_of,
    loss_of,
    shortened,
    tensors,
)
from guardrails.training.letters import apart, learning, learnt, with_letters
from guardrails.training.measures import auroc, share_above, threshold_at
from guardrails.training.refit import refit
from guardrails.training.schedule import Schedule, by_layer, down, drawing, hidden, say

WEIGHTS = "encoder.pt"
PHRASES_COUNT = 100
"""Letters of the phrases that attacks are composed of count that often: a pass draws each about as often."""
DEV = ("prompts_dev", "prompts_dev_ood", "moderation_dev")


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, the data and the base aside. `per_source` times the root of a source's size is drawn of
    it for a pass, so a large one does not outvote the rest; `minutes` bounds the whole. `start` is a
    file of weights to go on from."""

    passes: int = 4
    minutes: float = 46.0
    rate: float = 2e-4
    decay_by_layer: float = 0.9
    per_source: float = 20.0
    composed: int = 5000
    everyday: int = 3000
    disguised: int = 3500
    moderation: int = 6600
    masked: float = 0.05
    seed: int = 7
    start: str = ""


def balanced(examples: Sequence[Example], per_source: float, chance: random.Random) -> list[Example]:
    groups: dict[tuple[str, str, bool], list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.kind, example.source, example.lang == "en"].append(example)
    drawn: list[Example] = []
    for (_, source, _), group in sorted(groups.items(), key=lambda pair: pair[0]):
        count = int(per_source * sqrt(len(group)) * (1.6 if source == "prompts.chat" else 1.0))
        whole, rest = divmod(min(count, 3 * len(group)), len(group))
        drawn += group * whole + chance.sample(group, rest)
    return drawn


def drawn(
    recipe: Recipe, prompts: Sequence[Example], moderation: Sequence[Example], composer: Composer
) -> list[Example]:
    """The examples of one pass."""
    chance = composer.chance
    found = balanced(prompts, recipe.per_source, chance)
    disguised = [composer.disguised(example) for example in chance.sample(found, min(2 * recipe.disguised, len(found)))]
    found += [example for example in disguised if example]
    found += chance.sample(list(moderation), min(recipe.moderation, len(moderation)))
    found += [composer.everyday() for _ in range(recipe.everyday)]
    for _ in range(recipe.composed):
        found += [composer.attack(), composer.harmless()]
    return found


def optimiser(model: Encoder, letters: torch.nn.Parameter, recipe: Recipe) -> torch.optim.Optimizer:
    groups = by_layer(model.body, recipe.rate, recipe.decay_by_layer)
    groups.append({"params": [*model.head.parameters(), letters], "lr": recipe.rate * 5})
    return torch.optim.AdamW(groups, weight_decay=0.01, fused=True)


def read_tokenizer(texts: Sequence[str]) -> Tokenizer:
    """MiniLM's, with the letters of `texts` that it lacks, and one form of those that have several: full-width ones."""
    tokenizer = Tokenizer.from_file(str(base() / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), tokenizer.normalizer])
    return with_letters(tokenizer, texts)


def train(recipe: Recipe, data: Path) -> tuple[Encoder, Tokenizer]:
    chance, draw = drawing(recipe.seed)
    prompts = of_prompts(rows(data / "prompts_train.parquet"))
    moderation = of_moderation(rows(data / "moderation_train.parquet"))
    composer = Composer(
        Phrases.shipped(),
        [x.text for x in prompts if x.kind == "benign_doc"],
        [x.text for x in prompts if x.kind == "benign" and len(x.text) < 300],
        [x.text for x in prompts if x.targets == ATTACK and len(x.text) < 500 and x.source != "composed"],
        chance,
    )
    phrases = [text for of in composer.phrases.languages.values() for side in of.values() for text in side]
    model = Encoder(base())
    words = model.body.embeddings.word_embeddings
    if recipe.start:
        tokenizer = Tokenizer.from_file(str(Path(recipe.start) / TOKENIZER))
        model.load_state_dict(torch.load(Path(recipe.start) / WEIGHTS, weights_only=True))
    else:
        tokenizer = read_tokenizer([x.text for x in (*prompts, *moderation)] + phrases * PHRASES_COUNT)
        apart(words, draw)
    optimizer = optimiser(model, learning(words), recipe)
    schedule = Schedule(recipe.passes, recipe.minutes, warm=0.04)
    for one in range(recipe.passes):
        examples = drawn(recipe, prompts, moderation, composer)
        attacks = sum(x.weight for x in examples if x.targets == ATTACK)
        harmless = sum(x.weight for x in examples) - attacks
        balance = (0.5 * (attacks + harmless) / harmless, 0.5 * (attacks + harmless) / attacks)
        given = list(
            batches([shortened(x, 4 if x.example.targets == ATTACK else 2, chance) for x in cuts(tokenizer, examples)])
        )
        chance.shuffle(given)
        model.train()
        behind = partial(hidden, share=recipe.masked, mask=MASK, draw=draw)
        going = partial(step, model=model, optimizer=optimizer, balance=balance, behind=behind)
        schedule.run(one, given, optimizer, going)
    learnt(words)
    return model, tokenizer


def step(
    batch: Sequence[Cut],
    model: Encoder,
    optimizer: torch.optim.Optimizer,
    balance: tuple[float, float],
    behind: Callable[[torch.Tensor], torch.Tensor],
) -> float:
    """One step down the loss; what it was."""
    ids, mask, owners = tensors(batch)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(behind(ids), mask)
    return down(loss_of(highest(logits.float(), owners, len(batch)), batch, balance), model, optimizer)


def frontier(examples: Sequence[Example], scores: np.ndarray) -> None:
    kinds = np.array([x.kind for x in examples])
    sources = np.array([x.source for x in examples])
    hit = np.array([x.targets[0] == 1 for x in examples])
    say(f"auroc {auroc(scores[hit], scores[~hit]):.4f}")
    for limits in ((0.01, 0.02, 0.05), (0.02, 0.04, 0.11), (0.05, 0.1, 0.2)):
        wanted = [
            threshold_at(scores[kinds == k], r)
            for k, r in zip(("benign", "benign_doc", "benign_hard"), limits, strict=True)
        ]
        bar = max(wanted)
        by = {str(s): round(share_above(scores[hit & (sources == s)], bar), 3) for s in sorted(set(sources[hit]))}
        of = {str(k): round(share_above(scores[hit & (kinds == k)], bar), 3) for k in sorted(set(kinds[hit]))}
        say(f"{limits} bars {np.round(wanted, 2)} recall mean {np.mean(list(by.values())):.3f} {by} {of}")


def moderated(data: Path, ordinary: int = 5000) -> list[Example]:
    """What moderation is fitted on: its own rows, harmful requests, and prompts that nobody should flag."""
    prompts = of_prompts(rows(data / "prompts_train.parquet"))
    clean = [example for example in prompts if example.targets == CLEAN]
    harmful = [example for example in prompts if example.targets == HARMFUL]
    some = random.Random(7).sample(clean, min(ordinary, len(clean)))  # noqa: S311 - drawn, not hidden
    return of_moderation(rows(data / "moderation_train.parquet")) + harmful + some


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    given = vars(parser.parse_args())
    data, out = given.pop("data"), given.pop("out")
    recipe = Recipe(**given)
    keep_memory()
    model, tokenizer = train(recipe, data)
    refit(model, cuts(tokenizer, moderated(data)))
    out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), out / WEIGHTS)
    tokenizer.save(str(out / TOKENIZER), pretty=False)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1))
    for name in DEV:
        read = rows(data / f"{name}.parquet")
        examples = of_prompts(read) if name.startswith("prompts") else of_moderation(read)
        logits = logits_of(model, cuts(tokenizer, examples)).numpy()
        np.save(out / f"{name}.npy", logits)
        if name.startswith("prompts"):
            say(name)
            frontier(examples, logits[:, 0])
        else:
            hit = np.array([x.targets[1] == 1 for x in examples])
            say(f"{name} auroc {auroc(logits[hit, 1], logits[~hit, 1]):.4f}")


if __name__ == "__main__":
    main()
