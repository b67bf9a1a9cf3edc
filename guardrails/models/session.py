"""The one module that knows ONNX Runtime: weights in, logits of windows out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guardrails.errors import NotRun
from guardrails.models.cutting import Piece
from guardrails.models.manifest import MODEL, Manifest

EMBEDDING = "unit_vector"
"""The output of a model that gives unit vectors beside its logits."""
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""From the fastest on; those that the installed runtime has are used."""


class Session:
    """Runs on the thread that asks, one core of a CPU: a gateway scales by processes."""

    def __init__(self, manifest: Manifest, files: dict[str, bytes]) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise NotRun("onnxruntime is not installed: pip install 'sluicegate[guards]'", "missing") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        there = onnxruntime.get_available_providers()
        providers = [provider for provider in PROVIDERS if provider in there]
        try:
            self._session: Any = onnxruntime.InferenceSession(files[MODEL], options, providers=providers)
        except MemoryError:
            raise
        except Exception as error:
            raise NotRun(f"{MODEL} of the model {manifest.name} cannot be loaded: {error}", "missing") from error
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._outputs = [given.name for given in self._session.get_outputs()]
        self._first = self._outputs[0]
        self._manifest = manifest

    def run(self, pieces: Sequence[Piece]) -> NDArray[np.float32]:
        """For each piece the logit of each label. Raises `NotRun` where the runtime fails, which it mostly does for
        want of memory too, and `MemoryError`."""
        logits = self._run(pieces, self._first)
        if logits.shape != (len(pieces), len(self._manifest.labels)):
            raise NotRun(f"the model {self._manifest.name} gave something else than a logit for each of its labels")
        return logits

    def embed(self, pieces: Sequence[Piece]) -> NDArray[np.float32]:
        """For each piece a unit vector."""
        if EMBEDDING not in self._outputs:
            raise NotRun(f"the model {self._manifest.name} gives no embeddings")
        return self._run(pieces, EMBEDDING)

    def _run(self, pieces: Sequence[Piece], output: str) -> NDArray[np.float32]:
        longest = max(len(piece.ids) for piece in pieces)
        ids = np.zeros((len(pieces), longest), np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece.ids)] = piece.ids
            mask[row, : len(piece.ids)] = 1
            types[row, piece.second : len(piece.ids)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        try:
            found = self._session.run([output], {name: given[name] for name in given if name in self._inputs})[0]
        except MemoryError:
            raise
        except Exception as error:
            why = (str(error) or type(error).__name__).splitlines()[0]
            raise NotRun(f"the model {self._manifest.name} failed: {why}") from error
        if not np.isfinite(found).all():
            raise NotRun(f"the model {self._manifest.name} gave something that is no number")
        return np.asarray(found, np.float32)


def calibrated(manifest: Manifest, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logits as probabilities, from 0 to 1."""
    fitted = logits * np.asarray(manifest.calibration.scale) + np.asarray(manifest.calibration.shift)
    if manifest.activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(fitted, -60, 60))))
    shares = np.exp(fitted - fitted.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
