"""A small model, made on the spot: its logit of a label is how many tokens of a window are the label's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails.models.manifest import FILE, MODEL, TOKENIZER, digest

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "attack", "rude", "plain", "text")
LABELS = ("attack", "rude")


def tokenizer() -> str:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return str(made.to_str())


def network() -> bytes:
    """Looks up a row of numbers for each token and adds them up."""
    onnx = pytest.importorskip("onnx")
    rows = np.zeros((len(WORDS), len(LABELS)), np.float32)
    rows[WORDS.index("attack"), 0] = rows[WORDS.index("rude"), 1] = 1
    helper, kind = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["rows", "input_ids"], ["found"]),
            helper.make_node("ReduceSum", ["found", "axis"], ["logits"], keepdims=0),
            helper.make_node("LpNormalization", ["logits"], ["unit_vector"], axis=1, p=2),
        ],
        "counting",
        [helper.make_tensor_value_info("input_ids", kind.INT64, ["windows", "tokens"])],
        [
            helper.make_tensor_value_info(name, kind.FLOAT, ["windows", len(LABELS)])
            for name in ("logits", "unit_vector")
        ],
        [onnx.numpy_helper.from_array(rows, "rows"), onnx.numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def greedy() -> bytes:
    """As `network`, and asks for more memory than there is where a window has `rude` in it: four pebibytes a token."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    model = onnx.load_from_string(network())
    sizes = np.zeros((len(WORDS), 1), np.int64)
    sizes[WORDS.index("rude")] = 2**50
    constants = {"sizes": sizes, "one": np.array([1]), "tokens": np.array([0, 1]), "zero": np.zeros(1, np.float32)}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    model.graph.node[1].output[0] = "counted"
    model.graph.node[2].input[0] = "counted"
    model.graph.node.extend(
        [
            helper.make_node("Gather", ["sizes", "input_ids"], ["wanted"]),
            helper.make_node("ReduceSum", ["wanted", "tokens"], ["sum"], keepdims=0),
            helper.make_node("Add", ["sum", "one"], ["size"]),
            helper.make_node("Expand", ["zero", "size"], ["room"]),
            helper.make_node("ReduceMax", ["room"], ["nothing"], keepdims=0),
            helper.make_node("Add", ["counted", "nothing"], ["logits"]),
        ]
    )
    return bytes(model.SerializeToString())


def folder(place: Path, **changed: Any) -> Path:
    """The model in `place`, with what is `changed` in its manifest; `weights` are another network."""
    place.mkdir(parents=True, exist_ok=True)
    files = {MODEL: changed.pop("weights", None) or network(), TOKENIZER: tokenizer().encode()}
    for name, content in files.items():
        (place / name).write_bytes(content)
    stated = {
        "name": "counting",
        "labels": LABELS,
        "licence": "CC0-1.0",
        "window": 12,
        "stride": 6,
        "batch": 4,
        "calibration": {"scale": (1, 1), "shift": (0, 0)},
        "files": {name: digest(content) for name, content in files.items()},
        "origin": {"base": "none"},
    }
    (place / FILE).write_text(json.dumps({**stated, **changed}))
    return place


def own(root: Path, **changed: Any) -> str:
    """The name of the model in a folder of own models."""
    made = folder(root / "making", **changed)
    name = f"counting@{digest((made / FILE).read_bytes())[:16]}"
    made.rename(root / name)
    return name
