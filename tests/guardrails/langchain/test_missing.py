"""Without LangChain there is a next step, and nothing else is lost."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import importlib.util, sys
from guardrails.errors import Missing
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "langchain" else found(name, *rest)
try:
    import guardrails.langchain
except Missing as error:
    print(error)
"""


def test_it_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "LangChain is not installed: pip install 'sluicegate[langchain]'."
