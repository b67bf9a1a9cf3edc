"""Without LangChain there is a next step."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
from guardrails.errors import Missing
sys.modules["{library}"] = None  # as if it were not installed
try:
    import guardrails.langchain.{module}
except Missing as error:
    print(error)
"""


@pytest.mark.parametrize(("library", "module"), [("langchain", "middleware"), ("langchain_core", "runnable")])
def test_it_says_what_to_install(library: str, module: str) -> None:
    script = WITHOUT.format(library=library, module=module)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "LangChain is not installed: pip install 'sluicegate[langchain]'."
