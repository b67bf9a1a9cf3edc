"""Trained weights as an ONNX file of small integers, and a manifest that says what they are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from guardrails.errors import Missing
from guardrails.training.encoder import CLS, SEP, Encoder, mean

OPSET = 18


class Embedding(nn.Module):
    """The encoder with a second output: the mean of a window's tokens, as a unit vector."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden, mask = self.encoder.hidden(input_ids, attention_mask)
        return self.encoder.said(hidden, mask), functional.normalize(mean(hidden, mask), dim=1)


def exported(model: nn.Module, file: Path, outputs: tuple[str, ...] = ("logits",)) -> None:
    """Writes the model in single precision, for any number of windows of any length."""
    model.eval().float()
    ids = torch.tensor([[CLS, 2023, 2003, SEP], [CLS, 2178, SEP, 0]])
    windows, tokens = torch.export.Dim("windows", max=4096), torch.export.Dim("tokens", max=512)
    shape = {0: windows, 1: tokens}
    torch.onnx.export(
        model,
        (ids, (ids != 0).long()),
        file,
        input_names=["input_ids", "attention_mask"],
        output_names=list(outputs),
        dynamic_shapes=(shape, shape),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def quantised(whole: Path, file: Path) -> None:
    """Weights of layers as 8-bit integers, by channel, and activations as they come, window by window. The head, the
    only `Gemm`, stays as it is: what it reads is of several scales. The quantiser renames it."""
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise Missing.extra("onnx", "train") from error
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(whole, prepared, skip_symbolic_shape=True)
        heads = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Gemm"]
        quantize_dynamic(
            prepared,
            file,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gather"],
            nodes_to_exclude=[f"{head}_MatMul" for head in heads],
        )
