from __future__ import annotations

import pytest

from evals.judges.family import family_of


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-5-mini", "gpt"),
        ("o3", "gpt"),
        ("openai/gpt-4o", "gpt"),
        ("ft:gpt-4o-mini:acme::abc", "gpt"),
        ("claude-sonnet-4-5", "claude"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        ("us.anthropic.claude-3-haiku", "claude"),
        ("models/gemini-2.5-pro", "gemini"),
        ("google/gemma-3-27b-it", "gemini"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama"),
        ("llama3.1:8b", "llama"),
        ("mistralai/Mixtral-8x7B", "mistral"),
        ("Qwen/Qwen3-8B", "qwen"),
        ("deepseek-r1", "deepseek"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "smollm"),
        ("smollm2", "smollm"),
        ("ollama", None),
        ("support-bot", None),
        ("phillip", None),
        ("", None),
    ],
)
def test_the_family_of_a_name(model: str, family: str | None) -> None:
    assert family_of(model) == family
