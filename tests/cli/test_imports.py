"""`sluice import litellm`: the result on standard output, or in a file that `sluice serve` takes, and the report."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Sluice

SOURCE = """\
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: sk-in-the-open, rpm: 10}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY}
router_settings:
  fallbacks: [{gpt-4o: [claude]}]
general_settings: {master_key: sk-master}
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "config.yaml").write_text(SOURCE)
    return "config.yaml"


def test_the_result_is_printed_and_the_report_beside_it(sluice: Sluice, source: str) -> None:
    done = sluice("import", "litellm", source)
    assert done.code == 0
    assert yaml.safe_load(done.out)["pools"] == {"gpt-4o": {"members": {"gpt-4o-1": 1}, "fallbacks": ["claude"]}}
    lines = done.err.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "Taken over:",
        "Taken over, otherwise:",
        "Left out:",
    ]
    assert "  general_settings.master_key: keys are minted here: sluice keys create NAME --role admin" in lines
    assert "sk-" not in done.out + done.err.replace("sluice keys", "")


def test_what_is_written_passes_the_check(sluice: Sluice, source: str) -> None:
    assert sluice("import", "litellm", source, "--output", "new.yaml").out == ""
    assert sluice("config", "check", "new.yaml").code == 0


def test_nothing_is_written_over(sluice: Sluice, source: str, tmp_path: Path) -> None:
    before = (tmp_path / "sluicegate.yaml").read_text()
    done = sluice("import", "litellm", source, "--output", "sluicegate.yaml")
    assert (done.code, "is there already" in done.err) == (1, True)
    assert (tmp_path / "sluicegate.yaml").read_text() == before


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), (b"\xff", "not UTF-8"), (b"a: [", "not valid")]
)
def test_a_source_that_cannot_be_read(sluice: Sluice, tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "odd.yaml").write_bytes(content)
    done = sluice("import", "litellm", "odd.yaml")
    assert done.code == 1
    assert words in done.err
    assert "odd.yaml" in done.err
