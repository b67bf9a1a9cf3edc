"""Which family a model is of, as far as its name says: a judge prefers answers of its own family (Panickssery et al.
2024, arXiv:2404.13076)."""

from __future__ import annotations

import re
from collections.abc import Mapping

FAMILIES: Mapping[str, str] = {
    r"gpt|chatgpt|o[1-9]|davinci|text-embedding": "gpt",
    r"claude": "claude",
    r"gemini|gemma|palm": "gemini",
    r"llama|codellama": "llama",
    r"mistral|mixtral|ministral|codestral|magistral|pixtral": "mistral",
    r"qwen|qwq": "qwen",
    r"deepseek": "deepseek",
    r"phi": "phi",
    r"command|aya": "command",
    r"grok": "grok",
    r"nova|titan": "nova",
    r"smollm2?|smollm3": "smollm",
    r"granite": "granite",
    r"kimi|moonshot": "kimi",
    r"glm|chatglm": "glm",
}
"""Families by how names of their models begin, after vendors and paths."""


def family_of(model: str) -> str | None:
    """None where the name does not say: that is not to be of no family."""
    name = re.split(r"[/:]", model.lower())[-1] if "/" in model else model.lower()
    for part in re.split(r"[.:]", name):
        for names, family in FAMILIES.items():
            if re.match(rf"(?:{names})(?![a-z])", part):
                return family
    return None
